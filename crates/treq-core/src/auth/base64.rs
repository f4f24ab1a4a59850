use bytes::Bytes;
use http::HeaderValue;

/// Returns the value of a field that sends user name and password by Basic ([RFC 7617, section
/// 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)), marked sensitive. The user name must hold no colon, at which the
/// server would cut it.
///
/// ```
/// let value = treq_core::auth::basic(b"Aladdin", b"open sesame");
/// assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// assert!(value.is_sensitive());
/// ```
pub fn basic(user: &[u8], password: &[u8]) -> HeaderValue {
    let pair = [user, b":", password].concat();
    let mut text = String::with_capacity(6 + pair.len().div_ceil(3) * 4);
    text.push_str("Basic ");
    encode(&pair, &mut text);
    let value = HeaderValue::from_maybe_shared(Bytes::from(text));
    let mut value = value.unwrap_or_else(|_| unreachable!("base64 fits into a field"));
    value.set_sensitive(true);
    value
}

/// Adds bytes in base64 with padding ([RFC 4648, section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)).
fn encode(bytes: &[u8], text: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[number >> (18 - 6 * place) & 63];
            text.push(if place > group.len() { '=' } else { char::from(letter) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        encode(bytes, &mut text);
        text
    }

    #[test]
    fn pads_as_the_vectors_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text);
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
