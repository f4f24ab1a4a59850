use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::{Head, stays_open};

/// How much of a 407's body is read, framing included, so that its connection can be used again.
const DRAIN_LEN: usize = 16 * 1024;

/// The longest line of framing that is looked at.
const LINE_LEN: usize = 256;

/// A reader of a body that goes to waste.
#[derive(Debug)]
pub(crate) struct Drain {
    state: State,
    /// How many bytes may still come.
    left: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are missing.
    Length(usize),
    /// The line with the next chunk's size, as far as it came.
    Size(Vec<u8>),
    /// So many bytes of a chunk and of its line break are missing.
    Chunk(usize),
    /// The line behind the last chunk, as far as it came.
    Trailer(usize),
    Done,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// More is to come.
    More,
    /// The next answer follows.
    Done,
    /// It is longer than it is worth, or makes no sense: the connection is of no further use.
    GiveUp,
}

impl Drain {
    /// None where the connection cannot be used again.
    pub(super) fn of(head: &Head) -> Option<Drain> {
        if !stays_open(head) {
            return None;
        }
        let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
        let state = match (codings.next(), codings.next()) {
            (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => State::Size(Vec::new()),
            (Some(_), _) => return None,
            (None, _) => {
                let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
                let text = lengths.next()?.to_str().ok()?;
                let len = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
                if lengths.next().is_some() || len > DRAIN_LEN {
                    return None;
                }
                if len == 0 { State::Done } else { State::Length(len) }
            }
        };
        Some(Drain { state, left: DRAIN_LEN })
    }

    /// Reads on. What is left over of `bytes` at the end does not belong here: nobody was asked for it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Drained {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Done => return Drained::GiveUp,
                State::Length(missing) | State::Chunk(missing) => {
                    let taken = bytes.len().min(*missing);
                    *missing -= taken;
                    taken
                }
                State::Size(line) => {
                    line.push(bytes[0]);
                    1
                }
                State::Trailer(len) => {
                    match bytes[0] {
                        b'\n' if *len == 0 => self.state = State::Done,
                        b'\n' => *len = 0,
                        b'\r' => {}
                        _ => *len += 1,
                    }
                    1
                }
            };
            bytes = &bytes[taken..];
            if taken > self.left {
                return Drained::GiveUp;
            }
            self.left -= taken;
            match &self.state {
                State::Length(0) => self.state = State::Done,
                State::Chunk(0) => self.state = State::Size(Vec::new()),
                State::Size(line) if line.last() == Some(&b'\n') => match size(line) {
                    Some(0) => self.state = State::Trailer(0),
                    Some(size) if size <= DRAIN_LEN => self.state = State::Chunk(size + 2),
                    _ => return Drained::GiveUp,
                },
                State::Size(line) if line.len() > LINE_LEN => return Drained::GiveUp,
                _ => {}
            }
        }
        if self.state == State::Done { Drained::Done } else { Drained::More }
    }
}

/// The size of a chunk, without its extensions ([RFC 9112, section
/// 7.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1)).
fn size(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?.split([';', '\r', '\n']).next()?.trim();
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| usize::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    fn start(fields: &str) -> Option<Drain> {
        Drain::of(&read(&format!("{fields}\r\n\r\n")))
    }

    #[test]
    fn finds_the_end_however_the_bytes_are_cut() {
        for (fields, body) in [
            ("HTTP/1.1 407 X\r\nContent-Length: 5", "hello"),
            ("HTTP/1.0 407 X\r\nContent-Length: 5\r\nProxy-Connection: keep-alive", "hello"),
            ("HTTP/1.1 407 X\r\nTransfer-Encoding: Chunked", "5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"),
            ("HTTP/1.1 407 X\r\nTransfer-Encoding: chunked", "0\r\nA: b\r\nC: d\r\n\r\n"),
            ("HTTP/1.1 407 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", "1\r\n0\r\n0\r\n\r\n"),
        ] {
            for cut in 0..body.len() {
                let mut drain = start(fields).unwrap();
                assert_eq!(drain.push(&body.as_bytes()[..cut]), Drained::More, "{body} cut at {cut}");
                assert_eq!(drain.push(&body.as_bytes()[cut..]), Drained::Done, "{body} cut at {cut}");
                assert_eq!(drain.push(b"H"), Drained::GiveUp);
            }
        }
        assert_eq!(start("HTTP/1.1 407 X\r\nContent-Length: 0").unwrap().push(b""), Drained::Done);
    }

    #[test]
    fn gives_a_connection_up_that_is_of_no_use() {
        for fields in [
            "HTTP/1.1 407 X",
            "HTTP/1.0 407 X\r\nContent-Length: 5",
            "HTTP/1.1 407 X\r\nContent-Length: 5\r\nConnection: x, Close",
            "HTTP/1.1 407 X\r\nContent-Length: 5\r\nProxy-Connection: close",
            "HTTP/1.1 407 X\r\nContent-Length: 16385",
            "HTTP/1.1 407 X\r\nContent-Length: 5\r\nContent-Length: 5",
            "HTTP/1.1 407 X\r\nContent-Length: +5",
            "HTTP/1.1 407 X\r\nTransfer-Encoding: gzip, chunked",
        ] {
            assert!(start(fields).is_none(), "{fields}");
        }
        let line = "1;".to_owned() + &"x".repeat(300);
        let chunks = "1000\r\n".to_owned() + &"x".repeat(4096) + "\r\n";
        let trailers = "0\r\n".to_owned() + &"A: b\r\n".repeat(3000);
        for body in ["x\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "4001\r\n", &line, &chunks.repeat(4), &trailers] {
            let mut drain = start("HTTP/1.1 407 X\r\nTransfer-Encoding: chunked").unwrap();
            assert_eq!(drain.push(body.as_bytes()), Drained::GiveUp, "{}", &body[..3]);
        }
    }
}
