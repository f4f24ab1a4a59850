use bytes::{Bytes, BytesMut};

use super::log::RawRequest;

/// Takes a head off the front of `buffer`, once its empty line has come.
pub(crate) fn take_head(buffer: &mut BytesMut) -> Option<RawRequest> {
    let end = find(buffer, b"\r\n\r\n")? + 4;
    let head = buffer.split_to(end).freeze();
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.map(field).collect();
    Some(RawRequest { head: head.clone(), line, headers, ..RawRequest::default() })
}

/// A reader of one body, fed with bytes as they come.
#[derive(Debug)]
pub(crate) struct BodyReader {
    framing: Framing,
    pub(crate) body: BytesMut,
    pub(super) trailers: Vec<(String, String)>,
}

#[derive(Debug)]
enum Framing {
    /// So many bytes are missing.
    Length(usize),
    /// The line with a chunk's size comes next.
    ChunkSize,
    /// So many bytes of a chunk are missing, then its line break.
    Chunk(usize),
    /// Trailer fields up to an empty line come next.
    Trailers,
    Done,
}

impl BodyReader {
    /// A reader for the body that follows `head`.
    pub(crate) fn of(head: &RawRequest) -> Result<BodyReader, String> {
        let coded =
            head.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
        let framing = match head.header("content-length") {
            _ if coded => Framing::ChunkSize,
            Some(value) => {
                Framing::Length(value.parse().map_err(|_| format!("Content-Length {value:?} is no number"))?)
            }
            None => Framing::Done,
        };
        Ok(BodyReader { framing, body: BytesMut::new(), trailers: Vec::new() })
    }

    /// Takes off the front of `buffer` what belongs to the body; true once the body is whole.
    pub(crate) fn feed(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
        loop {
            match &mut self.framing {
                Framing::Done | Framing::Length(0) => return Ok(true),
                Framing::Length(missing) => {
                    if buffer.is_empty() {
                        return Ok(false);
                    }
                    let taken = buffer.split_to(buffer.len().min(*missing));
                    *missing -= taken.len();
                    self.body.extend_from_slice(&taken);
                }
                Framing::ChunkSize => {
                    let Some(line) = take_line(buffer) else { return Ok(false) };
                    self.framing = match chunk_size(&line)? {
                        0 => Framing::Trailers,
                        size => Framing::Chunk(size),
                    };
                }
                Framing::Chunk(0) => {
                    let Some(line) = take_line(buffer) else { return Ok(false) };
                    if !line.is_empty() {
                        return Err(format!("{line:?} stands behind a chunk instead of its line break"));
                    }
                    self.framing = Framing::ChunkSize;
                }
                Framing::Chunk(missing) => {
                    if buffer.is_empty() {
                        return Ok(false);
                    }
                    let taken = buffer.split_to(buffer.len().min(*missing));
                    *missing -= taken.len();
                    self.body.extend_from_slice(&taken);
                }
                Framing::Trailers => {
                    let Some(line) = take_line(buffer) else { return Ok(false) };
                    if line.is_empty() {
                        self.framing = Framing::Done;
                    } else {
                        self.trailers.push(field(&String::from_utf8_lossy(&line)));
                    }
                }
            }
        }
    }
}

fn take_line(buffer: &mut BytesMut) -> Option<Bytes> {
    let end = find(buffer, b"\r\n")?;
    let line = buffer.split_to(end).freeze();
    let _ = buffer.split_to(2);
    Some(line)
}

fn chunk_size(line: &[u8]) -> Result<usize, String> {
    let text = String::from_utf8_lossy(line);
    let digits = text.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).map_err(|_| format!("{text:?} is no size of a chunk"))
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
}

fn find(buffer: &[u8], needle: &[u8]) -> Option<usize> {
    buffer.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_names_values_and_order_as_they_came() {
        let mut buffer = BytesMut::from("GET /a?b HTTP/1.1\r\nhOST: a.test\r\nX:\t1 \r\nx: 2\r\n\r\nrest");
        let head = take_head(&mut buffer).unwrap();
        assert_eq!((head.line.as_str(), head.method(), head.target()), ("GET /a?b HTTP/1.1", "GET", "/a?b"));
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, [("hOST", "a.test"), ("X", "1"), ("x", "2")]);
        assert_eq!(head.header("x"), Some("1"));
        assert_eq!(buffer, "rest");
    }

    #[test]
    fn waits_for_the_whole_head() {
        let mut buffer = BytesMut::from("GET / HTTP/1.1\r\nHost: a\r\n");
        assert_eq!(take_head(&mut buffer), None);
        assert_eq!(buffer.len(), 25);
    }

    #[test]
    fn reads_chunks_and_trailers_byte_by_byte() {
        let head = take_head(&mut BytesMut::from("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")).unwrap();
        let mut reader = BodyReader::of(&head).unwrap();
        let wire = b"3;x=y\r\nabc\r\nB\r\nhello world\r\n0\r\nT: v\r\n\r\n";
        let mut buffer = BytesMut::new();
        for (at, byte) in wire.iter().enumerate() {
            buffer.extend_from_slice(&[*byte]);
            assert_eq!(reader.feed(&mut buffer), Ok(at + 1 == wire.len()), "at {at}");
        }
        assert_eq!(reader.body, "abchello world");
        assert_eq!(reader.trailers, [("T".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn leaves_what_follows_the_body() {
        let head = take_head(&mut BytesMut::from("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n")).unwrap();
        let mut buffer = BytesMut::from("abcdef");
        let mut reader = BodyReader::of(&head).unwrap();
        assert_eq!(reader.feed(&mut buffer), Ok(true));
        assert_eq!((&reader.body[..], &buffer[..]), (&b"abc"[..], &b"def"[..]));
    }

    #[test]
    fn names_broken_framing() {
        let head = take_head(&mut BytesMut::from("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")).unwrap();
        let fault = BodyReader::of(&head).unwrap().feed(&mut BytesMut::from("zz\r\n")).unwrap_err();
        assert_eq!(fault, "\"zz\" is no size of a chunk");
        let head = take_head(&mut BytesMut::from("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")).unwrap();
        assert_eq!(BodyReader::of(&head).unwrap_err(), "Content-Length \"x\" is no number");
    }
}
