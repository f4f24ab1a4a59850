use std::fmt;

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

impl TooManyInterim {
    pub(crate) const LIMIT: TooManyInterim = TooManyInterim { heads: MAX_HEADS, bytes: MAX_BYTES };
}

impl fmt::Display for TooManyInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} interim (1xx) responses or {} bytes of them", self.heads, self.bytes)
    }
}

impl std::error::Error for TooManyInterim {}

/// What keeps interim heads within limits.
#[derive(Debug)]
pub(crate) enum Interim {
    /// Of HTTP/1.1.
    Heads(Heads),
    /// Of HTTP/2.
    Frames(Frames),
}

/// Follows the bytes from the start of an answer to the first head that is not interim.
///
/// It reads just enough to tell a status line that begins with 1 and to find the empty line that ends such a head: what
/// is in the heads is the parser's business.
#[derive(Debug, Default)]
pub(crate) struct Heads {
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

impl Heads {
    /// The head of the real answer has begun.
    fn found(&mut self) -> Result<bool, TooManyInterim> {
        *self = Heads::default();
        Ok(true)
    }

    /// So many bytes of a status line were those of an interim head.
    fn interim(&mut self, seen: usize) -> At {
        self.bytes += seen;
        At::Head(0)
    }

    /// Takes the next bytes; true when the head of the real answer has begun.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<bool, TooManyInterim> {
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
                return Err(TooManyInterim::LIMIT);
            }
        }
        Ok(false)
    }
}

/// Follows the frames of an HTTP/2 connection ([RFC 9113, section 4.1](https://www.rfc-editor.org/rfc/rfc9113#section-4.1)).
///
/// What is in the heads is compressed, so they are counted by what follows: of the heads of a stream before its first
/// data all but the last two, answer and trailers, must have been interim.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: [u8; 9],
    /// How much of `head` is there.
    seen: usize,
    /// How much of the frame's payload is to come.
    payload: usize,
    /// Streams that have had heads and no data, the oldest first: their heads and the bytes of them.
    streams: Vec<(u32, u32, usize)>,
    settings: Settings,
}

/// A parser of the stream limit in the peer's SETTINGS
/// ([RFC 9113, section 6.5.2](https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2)).
#[derive(Debug, Default)]
struct Settings {
    /// True inside a frame that is not an acknowledgement.
    is_open: bool,
    entry: [u8; 6],
    /// The number of bytes of `entry` that have arrived.
    seen: usize,
    /// The limit in the open frame.
    said: Option<u32>,
    /// The limit since the last whole frame.
    streams: Option<usize>,
}

impl Settings {
    const MAX_CONCURRENT_STREAMS: u16 = 3;

    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.entry[self.seen] = byte;
            self.seen += 1;
            if self.seen == self.entry.len() {
                self.seen = 0;
                let [a, b, value @ ..] = self.entry;
                if u16::from_be_bytes([a, b]) == Settings::MAX_CONCURRENT_STREAMS {
                    self.said = Some(u32::from_be_bytes(value));
                }
            }
        }
    }

    /// Ends the frame. If the first names no limit, there is none; if a later one names none, the limit stays.
    fn end(&mut self) {
        let said = self.said.take().map(|streams| streams as usize);
        self.streams = said.or(self.streams).or(Some(usize::MAX));
        (self.is_open, self.seen) = (false, 0);
    }
}

impl Frames {
    /// As many streams as are followed at once; of more the oldest are forgotten.
    const STREAMS: usize = 128;

    /// The number of streams that the peer admits; `None` before its first SETTINGS.
    pub(crate) fn streams(&self) -> Option<usize> {
        self.settings.streams
    }

