//! Where secrets stand in a body, by its media type.

use std::ops::Range;

use super::json;
use crate::form;

/// Deeper than this multipart bodies do not stand within one another.
const DEPTH_MAX: usize = 8;

/// A value in a body that has a secret name.
pub(super) struct Found {
    pub(super) range: Range<usize>,
    /// The value without the escapes of its format.
    pub(super) value: Vec<u8>,
    /// Whether text may stand in its place, or only a number.
    pub(super) is_text: bool,
}

/// Values of secret names in a form, in JSON or in parts, in the order in which they stand.
pub(super) fn secrets(kind: &str, body: &[u8], is_secret: impl Fn(&str) -> bool) -> Vec<Found> {
    within(kind, body, &is_secret, 0)
}

fn within(kind: &str, body: &[u8], is_secret: &dyn Fn(&str) -> bool, depth: usize) -> Vec<Found> {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/x-www-form-urlencoded" {
        return pairs(body, 0, is_secret);
    }
    if essence.starts_with("multipart/") {
        return if depth < DEPTH_MAX { parts(kind, body, is_secret, depth) } else { Vec::new() };
    }
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if essence.contains("json") || matches!(first, Some(b'{' | b'[')) {
        let leaves = json::leaves(body, is_secret).into_iter();
        let found = |leaf: json::Leaf| Found {
            value: if leaf.is_text {
                json::decoded(&body[leaf.range.clone()]).into_bytes()
            } else {
                body[leaf.range.clone()].to_vec()
            },
            range: leaf.range,
            is_text: leaf.is_text,
        };
        return leaves.map(found).collect();
    }
    Vec::new()
}

/// The pairs of a query or form that begins at `offset` of what it stands in.
pub(super) fn pairs(text: &[u8], offset: usize, is_secret: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    for piece in text.split(|byte| *byte == b'&') {
        if let Some(equals) = piece.iter().position(|byte| *byte == b'=') {
            let (name, value) = form::pairs(piece).pop().unwrap_or_default();
            let range = offset + start + equals + 1..offset + start + piece.len();
            if is_secret(&name) && !range.is_empty() {
                found.push(Found { range, value: value.into_bytes(), is_text: true });
            }
        }
        start += piece.len() + 1;
    }
    found
}

/// The parts of a multipart body ([RFC 2046, section 5.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1)): those of
/// secret names, and what is secret within others by their own types.
fn parts(kind: &str, body: &[u8], is_secret: &dyn Fn(&str) -> bool, depth: usize) -> Vec<Found> {
    let Some(boundary) = parameter(kind, "boundary") else { return Vec::new() };
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = position(body, &delimiter, at) {
        let Some(head_end) = position(body, b"\r\n\r\n", start) else { break };
        let content = head_end + 4;
        let closing = [b"\r\n", delimiter.as_slice()].concat();
        // A part without content ends with the line that ends its head.
        let end = position(body, &closing, head_end + 2).unwrap_or(body.len());
        let head = String::from_utf8_lossy(&body[start..head_end]);
        let field = |name: &str| head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        let name = field("content-disposition:").and_then(|line| parameter(line, "name"));
        if content < end {
            let part = &body[content..end];
            if name.is_some_and(|name| is_secret(&name)) {
                found.push(Found { range: content..end, value: part.to_vec(), is_text: true });
            } else {
                let kind = field("content-type:").and_then(|line| line.split_once(':'));
                let inner = within(kind.map_or("", |(_, kind)| kind), part, is_secret, depth + 1);
                let moved = |range: Range<usize>| content + range.start..content + range.end;
                found.extend(inner.into_iter().map(|found| Found { range: moved(found.range), ..found }));
            }
        }
        at = end;
    }
    found
}

/// A parameter of a field's value, quoted or not.
pub(in crate::cassette) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (seen, behind) = rest.split_once('=')?;
        let seen = seen.trim().to_ascii_lowercase();
        let (text, behind) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"')?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => behind.split_at(behind.find(';').unwrap_or(behind.len())),
        };
        if seen == name {
            return Some(text.trim().to_owned());
        }
        rest = behind.trim_start().trim_start_matches(';');
    }
}

fn position(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(wanted.len().max(1)).position(|window| window == wanted).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: &str, body: &str) -> Vec<String> {
        let secrets = secrets(kind, body.as_bytes(), |name| name == "pw");
        secrets.into_iter().map(|found| String::from_utf8(found.value).unwrap()).collect()
    }

    #[test]
    fn secrets_are_found_in_forms_and_parts() {
        assert_eq!(found("application/x-www-form-urlencoded", "a=1&pw=x%20y&pw=&%70w=z&pw"), ["x y", "z"]);
        assert_eq!(found("APPLICATION/JSON; charset=utf-8", r#"{"pw":"a\nb"}"#), ["a\nb"]);
        assert_eq!(found("", r#" {"pw":7}"#), ["7"]);
        assert_eq!(found("", "\u{feff}{\"pw\":7}"), ["7"]);
        assert_eq!(found("text/plain", "pw=1"), [""; 0]);
        let body = "--b\r\nContent-Disposition: form-data; name=\"pw\"\r\n\r\none\r\ntwo\r\n--b\r\n\
                    content-disposition: form-data; filename=\"pw\"; name=a\r\n\r\nthree\r\n--b--\r\n";
        assert_eq!(found("multipart/form-data; boundary=\"b\"", body), ["one\r\ntwo"]);
        assert_eq!(found("multipart/form-data; charset=x; boundary=b", body), ["one\r\ntwo"]);
        assert_eq!(found("multipart/form-data", body), [""; 0]);
        let body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: application/json\r\n\r\n\
                    {\"x\": {\"pw\": \"one\"}}\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\
                    CONTENT-TYPE:application/x-www-form-urlencoded\r\n\r\na=b&pw=two\r\n--c--\r\n\r\n--b\r\n\
                    Content-Disposition: form-data; name=pw\r\n\r\nthree\r\n--b--\r\n";
        assert_eq!(found("multipart/form-data; boundary=b", body), ["one", "two", "three"]);
    }
}
