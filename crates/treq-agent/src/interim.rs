use std::fmt;
use std::io;

/// How many interim (1xx) heads an answer may be preceded by, and how many bytes they may take.
const MAX_HEADS: u32 = 16;
const MAX_BYTES: usize = 64 * 1024;

/// The limit that interim heads went over
/// ([RFC 9110, section 15.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.2) sets none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooManyInterim {
    /// At most so many heads.
    pub heads: u32,
    /// At most so many bytes of them.
    pub bytes: usize,
}

impl fmt::Display for TooManyInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} interim (1xx) responses or {} bytes of them", self.heads, self.bytes)
    }
}

impl std::error::Error for TooManyInterim {}

/// Follows the bytes from the start of an answer to the first head that is not interim.
///
/// It reads just enough to tell a status line that begins with 1 and to find the empty line that ends such a head: what
/// is in the heads is the parser's business.
#[derive(Debug, Default)]
pub(crate) struct Interim {
    heads: u32,
    bytes: usize,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// So many bytes of `HTTP/1.1 1` were seen.
    StatusLine(usize),
    /// Inside an interim head; so many line ends followed each other (CR does not count).
    Head(u8),
}

impl Default for At {
    fn default() -> At {
        At::StatusLine(0)
    }
}

impl Interim {
    /// The head of the real answer has begun.
    fn found(&mut self) -> io::Result<bool> {
        *self = Interim::default();
        Ok(true)
    }

    /// So many bytes of a status line were those of an interim head.
    fn interim(&mut self, seen: usize) -> At {
        self.bytes += seen;
        At::Head(0)
    }

    /// Takes the next bytes; true when the head of the real answer has begun.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<bool> {
        // What nearly all answers are: a whole status line at once, and not an interim one.
        if let (At::StatusLine(0), [b'H', _, _, _, _, _, _, _, _, b'2'..=b'9', ..], 0) = (self.at, bytes, self.heads) {
            return Ok(true);
        }
        for &byte in bytes {
            self.at = match self.at {
                // `HTTP/1.1 ` is nine bytes; the tenth is the first digit of the status. Line ends before a status
                // line are skipped, as the parser skips them.
                At::StatusLine(0) if matches!(byte, b'\r' | b'\n') => At::StatusLine(0),
                // What follows a 101 is no longer HTTP.
                At::StatusLine(9) if byte != b'1' => return self.found(),
                At::StatusLine(11) if byte == b'1' => return self.found(),
                At::StatusLine(10) if byte != b'0' => self.interim(10),
                At::StatusLine(11) => self.interim(11),
                At::StatusLine(seen) => At::StatusLine(seen + 1),
                At::Head(1) if byte == b'\n' => {
                    self.heads += 1;
                    self.bytes += 1;
                    At::StatusLine(0)
                }
                At::Head(_) if byte == b'\n' => At::Head(1),
                At::Head(ends) if byte == b'\r' => At::Head(ends),
                At::Head(_) => At::Head(0),
            };
            if let At::Head(_) = self.at {
                self.bytes += 1;
            }
            if self.heads > MAX_HEADS || self.bytes > MAX_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    TooManyInterim { heads: MAX_HEADS, bytes: MAX_BYTES },
                ));
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n";

    #[test]
    fn finds_the_first_head_that_is_not_interim_however_it_is_cut() {
        let mut bytes = CONTINUE.repeat(3);
        assert!(!Interim::default().feed(&bytes).unwrap());
        bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        for cut in 0..bytes.len() - 8 {
            let mut interim = Interim::default();
            let first = interim.feed(&bytes[..cut]).unwrap();
            assert!(first || interim.feed(&bytes[cut..]).unwrap(), "cut at {cut}");
        }
    }

    #[test]
    fn limits_heads_and_bytes() {
        let mut interim = Interim::default();
        assert!(!interim.feed(&CONTINUE.repeat(16)).unwrap());
        assert!(interim.feed(CONTINUE).unwrap_err().to_string().contains("16 interim"));
        let long = [b"HTTP/1.1 103 Early Hints\r\nLink: ".as_slice(), &[b'x'; MAX_BYTES]].concat();
        assert!(Interim::default().feed(&long).is_err());
    }
}
