//! Requests as bytes: told apart on a connection, and taken apart to be compared.

/// A request, its field names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// Without its chunks.
    pub(crate) body: Vec<u8>,
    pub(crate) chunked: bool,
}

impl Message {
    /// Takes a whole request apart.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Message, String> {
        let broken = |what: &str| format!("{what}: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]));
        let head_end = find(bytes, b"\r\n\r\n").ok_or_else(|| broken("no head of a request"))?;
        let mut lines = split_lines(&bytes[..head_end]);
        let first = crate::json::latin1(lines.next().unwrap_or_default());
        let mut words = first.splitn(2, ' ');
        let method = words.next().unwrap_or_default().to_owned();
        let rest = words.next().ok_or_else(|| broken("no request line"))?;
        let (target, version) = rest.rsplit_once(' ').ok_or_else(|| broken("no request line"))?;
        let mut fields = Vec::new();
        for line in lines {
            let colon = find(line, b":").ok_or_else(|| broken("a field without a colon"))?;
            let name = crate::json::latin1(&line[..colon]).to_ascii_lowercase();
            fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        let rest = &bytes[head_end + 4..];
        let chunked = fields.iter().any(|(name, _)| name == "transfer-encoding");
        // The original can be made to announce chunks and send none.
        let body = dechunk(rest).filter(|_| chunked).map_or_else(|| rest.to_vec(), |(content, _)| content);
        Ok(Message { method, target: target.to_owned(), version: version.to_owned(), fields, body, chunked })
    }

    /// The values of a field.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let of_name = self.fields.iter().filter(|(field, _)| field == name);
        of_name.map(|(_, value)| crate::json::latin1(value)).collect()
    }
}

/// How long the request is with which `bytes` begin, once it is whole.
pub(crate) fn complete(bytes: &[u8]) -> Option<usize> {
    let head_end = find(bytes, b"\r\n\r\n")?;
    let rest = &bytes[head_end + 4..];
    let mut length = 0;
    for line in split_lines(&bytes[..head_end]).skip(1) {
        let line = crate::json::latin1(line).to_ascii_lowercase();
        if line.starts_with("transfer-encoding:") {
            return dechunk(rest).map(|(_, used)| head_end + 4 + used);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    (rest.len() >= length).then_some(head_end + 4 + length)
}

/// Whether the head of an answer begins here.
pub(crate) fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}

/// Whether this is an interim answer, and nothing behind it.
pub(crate) fn is_interim(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while is_head(rest) && rest.get(8..10) == Some(b" 1") && !rest.starts_with(b"HTTP/1.1 101") {
        match find(rest, b"\r\n\r\n") {
            Some(end) => rest = &rest[end + 4..],
            None => return false,
        }
    }
    rest.is_empty() && !bytes.is_empty()
}

/// The content of chunks, and how many bytes they took.
fn dechunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut content, mut at) = (Vec::new(), 0);
    loop {
        let end = at + find(&bytes[at..], b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..end]).ok()?.trim(), 16).ok()?;
        at = end + 2;
        if size == 0 {
            // Trailers are not sent by those who are compared.
            return bytes[at..].starts_with(b"\r\n").then_some((content, at + 2));
        }
        content.extend_from_slice(bytes.get(at..at.checked_add(size)?)?);
        at += size + 2;
    }
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn split_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let here = rest?;
        match find(here, b"\r\n") {
            Some(at) => {
                rest = Some(&here[at + 2..]);
                Some(&here[..at])
            }
            None => rest.take(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_requests_apart() {
        assert_eq!(complete(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"), Some(27));
        assert_eq!(complete(b"PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\na"), None);
        let chunked = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(complete(&chunked[..chunked.len() - 1]), None);
        assert_eq!(complete(chunked), Some(chunked.len()));
        let message = Message::parse(chunked).unwrap();
        assert_eq!((message.body.as_slice(), message.chunked), (&b"abc"[..], true));
    }

    #[test]
    fn knows_interim_answers() {
        assert!(is_interim(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 100 Go\r\n\r\n"));
        assert!(!is_interim(b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"));
        assert!(!is_interim(b"HTTP/1.1 101 Other\r\n\r\n"));
        assert!(!is_interim(b""));
    }
}
