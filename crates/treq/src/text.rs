//! Bytes as text.

use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// By the charset parameter of `Content-Type`, a byte order mark going before it, else UTF-8
/// ([Encoding standard](https://encoding.spec.whatwg.org/#decode)).
pub(crate) fn decode(headers: &HeaderMap, bytes: &[u8]) -> String {
    let charset = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(charset);
    let encoding = charset.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
    encoding.decode(bytes).0.into_owned()
}

/// The value of `charset=` in a media type, quotes removed.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn goes_by_the_charset_and_falls_back_to_utf_8() {
        for (content_type, bytes, want) in [
            ("text/plain", &b"caf\xc3\xa9"[..], "café"),
            ("text/plain; charset=ISO-8859-1", b"caf\xe9", "café"),
            ("text/plain; a=b; CHARSET=\"windows-1251\"", b"\xcf", "П"),
            ("text/plain; charset=nonsense", b"\xc3\xa9", "é"),
            ("text/plain", b"\xff", "\u{fffd}"),
            ("text/plain", b"\xef\xbb\xbfx", "x"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(decode(&headers, bytes), want, "{content_type}");
        }
    }
}
