//! What to do about the codings of an answer: decided here, moved by the service.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use treq_core::{Error, Kind};

use crate::{Coding, Decoding};

/// How many codings may lie over each other.
pub(crate) const MAX_DEPTH: usize = 4;

/// Adds the offer where there is none, and says whether the answer is to be looked at.
///
/// A part of a coded body cannot be decoded, so requests with `Range` are left alone
/// ([RFC 9110, section 14.2](https://www.rfc-editor.org/rfc/rfc9110#section-14.2)).
pub(crate) fn offer(headers: &mut HeaderMap, option: Option<Decoding>, offer: Option<&HeaderValue>) -> bool {
    if option == Some(Decoding::new(false)) || headers.keys().any(|name| name == RANGE) {
        return false;
    }
    if let Some(offer) = offer {
        headers.entry(ACCEPT_ENCODING).or_insert_with(|| offer.clone());
    }
    true
}

/// Whether an answer with this status has a body at all, whatever its fields say.
pub(crate) fn has_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The codings to undo, the outermost first; the fields then describe what is left.
///
/// Codings are undone from the last to the first until one is unknown
/// ([RFC 9110, section 8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)).
pub(crate) fn undo<'a>(headers: &mut HeaderMap, codings: &'a [Coding]) -> Result<Vec<&'a Coding>, Error> {
    let mut names = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let Ok(text) = value.to_str() else { return Ok(Vec::new()) };
        let parts = text.split(',').map(|name| name.trim_matches([' ', '\t'])).filter(|name| !name.is_empty());
        names.extend(parts.map(str::to_owned));
    }
    names.retain(|name| !name.eq_ignore_ascii_case("identity"));
    let mut undone = Vec::new();
    while let Some(coding) = names.last().and_then(|name| codings.iter().find(|coding| coding.is_named(name))) {
        undone.push(coding);
        names.pop();
    }
    if undone.len() > MAX_DEPTH {
        let why = format!("the body has {} content codings over each other: the limit is {MAX_DEPTH}", undone.len());
        return Err(Error::new(Kind::Decode, why));
    }
    if !undone.is_empty() {
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_ENCODING);
        if let (false, Ok(rest)) = (names.is_empty(), HeaderValue::try_from(names.join(","))) {
            headers.insert(CONTENT_ENCODING, rest);
        }
    }
    Ok(undone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Progress};

    struct Nothing;

    impl Decoder for Nothing {
        fn decode(&mut self, _: &[u8], _: &mut [u8]) -> Result<Progress, treq_core::BoxError> {
            Ok(Progress::default())
        }

        fn finish(&mut self) -> Result<(), treq_core::BoxError> {
            Ok(())
        }
    }

    #[test]
    fn undoes_from_the_last_to_the_first_unknown() {
        let known = ["gzip", "br"].map(|name| Coding::new(name, || Nothing));
        for (fields, undone, left) in [
            (&["gzip"][..], &["gzip"][..], None),
            (&["GZIP, x-GZip"], &["gzip", "gzip"], None),
            (&["gzip", "br"], &["br", "gzip"], None),
            (&[", gzip,, "], &["gzip"], None),
            (&["gzip\t,\tbr"], &["br", "gzip"], None),
            (&["foo, gzip"], &["gzip"], Some("foo")),
            (&["gzip, foo"], &[], Some("gzip, foo")),
            (&["identity"], &[], Some("identity")),
            (&["gzip;q=1"], &[], Some("gzip;q=1")),
            (&[""], &[], Some("")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
            fields.iter().for_each(|field| _ = headers.append(CONTENT_ENCODING, HeaderValue::from_static(field)));
            let names: Vec<_> = undo(&mut headers, &known).unwrap().iter().map(|coding| coding.name()).collect();
            assert_eq!(names, undone, "{fields:?}");
            assert_eq!(headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap()), left, "{fields:?}");
            assert_eq!(headers.contains_key(CONTENT_LENGTH), undone.is_empty(), "{fields:?}");
        }
        let mut deep = HeaderMap::new();
        deep.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip, gzip, gzip, gzip, gzip"));
        assert!(undo(&mut deep, &known).unwrap_err().to_string().contains("limit is 4"));
    }
}