    /// Reads the next bytes; returns true if they complete SETTINGS.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, TooManyInterim> {
        const DATA: u8 = 0;
        const HEADERS: u8 = 1;
        const RST_STREAM: u8 = 3;
        const SETTINGS: u8 = 4;
        const END_STREAM: u8 = 1;
        const ACK: u8 = 1;
        let mut has_settings = false;
        loop {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            if self.settings.is_open {
                self.settings.feed(&bytes[..skipped]);
                if self.payload == 0 {
                    self.settings.end();
                    has_settings = true;
                }
            }
            bytes = &bytes[skipped..];
            let taken = (self.head.len() - self.seen).min(bytes.len());
            self.head[self.seen..self.seen + taken].copy_from_slice(&bytes[..taken]);
            self.seen += taken;
            bytes = &bytes[taken..];
            if self.payload > 0 || self.seen < self.head.len() {
                return Ok(has_settings);
            }
            self.seen = 0;
            let [a, b, c, kind, flags, stream @ ..] = self.head;
            self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
            match kind {
                HEADERS if flags & END_STREAM == 0 => self.head_of(u32::from_be_bytes(stream))?,
                DATA | HEADERS | RST_STREAM => self.forget(u32::from_be_bytes(stream)),
                SETTINGS => self.settings.is_open = flags & ACK == 0,
                _ => {}
            }
        }
    }

    fn head_of(&mut self, stream: u32) -> Result<(), TooManyInterim> {
        let at = self.streams.iter().position(|(own, ..)| *own == stream).unwrap_or_else(|| {
            if self.streams.len() == Frames::STREAMS {
                self.streams.remove(0);
            }
            self.streams.push((stream, 0, 0));
            self.streams.len() - 1
        });
        let (_, heads, bytes) = &mut self.streams[at];
        if *heads > MAX_HEADS + 1 || *bytes > 2 * MAX_BYTES {
            return Err(TooManyInterim::LIMIT);
        }
        *heads += 1;
        *bytes += self.payload;
        Ok(())
    }

    fn forget(&mut self, stream: u32) {
        if let Some(at) = self.streams.iter().position(|(own, ..)| *own == stream) {
            self.streams.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n";

    #[test]
    fn finds_the_first_head_that_is_not_interim_however_it_is_cut() {
        let mut bytes = CONTINUE.repeat(3);
        assert!(!Heads::default().feed(&bytes).unwrap());
        bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        for cut in 0..bytes.len() - 8 {
            let mut interim = Heads::default();
            let first = interim.feed(&bytes[..cut]).unwrap();
            assert!(first || interim.feed(&bytes[cut..]).unwrap(), "cut at {cut}");
        }
    }

    #[test]
    fn limits_heads_and_bytes() {
        let mut interim = Heads::default();
        assert!(!interim.feed(&CONTINUE.repeat(16)).unwrap());
        assert!(interim.feed(CONTINUE).unwrap_err().to_string().contains("16 interim"));
        let long = [b"HTTP/1.1 103 Early Hints\r\nLink: ".as_slice(), &[b'x'; MAX_BYTES]].concat();
        assert!(Heads::default().feed(&long).is_err());
    }

    #[test]
    fn reads_how_many_streams_the_peer_admits_however_it_is_cut() {
        let settings = |entries: &[[u8; 6]], flags: u8| {
            let head = [0, 0, 6 * entries.len() as u8, 4, flags, 0, 0, 0, 0];
            [&head[..], &entries.concat()].concat()
        };
        let (window, streams) = ([0, 4, 0, 1, 0, 0], |streams: u8| [0, 3, 0, 0, 0, streams]);
        let data = [0, 0, 6, 0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 9];
        let cases: [(Vec<u8>, Option<usize>); 6] = [
            (data.to_vec(), None),
            (settings(&[], 1), None),
            (settings(&[], 0), Some(usize::MAX)),
            (settings(&[window, streams(3)], 0), Some(3)),
            ([settings(&[streams(3)], 0), settings(&[window], 0), data.to_vec()].concat(), Some(3)),
            ([settings(&[window], 0), data.to_vec(), settings(&[streams(7), streams(0)], 0)].concat(), Some(0)),
        ];
        for (bytes, admitted) in cases {
            for size in 1..16 {
                let mut frames = Frames::default();
                let told = bytes.chunks(size).filter(|piece| frames.feed(piece).unwrap()).count();
                assert_eq!((frames.streams(), told > 0), (admitted, admitted.is_some()), "{bytes:?} by {size}");
            }
        }
    }

    #[test]
    fn limits_the_heads_of_a_stream_however_they_are_cut() {
        let head = |flags: u8| [0, 0, 1, 1, flags, 0, 0, 0, 1, 0x88];
        let data = [0, 0, 1, 0, 0, 0, 0, 0, 1, b'x'];
        let within = [head(4).repeat(MAX_HEADS as usize + 1), head(5).to_vec()].concat();
        for size in 1..12 {
            let feed = |bytes: &[u8]| {
                let mut frames = Frames::default();
                bytes.chunks(size).try_for_each(|piece| frames.feed(piece).map(drop))
            };
            feed(&[within.clone(), within.clone()].concat()).unwrap();
            feed(&[&head(4)[..], &data].concat().repeat(100)).unwrap();
            feed(&head(4).repeat(MAX_HEADS as usize + 3)).unwrap_err();
        }
    }
}
