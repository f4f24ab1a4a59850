//! The codings of the registry, by `compression-codecs`, driven piece by piece.

use compression_codecs::DecodeV2;
use compression_core::util::{PartialBuffer, WriteBuffer};
use treq_core::BoxError;

use crate::{Coding, Decoder, Progress};

/// A body of nothing but empty members is an attack on the time that each takes to set up.
const MAX_EMPTY_MEMBERS: u32 = 1024;

/// Those that were built in, in the order in which they are offered.
pub(crate) fn codings() -> Vec<Coding> {
    vec![
        #[cfg(feature = "gzip")]
        Coding::new("gzip", || Codec::new(compression_codecs::GzipDecoder::new(), gzip_member)),
        #[cfg(feature = "deflate")]
        Coding::new("deflate", Deflate::default),
        #[cfg(feature = "brotli")]
        Coding::new("br", || Codec::new(compression_codecs::BrotliDecoder::new(), br_stream)),
        #[cfg(feature = "zstd")]
        Coding::new("zstd", || Codec::new(zstd(), zstd_frame)),
    ]
}

/// What the first bytes of a member say.
enum Begins {
    Yes,
    No(&'static str),
    /// More bytes are needed to tell.
    #[cfg_attr(not(any(feature = "gzip", feature = "zstd")), expect(dead_code))]
    Unknown,
}

/// A decoder of members that follow each other.
struct Codec<D> {
    decoder: D,
    begins: fn(&[u8], u32) -> Begins,
    /// The bytes of a member's beginning, until they tell.
    start: Vec<u8>,
    at: At,
    members: u32,
    empty: u32,
    written: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Inside,
    /// Between members: an end here is an end.
    Between,
}

impl<D: DecodeV2> Codec<D> {
    fn new(decoder: D, begins: fn(&[u8], u32) -> Begins) -> Codec<D> {
        Codec { decoder, begins, start: Vec::new(), at: At::Start, members: 0, empty: 0, written: false }
    }

    /// Whether the member may be decoded now; takes its first bytes aside for as long as they do not tell.
    fn may_begin(&mut self, input: &[u8], read: &mut usize) -> Result<bool, BoxError> {
        while *read < input.len() {
            self.start.push(input[*read]);
            *read += 1;
            match (self.begins)(&self.start, self.members) {
                Begins::Yes => {
                    if self.at == At::Between {
                        self.decoder.reinit()?;
                    }
                    self.at = At::Inside;
                    return Ok(true);
                }
                Begins::No(why) => return Err(why.into()),
                Begins::Unknown => self.at = if self.members == 0 { At::Start } else { At::Between },
            }
        }
        Ok(false)
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<(Progress, bool), BoxError> {
        let mut from = PartialBuffer::new(input);
        let mut to = WriteBuffer::new_initialized(output);
        let done = if input.is_empty() {
            self.decoder.flush(&mut to)?;
            false
        } else {
            self.decoder.decode(&mut from, &mut to)?
        };
        let progress = Progress { read: from.written_len(), written: to.written_len() };
        self.written |= progress.written > 0;
        Ok((progress, done))
    }
}

impl<D: DecodeV2 + Send + 'static> Decoder for Codec<D> {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError> {
        let mut total = Progress::default();
        loop {
            if self.at != At::Inside && !self.may_begin(input, &mut total.read)? {
                return Ok(total);
            }
            // What was taken aside goes in first.
            let held = std::mem::take(&mut self.start);
            let (progress, mut done) = if held.is_empty() {
                let (progress, done) = self.run(&input[total.read..], &mut output[total.written..])?;
                total.read += progress.read;
                (progress, done)
            } else {
                let (progress, done) = self.run(&held, &mut output[total.written..])?;
                self.start = held[progress.read..].to_vec();
                (progress, done)
            };
            total.written += progress.written;
            done &= self.start.is_empty();
            if done {
                self.members += 1;
                self.empty = if self.written { 0 } else { self.empty + 1 };
                if self.empty > MAX_EMPTY_MEMBERS {
                    return Err(format!("more than {MAX_EMPTY_MEMBERS} empty members follow each other").into());
                }
                (self.written, self.at) = (false, At::Between);
                // One member a call: what it takes to begin one is counted by the caller.
                return Ok(total);
            }
            let stuck = progress == Progress::default() && !done;
            if stuck || total.written == output.len() || (total.read == input.len() && self.start.is_empty()) {
                return Ok(total);
            }
        }
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        match self.at {
            At::Between if self.start.is_empty() => Ok(()),
            At::Between => Err("bytes follow its end that are no further member".into()),
            // brotli may have come to its end while its output was flushed.
            At::Inside => match self.decoder.finish(&mut WriteBuffer::new_initialized(&mut [])) {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err("it was cut".into()),
            },
            At::Start => Err("it was cut".into()),
        }
    }
}

