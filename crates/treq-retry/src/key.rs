//! The `Idempotency-Key` of a call.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use treq_core::{Error, Kind};

const NAME: &str = "idempotency-key";

/// Whether there is a key, whoever put it there.
pub(crate) fn is_in(headers: &HeaderMap) -> bool {
    headers.get(NAME).is_some_and(|value| !value.as_bytes().trim_ascii().is_empty())
}

/// Whether a request with this method gains by a key: not one that may be repeated anyway, nor a tunnel.
pub(crate) fn is_for(method: &Method) -> bool {
    !method.is_idempotent() && method != Method::CONNECT
}

/// Adds a random key, unless the caller gave a field of that name.
pub(crate) fn add(headers: &mut HeaderMap) -> Result<(), Error> {
    let name = HeaderName::from_static(NAME);
    if headers.contains_key(&name) {
        return Ok(());
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|cause| {
        let message = "no Idempotency-Key could be made, since the system gives no random numbers: give one yourself";
        Error::new(Kind::Builder, message).with_source(std::io::Error::other(cause.to_string()))
    })?;
    headers.insert(name, quoted(random));
    Ok(())
}

/// A UUID of version 4 ([RFC 9562, section 5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)) as a string of a
/// structured field ([RFC 9651, section 3.3.3](https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3)).
fn quoted(random: [u8; 16]) -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut uuid = random;
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let mut text = Vec::with_capacity(38);
    text.push(b'"');
    for (index, byte) in uuid.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    text.push(b'"');
    // Quotes, dashes and hexadecimal digits may stand in a field.
    HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_uuids_of_version_4() {
        assert_eq!(quoted([0; 16]), "\"00000000-0000-4000-8000-000000000000\"");
        assert_eq!(quoted([0xff; 16]), "\"ffffffff-ffff-4fff-bfff-ffffffffffff\"");
        assert_eq!(
            quoted([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x5e]),
            "\"00010203-0405-4607-8809-0a0b0c0d0e5e\""
        );
    }

    #[test]
    fn no_two_are_alike_and_a_callers_own_stays() {
        let [mut one, mut other] = [HeaderMap::new(), HeaderMap::new()];
        add(&mut one).unwrap();
        add(&mut other).unwrap();
        assert_ne!(one[NAME], other[NAME]);
        let before = one.clone();
        add(&mut one).unwrap();
        assert_eq!(one, before);
        one.insert(NAME, HeaderValue::from_static(" "));
        add(&mut one).unwrap();
        assert_eq!((one[NAME].as_bytes(), is_in(&one)), (&b" "[..], false));
    }

    #[test]
    fn keys_are_for_methods_that_are_not_idempotent() {
        let methods = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "CONNECT", "POST", "PATCH", "X"];
        let with: Vec<_> = methods.into_iter().filter(|name| is_for(&name.parse().unwrap())).collect();
        assert_eq!(with, ["POST", "PATCH", "X"]);
    }
}
