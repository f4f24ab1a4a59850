//! The values of secret names in JSON, each where it stands: what is around them stays byte for byte.

use std::ops::Range;

/// A value to be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Where it stands; of a string, without its quotes.
    pub(super) range: Range<usize>,
    pub(super) is_text: bool,
}

/// Strings and numbers under a secret name, at any depth. Several documents in a row, and broken ones, are read as far as
/// they make sense.
pub(super) fn leaves(text: &[u8], is_secret: impl Fn(&str) -> bool) -> Vec<Leaf> {
    let mut found = Vec::new();
    // For each open bracket: whether all within it is secret.
    let mut open: Vec<bool> = Vec::new();
    // Whether the value that comes now is.
    let mut now = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                open.push(now || open.last() == Some(&true));
                now = false;
                at += 1;
            }
            b'}' | b']' => {
                open.pop();
                now = false;
                at += 1;
            }
            b',' => {
                now = false;
                at += 1;
            }
            b'"' => {
                let end = string_end(text, at + 1);
                let inner = at + 1..end;
                at = (end + 1).min(text.len());
                if is_key(text, at) {
                    now = is_secret(&decoded(&text[inner]));
                } else {
                    if now || open.last() == Some(&true) {
                        found.push(Leaf { range: inner, is_text: true });
                    }
                    now = false;
                }
            }
            b'-' | b'0'..=b'9' => {
                let is_number = |byte: &&u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let end = at + text[at..].iter().take_while(is_number).count();
                if now || open.last() == Some(&true) {
                    found.push(Leaf { range: at..end, is_text: false });
                }
                now = false;
                at = end;
            }
            _ => at += 1,
        }
    }
    found.retain(|leaf| !leaf.range.is_empty());
    found
}

/// Where the string ends that begins here: its quote, or the end of the text.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn is_key(text: &[u8], at: usize) -> bool {
    text[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// A string without its escapes.
pub(super) fn decoded(inner: &[u8]) -> String {
    let quoted = [b"\"", inner, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(inner).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut masked = text.to_owned();
        for leaf in leaves(text.as_bytes(), |name| name == "secret").into_iter().rev() {
            masked.replace_range(leaf.range, if leaf.is_text { "M" } else { "0" });
        }
        masked
    }

    #[test]
    fn values_of_secret_names_are_found_at_any_depth() {
        let table = [
            (r#"{"secret" : "a\"b", "b": 1.50}"#, r#"{"secret" : "M", "b": 1.50}"#),
            (r#"{"se\u0063ret": 12e5}"#, r#"{"se\u0063ret": 0}"#),
            (r#"[{"secret":{"v":["x",{"w":-1}],"n":null}},"x"]"#, r#"[{"secret":{"v":["M",{"w":0}],"n":null}},"x"]"#),
            (r#"{"secret":true,"a":"x"}"#, r#"{"secret":true,"a":"x"}"#),
            (r#"{"secret":"","a":"secret"}"#, r#"{"secret":"","a":"secret"}"#),
            ("{\"secret\":1}\n{\"secret\":2}", "{\"secret\":0}\n{\"secret\":0}"),
            (r#"{"secret":"cut"#, r#"{"secret":"M"#),
            (r#"{"secret":"cut\"#, r#"{"secret":"M"#),
            ("]]}{,:\"", "]]}{,:\""),
        ];
        for (text, want) in table {
            assert_eq!(masked(text), want, "{text}");
        }
    }
}