/// A member begins with 1F 8B 08 and flags of which the upper three bits are 0
/// ([RFC 1952, section 2.3](https://www.rfc-editor.org/rfc/rfc1952#section-2.3)).
#[cfg(feature = "gzip")]
fn gzip_member(start: &[u8], members: u32) -> Begins {
    let wrong = if members == 0 { "it does not begin as gzip does" } else { "bytes follow its end that are no member" };
    match start {
        [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Begins::Yes,
        [0x1f] | [0x1f, 0x8b] | [0x1f, 0x8b, 8] => Begins::Unknown,
        [0x1f, 0x8b, 8, ..] => Begins::No("a reserved flag is set"),
        _ => Begins::No(wrong),
    }
}

/// The seven bits 0010001 are no window size; they mark a format with larger windows, which is not `br`
/// ([RFC 7932, section 9.1](https://www.rfc-editor.org/rfc/rfc7932#section-9.1)).
#[cfg(feature = "brotli")]
fn br_stream(start: &[u8], members: u32) -> Begins {
    match start {
        [first, ..] if members == 0 && first & 0x7f == 0x11 => Begins::No("its window is larger than br allows"),
        _ => one_member(start, members),
    }
}

/// Codings that end once and for all.
#[cfg(any(feature = "brotli", feature = "deflate"))]
fn one_member(_: &[u8], members: u32) -> Begins {
    if members == 0 { Begins::Yes } else { Begins::No("bytes follow its end") }
}

/// Frames and skippable frames follow each other
/// ([RFC 8878, section 3](https://www.rfc-editor.org/rfc/rfc8878#section-3)).
#[cfg(feature = "zstd")]
fn zstd_frame(start: &[u8], members: u32) -> Begins {
    let wrong = if members == 0 { "it does not begin as zstd does" } else { "bytes follow its end that are no frame" };
    match start {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Begins::Yes,
        [low, 0x2a, 0x4d, 0x18, ..] if low & 0xf0 == 0x50 => Begins::Yes,
        [_, _, _, _, ..] => Begins::No(wrong),
        _ => Begins::Unknown,
    }
}

/// A window of at most 8 MiB ([RFC 9659](https://www.rfc-editor.org/rfc/rfc9659#section-3)).
#[cfg(feature = "zstd")]
fn zstd() -> compression_codecs::ZstdDecoder {
    compression_codecs::ZstdDecoder::new_with_params(&[compression_codecs::zstd::params::DParameter::window_log_max(
        23,
    )])
}

/// zlib's format, as the name means, or raw deflate, as some servers send; the first two bytes tell
/// ([RFC 9110, section 8.4.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2)).
#[cfg(feature = "deflate")]
#[derive(Default)]
enum Deflate {
    #[default]
    Unknown,
    One(u8),
    Zlib(Codec<compression_codecs::ZlibDecoder>),
    Raw(Codec<compression_codecs::DeflateDecoder>),
}

#[cfg(feature = "deflate")]
impl Decoder for Deflate {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError> {
        let (first, second, read) = match (&mut *self, input) {
            (Deflate::Zlib(codec), _) => return codec.decode(input, output),
            (Deflate::Raw(codec), _) => return codec.decode(input, output),
            (_, []) => return Ok(Progress::default()),
            (Deflate::Unknown, [first]) => {
                *self = Deflate::One(*first);
                return Ok(Progress { read: 1, written: 0 });
            }
            (Deflate::Unknown, [first, second, ..]) => (*first, *second, 2),
            (Deflate::One(first), [second, ..]) => (*first, *second, 1),
        };
        let header = u16::from(first) << 8 | u16::from(second);
        let is_zlib = first & 0x0f == 8 && header % 31 == 0;
        *self = if is_zlib {
            Deflate::Zlib(Codec::new(compression_codecs::ZlibDecoder::new(), one_member))
        } else {
            Deflate::Raw(Codec::new(compression_codecs::DeflateDecoder::new(), one_member))
        };
        let begun = self.decode(&[first, second], output)?;
        let rest = self.decode(&input[read..], &mut output[begun.written..])?;
        Ok(Progress { read: read + rest.read, written: begun.written + rest.written })
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        match self {
            Deflate::Unknown | Deflate::One(_) => Err("it was cut".into()),
            Deflate::Zlib(codec) => codec.finish(),
            Deflate::Raw(codec) => codec.finish(),
        }
    }
}
