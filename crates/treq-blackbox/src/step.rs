//! The steps of a scripted connection.

use std::time::Duration;

use crate::escape::unescape;

/// What a scripted connection does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `head`: reads the head of a request.
    Head,
    /// `body`: reads the body that the head announced.
    Body,
    /// `send X`, `ok [X]`: writes.
    Send(Vec<u8>),
    /// `rep N X`, `h2rep N ..`: writes so many times.
    Repeat(u64, Vec<u8>),
    /// `flood X`: writes again and again for 15 seconds, or until the client closes.
    Flood(Vec<u8>),
    /// `drip MS X`, `dripforever MS X`: writes byte by byte with pauses, once or for 20 seconds.
    Drip {
        /// Before each further byte.
        pause: Duration,
        /// What is written.
        bytes: Vec<u8>,
        /// Whether it begins again at the end.
        forever: bool,
    },
    /// `sleep MS`: waits.
    Sleep(Duration),
    /// `close`: closes the connection.
    Close,
    /// `rst`: closes it with a reset.
    Reset,
    /// `shutwr`: closes the writing half.
    Shutdown,
    /// `hold MS`: reads and throws away until the client closes, or nothing comes for so long; then closes.
    Hold(Duration),
    /// `goto K`: goes on with step K, counted from 0.
    Goto(usize),
    /// `bomb CODING MIB`: an answer of so many MiB of zeros, compressed.
    Bomb {
        /// gzip, or zlib's form of deflate for all else.
        coding: String,
        /// Decoded size.
        mib: u64,
    },
    /// `chain N`: an answer compressed with gzip so many times over.
    Chain(usize),
    /// `members N`: an answer of so many empty gzip members, and one that is not.
    Members(usize),
    /// `h2open`: reads the preface and frames up to the first HEADERS; sends SETTINGS and acknowledges the client's.
    Http2Open,
    /// `h2drain MS`: reads frames and throws them away until the connection ends, or nothing comes for so long.
    Http2Drain(Duration),
}

impl Step {
    /// The step that `text` means; places of listeners are filled in already.
    ///
    /// # Errors
    ///
    /// For a step that there is not, and for arguments of another form.
    pub fn parse(text: &str) -> Result<Step, String> {
        let (name, arg) = text.split_once(' ').unwrap_or((text, ""));
        let bad = |_| format!("bad step {text:?}");
        let millis = || arg.parse().map(Duration::from_millis).map_err(bad);
        let count = || arg.parse().map_err(bad);
        let counted = || {
            let (first, rest) = arg.split_once(' ').unwrap_or((arg, ""));
            first.parse::<u64>().map(|number| (number, rest)).map_err(bad)
        };
        Ok(match name {
            "head" => Step::Head,
            "body" => Step::Body,
            "send" => Step::Send(unescape(arg)?),
            "ok" => Step::Send(ok(&unescape(if arg.is_empty() { "ok" } else { arg })?)),
            "rep" => {
                let (times, piece) = counted()?;
                Step::Repeat(times, unescape(piece)?)
            }
            "flood" => Step::Flood(unescape(arg)?),
            "drip" | "dripforever" => {
                let (pause, bytes) = counted()?;
                let pause = Duration::from_millis(pause);
                Step::Drip { pause, bytes: unescape(bytes)?, forever: name == "dripforever" }
            }
            "sleep" => Step::Sleep(millis()?),
            "close" => Step::Close,
            "rst" => Step::Reset,
            "shutwr" => Step::Shutdown,
            "hold" if arg.is_empty() => Step::Hold(Duration::from_secs(8)),
            "hold" => Step::Hold(millis()?),
            "goto" => Step::Goto(count()?),
            "bomb" => {
                let (coding, mib) = arg.split_once(' ').ok_or_else(|| format!("bad step {text:?}"))?;
                Step::Bomb { coding: coding.to_owned(), mib: mib.trim().parse().map_err(bad)? }
            }
            "chain" => Step::Chain(count()?),
            "members" => Step::Members(count()?),
            "h2open" => Step::Http2Open,
            "h2f" => Step::Send(frame(arg).ok_or_else(|| format!("bad step {text:?}"))?),
            "h2rep" => {
                let (times, rest) = counted()?;
                Step::Repeat(times, frame(rest).ok_or_else(|| format!("bad step {text:?}"))?)
            }
            "h2drain" => Step::Http2Drain(millis()?),
            _ => return Err(format!("there is no step {text:?}")),
        })
    }
}

/// A whole answer with this body.
fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// `TYPE FLAGS STREAM [HEX]` as a frame: [RFC 9113, section 4.1](https://www.rfc-editor.org/rfc/rfc9113#section-4.1).
fn frame(arg: &str) -> Option<Vec<u8>> {
    let mut words = arg.split_whitespace();
    let mut number = || words.next()?.parse::<u32>().ok();
    let (kind, flags, stream) = (u8::try_from(number()?).ok()?, u8::try_from(number()?).ok()?, number()?);
    let payload = unhex(words.next().unwrap_or_default())?;
    let len = u32::try_from(payload.len()).ok().filter(|len| *len < 1 << 24)?;
    let mut frame = len.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    Some(frame)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_step() {
        let ms = Duration::from_millis;
        for (text, step) in [
            ("head", Step::Head),
            ("body", Step::Body),
            ("send a\\r\\n b", Step::Send(b"a\r\n b".to_vec())),
            ("ok", Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())),
            ("ok x y", Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nx y".to_vec())),
            ("rep 3 a b", Step::Repeat(3, b"a b".to_vec())),
            ("flood x", Step::Flood(b"x".to_vec())),
            ("drip 5 xy", Step::Drip { pause: ms(5), bytes: b"xy".to_vec(), forever: false }),
            ("dripforever 0 x", Step::Drip { pause: ms(0), bytes: b"x".to_vec(), forever: true }),
            ("sleep 80", Step::Sleep(ms(80))),
            ("close", Step::Close),
            ("rst", Step::Reset),
            ("shutwr", Step::Shutdown),
            ("hold", Step::Hold(ms(8000))),
            ("hold 30", Step::Hold(ms(30))),
            ("goto 0", Step::Goto(0)),
            ("bomb gzip 64", Step::Bomb { coding: "gzip".to_owned(), mib: 64 }),
            ("chain 50", Step::Chain(50)),
            ("members 7", Step::Members(7)),
            ("h2open", Step::Http2Open),
            ("h2f 1 4 1 88", Step::Send(b"\0\0\x01\x01\x04\0\0\0\x01\x88".to_vec())),
            ("h2rep 9 0 0 1", Step::Repeat(9, b"\0\0\0\0\0\0\0\0\x01".to_vec())),
            ("h2drain 800", Step::Http2Drain(ms(800))),
        ] {
            assert_eq!(Step::parse(text).as_ref(), Ok(&step), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_step() {
        for text in
            ["", "hop", "sleep", "sleep x", "goto -1", "rep x", "h2f 1 4", "h2f 1 4 1 8", "h2f 256 0 0", "bomb 3"]
        {
            assert!(Step::parse(text).is_err(), "{text}");
        }
    }
}
