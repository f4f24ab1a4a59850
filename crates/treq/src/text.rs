//! Bytes as text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::HeaderMap;
use treq_core::{Error, Kind};

use crate::media_type::MediaType;

/// Which charset a text has: the one that `Content-Type` names, else of JSON the one that its byte order mark shows, else
/// `fallback`.
pub(crate) fn charset(headers: &HeaderMap, bytes: &[u8], fallback: &'static Encoding) -> &'static Encoding {
    let media_type = MediaType::from_headers(headers);
    if let Some(named) = media_type.as_ref().and_then(named) {
        // The label `utf-16` leaves the order open.
        return match Encoding::for_bom(bytes) {
            Some((marked, _)) if named == UTF_16LE || named == UTF_16BE => marked,
            _ => named,
        };
    }
    match Encoding::for_bom(bytes) {
        Some((marked, _)) => marked,
        // RFC 8259, section 8.1.
        None if media_type.is_some_and(|media_type| media_type.is_json()) => UTF_8,
        None => fallback,
    }
}

/// The charset of a media type, where it is one that is known. Some servers put it in single quotes.
fn named(media_type: &MediaType) -> Option<&'static Encoding> {
    Encoding::for_label(media_type.param("charset")?.trim_matches('\'').as_bytes())
}

/// A charset by one of its names ([Encoding standard, section 4.2](https://encoding.spec.whatwg.org/#names-and-labels)).
pub(crate) fn labelled(label: &str) -> Result<&'static Encoding, Error> {
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        let why = format!("{label:?} is no charset: those of the Encoding standard are known, such as iso-8859-1");
        Error::new(Kind::Builder, why)
    })
}

/// What does not fit becomes U+FFFD. A byte order mark is left out.
pub(crate) fn lossy(bytes: &[u8], charset: &'static Encoding) -> String {
    charset.decode_with_bom_removal(bytes).0.into_owned()
}

/// What does not fit is an error.
pub(crate) fn exact(bytes: &[u8], charset: &'static Encoding) -> Result<String, Error> {
    let mark = Encoding::for_bom(bytes).filter(|(marked, _)| *marked == charset).map_or(0, |(_, length)| length);
    let bytes = &bytes[mark..];
    if let Some(text) = charset.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(match text {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        });
    }
    let at = std::str::from_utf8(bytes).err().filter(|_| charset == UTF_8);
    let place = at.map_or_else(String::new, |error| format!(": byte {} does not fit", mark + error.valid_up_to()));
    Err(Error::new(Kind::Decode, format!("the body is not text in {}{place}", charset.name())))
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

    use super::*;

    #[test]
    fn goes_by_the_charset_then_the_mark_then_the_fallback() {
        for (content_type, bytes, want) in [
            ("text/plain", &b"caf\xc3\xa9"[..], "cafÃ©"),
            ("application/problem+json", b"caf\xc3\xa9", "café"),
            ("application/json", b"\xff\xfe[\0]\0", "[]"),
            ("text/plain; charset=utf-8", b"caf\xc3\xa9", "café"),
            ("text/plain; a=b; CHARSET=\"windows-1251\"", b"\xcf", "П"),
            ("text/plain; charset=nonsense", b"\xe9", "é"),
            ("text/plain; charset='utf-8'", b"\xc3\xa9", "é"),
            ("text/plain; charset=utf-16", b"\xfe\xff\0a", "a"),
            ("text/plain; charset=utf-16", b"a\0", "a"),
            ("text/plain; charset=utf-8", b"\xfe\xffa", "\u{fffd}\u{fffd}a"),
            ("text/plain", b"\xef\xbb\xbfx", "x"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(lossy(bytes, charset(&headers, bytes, WINDOWS_1252)), want, "{content_type}");
        }
    }

    #[test]
    fn exact_text_is_whole_or_an_error_that_says_where() {
        assert_eq!(exact(b"\xef\xbb\xbfcaf\xc3\xa9", UTF_8).unwrap(), "café");
        assert_eq!(exact(b"\x93", WINDOWS_1252).unwrap(), "“");
        let error = exact(b"\xef\xbb\xbfab\xff", UTF_8).unwrap_err();
        assert_eq!(error.to_string(), "the body is not text in UTF-8: byte 5 does not fit");
        assert_eq!(labelled("nope").unwrap_err().kind(), Kind::Builder);
    }
}
