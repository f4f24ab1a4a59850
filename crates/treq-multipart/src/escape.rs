//! Names and values as browsers encode them.
//!
//! The algorithm is [that of the HTML standard][html]; [RFC 7578, section 2][rfc] allows it.
//!
//! [html]: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
//! [rfc]: https://www.rfc-editor.org/rfc/rfc7578#section-2

use std::borrow::Cow;

/// Appends `; key="value"`. Line ends and quotes are escaped, so that the value cannot leave its quotes; anything else,
/// backslashes among it, stays as it is.
pub(crate) fn push_parameter(head: &mut Vec<u8>, key: &str, value: &[u8]) {
    head.extend_from_slice(b"; ");
    head.extend_from_slice(key.as_bytes());
    head.extend_from_slice(b"=\"");
    for &byte in value {
        match byte {
            b'"' => head.extend_from_slice(b"%22"),
            b'\r' => head.extend_from_slice(b"%0D"),
            b'\n' => head.extend_from_slice(b"%0A"),
            other => head.push(other),
        }
    }
    head.push(b'"');
}

/// The text with each of its line ends (CR, LF or both) as CRLF.
pub(crate) fn normalised(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let lone = |at: usize| match bytes[at] {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => false,
    };
    if !(0..bytes.len()).any(lone) {
        return Cow::Borrowed(text);
    }
    let mut lines = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for at in (0..bytes.len()).filter(|&at| lone(at)) {
        lines.push_str(&text[from..at]);
        lines.push_str("\r\n");
        from = at + 1;
    }
    lines.push_str(&text[from..]);
    Cow::Owned(lines)
}

/// `content-id` as `Content-Id`: case does not count, but there are servers that think it does.
pub(crate) fn push_title_case(head: &mut Vec<u8>, name: &str) {
    let mut at_start = true;
    for byte in name.bytes() {
        head.push(if at_start { byte.to_ascii_uppercase() } else { byte });
        at_start = byte == b'-';
    }
}

/// A value for a message: quoted, its odd characters escaped, its end left out where it is long.
pub(crate) fn shown(value: &[u8]) -> String {
    const LONGEST: usize = 100;
    let text = String::from_utf8_lossy(&value[..value.len().min(LONGEST)]);
    let rest = if value.len() > LONGEST { "…" } else { "" };
    format!("{text:?}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_each_line_end_crlf() {
        let table = [
            ("", ""),
            ("a\r\nb", "a\r\nb"),
            ("a\nb\rc", "a\r\nb\r\nc"),
            ("\n\r", "\r\n\r\n"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
            ("é\nü", "é\r\nü"),
            ("\r", "\r\n"),
        ];
        for (text, expected) in table {
            assert_eq!(normalised(text), expected, "{text:?}");
        }
    }

    #[test]
    fn keeps_a_value_inside_its_quotes() {
        let mut head = Vec::new();
        push_parameter(&mut head, "name", "a\"\r\nX: y\\é".as_bytes());
        assert_eq!(String::from_utf8(head).unwrap(), "; name=\"a%22%0D%0AX: y\\é\"");
    }

    #[test]
    fn shows_long_values_without_their_end() {
        assert_eq!(shown(b"a\r\n\xff"), "\"a\\r\\n\u{fffd}\"");
        assert!(shown(&[b'x'; 1000]).len() < 110);
    }
}
