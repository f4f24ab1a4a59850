use std::fmt::Write;

/// Decodes `%41` and, where `plus` says so, `+`. Bytes that are no UTF-8 stay encoded, as they do in httpbin.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    text_or_escapes(&unescape(text, plus))
}

/// The pairs of a query or of a form.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let fields = text.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// A path as httpbin tells it: decoded but for what would break the URL.
pub(crate) fn shown_path(path: &str) -> String {
    partly_decoded(path, |byte| b"?#".contains(&byte))
}

/// A query as httpbin tells it: decoded but for what would change its meaning.
pub(crate) fn shown_query(query: &str) -> String {
    partly_decoded(query, |byte| b"%&=+#".contains(&byte))
}

/// A URL that can stand in a `Location`.
pub(crate) fn encoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,/:;=?@#[]".contains(&byte) {
            out.push(byte.into());
        } else {
            escape(byte, &mut out);
        }
    }
    out
}

/// Decodes all but what `keep` names, control characters, spaces, and what is no UTF-8.
fn partly_decoded(text: &str, keep: fn(u8) -> bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    for (at, part) in text.split('%').enumerate() {
        let escaped = unescape(&format!("%{}", part.get(..2).unwrap_or_default()), false);
        match escaped[..] {
            _ if at == 0 => bytes.extend_from_slice(part.as_bytes()),
            [byte] if part.len() >= 2 && !(byte <= b' ' || byte == 0x7f || keep(byte)) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            _ => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    text_or_escapes(&bytes)
}

fn text_or_escapes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            escape(*byte, &mut out);
        }
    }
    out
}

/// A path in the text of a page.
pub(crate) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str, plus: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = match bytes[at..] {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        match (bytes[at], escaped) {
            (_, Some((high, low))) => {
                out.push(high * 16 + low);
                at += 3;
                continue;
            }
            (b'+', None) if plus => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn escape(byte: u8, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_is_text_and_keeps_the_rest() {
        assert_eq!(decode("a%20b+c%C3%BC%FF%zz%4", true), "a b cü%FF%zz%4");
        assert_eq!(decode("a+b", false), "a+b");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs("a=1;b=2&&=x&c"), [pair("a", "1;b=2"), pair("", "x"), pair("c", "")]);
    }

    #[test]
    fn shows_urls_as_httpbin_does() {
        assert_eq!(shown_path("/%7E%21a%20%C3%BC%25%FF%3F%zz%4%2F"), "/~!a%20ü%%FF%3F%zz%4/");
        assert_eq!(shown_query("x=%FF%41&y=a+b%26%3D%2B%23%25%20%C3%BC"), "x=%FFA&y=a+b%26%3D%2B%23%25%20ü");
        assert_eq!(encoded("http://[::1]/ü x?a={b}#c"), "http://[::1]/%C3%BC%20x?a=%7Bb%7D#c");
    }
}
