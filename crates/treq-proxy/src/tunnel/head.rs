use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The longest head of an answer to CONNECT, in bytes.
const HEAD_LEN: usize = 8 * 1024;

/// How many interim answers may come before the final one.
const INTERIMS: u32 = 8;

/// The head of an answer ([RFC 9112, sections 4 and 5](https://www.rfc-editor.org/rfc/rfc9112#section-4)).
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// Rather than HTTP/1.0.
    pub(crate) http11: bool,
    pub(crate) headers: HeaderMap,
}

/// Why bytes are no head: a clause whose subject is the proxy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes bytes as they come, up to a final head.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    buffer: BytesMut,
    /// Up to where there is no end of a head.
    looked: usize,
    interims: u32,
}

impl HeadReader {
    /// The final head, once it is whole. Interim ones are passed over; 101 is final, as nothing asked for it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Head>, Malformed> {
        self.buffer.extend_from_slice(bytes);
        loop {
            let Some(end) = self.end() else {
                return match self.buffer.len() > HEAD_LEN {
                    true => Err(too_long()),
                    false => begins_well(&self.buffer).map(|()| None),
                };
            };
            if end > HEAD_LEN {
                return Err(too_long());
            }
            let head = parse(&self.buffer.split_to(end))?;
            self.looked = 0;
            if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some(head));
            }
            self.interims += 1;
            if self.interims > INTERIMS {
                return Err(Malformed(format!("sent more than {INTERIMS} interim answers to CONNECT")));
            }
        }
    }

    /// Whether nothing at all has come since the last head.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.interims == 0
    }

    /// What came behind the head.
    pub(crate) fn into_rest(self) -> Bytes {
        self.buffer.freeze()
    }

    /// Where the empty line ends: a bare LF ends a line too.
    fn end(&mut self) -> Option<usize> {
        while let Some(at) = self.buffer[self.looked..].iter().position(|&byte| byte == b'\n') {
            let behind = self.looked + at + 1;
            match &self.buffer[behind..] {
                [b'\n', ..] => return Some(behind + 1),
                [b'\r', b'\n', ..] => return Some(behind + 2),
                // Not yet to be told.
                [] | [b'\r'] => return None,
                _ => self.looked = behind,
            }
        }
        self.looked = self.buffer.len();
        None
    }
}

fn too_long() -> Malformed {
    Malformed(format!("answered CONNECT by a head of more than {HEAD_LEN} bytes"))
}

/// What does not even begin as HTTP is told from a slow answer.
fn begins_well(bytes: &[u8]) -> Result<(), Malformed> {
    const BEGIN: &[u8] = b"HTTP/1.";
    let len = bytes.len().min(BEGIN.len());
    if bytes[..len] == BEGIN[..len] { Ok(()) } else { Err(not_http(bytes)) }
}

fn not_http(bytes: &[u8]) -> Malformed {
    // Enough to tell TLS or another protocol by; what is sent back comes later.
    let shown = bytes[..bytes.len().min(16)].escape_ascii();
    Malformed(format!("did not answer CONNECT in HTTP/1 but by \"{shown}\": see whether its scheme is right"))
}

fn parse(head: &[u8]) -> Result<Head, Malformed> {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default();
    let (http11, rest) = match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), b' ', rest @ ..] => (*minor == b'1', rest),
        _ => return Err(not_http(line)),
    };
    let status = match rest {
        code if code.len() == 3 => code,
        [a, b, c, b' ', ..] => &[*a, *b, *c][..],
        _ => return Err(not_http(line)),
    };
    let status = StatusCode::from_bytes(status).map_err(|_| not_http(line))?;
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = field(line).ok_or_else(|| {
            // Some send back what they were sent, with the credentials: its first word alone.
            let word = line.split(|byte| matches!(byte, b' ' | b'\t' | b':')).next().unwrap_or_default();
            let shown = word[..word.len().min(32)].escape_ascii();
            Malformed(format!("answered CONNECT with a line that is no field: \"{shown}…\""))
        })?;
        headers.append(name, value);
    }
    Ok(Head { status, http11, headers })
}

fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, mut value) = line.split_at(colon);
    value.advance(1);
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.trim_ascii()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome with the bytes in two pieces, cut anywhere.
    fn at_every_cut(text: &str) -> Result<Option<(u16, usize, Vec<u8>)>, String> {
        let outcomes: Vec<_> = (0..=text.len()).map(|cut| in_pieces(&[&text[..cut], &text[cut..]])).collect();
        let bytes: Vec<&str> = text.split("").filter(|piece| !piece.is_empty()).collect();
        let singly = in_pieces(&bytes);
        for (cut, outcome) in outcomes.iter().enumerate() {
            match (outcome, &singly) {
                (Ok(one), Ok(other)) => assert_eq!(one, other, "{text:?} cut at {cut}"),
                (Err(_), Err(_)) => {}
                _ => panic!("{text:?} cut at {cut}: {outcome:?}, singly {singly:?}"),
            }
        }
        outcomes[0].clone()
    }

    fn in_pieces(pieces: &[&str]) -> Result<Option<(u16, usize, Vec<u8>)>, String> {
        let (mut reader, mut found) = (HeadReader::default(), None);
        let mut rest = Vec::new();
        for piece in pieces {
            if found.is_some() {
                rest.extend_from_slice(piece.as_bytes());
            } else {
                found = reader.push(piece.as_bytes()).map_err(|error| error.to_string())?;
            }
        }
        let mut all = reader.into_rest().to_vec();
        all.extend(rest);
        Ok(found.map(|head| (head.status.as_u16(), head.headers.len(), all)))
    }

    #[test]
    fn reads_final_heads_and_leaves_the_rest() {
        for (text, want) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some((200, 0, ""))),
            ("HTTP/1.1 200\r\n\r\n", Some((200, 0, ""))),
            ("HTTP/1.0 200 Connection established\r\nA: b\r\nA: c\r\n\r\nrest\r\n\r\n", Some((200, 2, "rest\r\n\r\n"))),
            ("HTTP/1.1 200 OK\nA:b\n\nx", Some((200, 1, "x"))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Some((200, 1, "hello"))),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 407 X\r\n\r\n", Some((407, 0, ""))),
            ("HTTP/1.1 101 X\r\n\r\nHTTP/1.1 200 X\r\n\r\n", Some((101, 0, "HTTP/1.1 200 X\r\n\r\n"))),
            ("HTTP/1.1 200 \r\nA: \r\n\r\n", Some((200, 1, ""))),
            ("HTTP/1.1 100 Continue\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\nA: b", None),
            ("", None),
        ] {
            let want = want.map(|(status, fields, rest)| (status, fields, rest.as_bytes().to_vec()));
            assert_eq!(at_every_cut(text), Ok(want), "{text:?}");
        }
    }

    #[test]
    fn names_what_is_no_head() {
        let many = "HTTP/1.1 100 X\r\n\r\n".repeat(9);
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(HEAD_LEN));
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(2000));
        for (text, named) in [
            ("\u{5}\u{0}", "x05"),
            ("SSH-2.0-x\r\n", "SSH-2.0"),
            ("HTTP/2 200\r\n\r\n", "HTTP/2 200"),
            ("HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.2"),
            ("HTTP/1.1 20 OK\r\n\r\n", "20 OK"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "2000"),
            ("HTTP/1.1  200 OK\r\n\r\n", "200"),
            ("HTTP/1.1 099 OK\r\n\r\n", "099"),
            ("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", "no field"),
            ("HTTP/1.1 200 OK\r\nA : x\r\n\r\n", "no field"),
            ("HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "no field"),
            ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "no field"),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", "did not answer"),
            (&many, "8 interim"),
            (&long, "8192 bytes"),
            (&endless, "8192 bytes"),
        ] {
            let error = match text.len() > 100 {
                true => in_pieces(&[text]).unwrap_err(),
                false => at_every_cut(text).unwrap_err(),
            };
            assert!(error.contains(named), "{text:?}: {error}");
        }
    }
}
