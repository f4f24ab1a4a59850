//! Bodies under a coding that can be looked into.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};

/// More than this a body is not expanded to.
const EXPANDED_MAX: u64 = 256 * 1024 * 1024;

/// Whether all of these codings can be looked into.
pub(super) fn is_known(codings: &str) -> bool {
    codings.split(',').all(|coding| {
        matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity" | "gzip" | "x-gzip" | "deflate")
    })
}

/// The body without its codings, as far as they are known and as far as it goes.
pub(super) fn plain<'a>(codings: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let mut plain = Cow::Borrowed(body);
    if plain.is_empty() || !is_known(codings) {
        return plain;
    }
    // The coding that was applied last stands last.
    for coding in codings.rsplit(',') {
        let decoded = match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(&*plain)),
            "deflate" => read(ZlibDecoder::new(&*plain)).or_else(|| read(DeflateDecoder::new(&*plain))),
            _ => continue,
        };
        // What is not in the coding that is said stands there as it is.
        if let Some(decoded) = decoded {
            plain = Cow::Owned(decoded);
        }
    }
    plain
}

/// What can be decoded: all of it, or what comes before a fault.
fn read(decoder: impl Read) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let outcome = decoder.take(EXPANDED_MAX).read_to_end(&mut decoded);
    (outcome.is_ok() || !decoded.is_empty()).then_some(decoded)
}

/// Asks for no coding but those that can be looked into.
pub(in crate::cassette) fn narrowed(headers: &mut HeaderMap) {
    let all: Vec<_> = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
    let all = all.join(",");
    let is_read = |item: &&str| {
        let coding = item.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(coding.as_str(), "gzip" | "x-gzip" | "deflate" | "identity")
    };
    let items: Vec<_> = all.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    let kept: Vec<_> = items.iter().copied().filter(is_read).collect();
    if headers.contains_key(ACCEPT_ENCODING) && kept.len() < items.len() {
        let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
        // It is made of pieces of a valid value.
        headers.insert(ACCEPT_ENCODING, HeaderValue::try_from(kept).unwrap_or(HeaderValue::from_static("identity")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codings_that_can_be_read_are_asked_for() {
        let table = [
            ("gzip, deflate, br, zstd", "gzip, deflate"),
            ("br;q=1.0, gzip;q=0.5, *;q=0", "gzip;q=0.5"),
            ("br", "identity"),
            ("", ""),
            ("gzip", "gzip"),
        ];
        for (asked, want) in table {
            let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(asked))]);
            narrowed(&mut headers);
            assert_eq!(headers[ACCEPT_ENCODING], want);
        }
        let mut none = HeaderMap::new();
        narrowed(&mut none);
        assert!(none.is_empty());
    }
}
