use serde_json::Value;

/// The value as httpbin writes it: keys sorted, two spaces per level, nothing but ASCII, a line break at the end.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Some(0), &mut out);
    out.push('\n');
    out
}

/// The value on one line, with a space behind each comma and colon.
pub(crate) fn line(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

fn write(value: &Value, depth: Option<usize>, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => string(text, out),
        Value::Array(items) => list(items.iter(), ['[', ']'], depth, out, write),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            list(fields.into_iter(), ['{', '}'], depth, out, |(key, value), depth, out| {
                string(key, out);
                out.push_str(": ");
                write(value, depth, out);
            });
        }
    }
}

/// Writes the items between brackets; `depth` is none for everything on one line.
fn list<T>(
    items: impl ExactSizeIterator<Item = T>,
    [open, close]: [char; 2],
    depth: Option<usize>,
    out: &mut String,
    each: impl Fn(T, Option<usize>, &mut String),
) {
    let empty = items.len() == 0;
    let inner = depth.map(|depth| depth + 1);
    out.push(open);
    for (at, item) in items.enumerate() {
        match inner {
            None if at > 0 => out.push_str(", "),
            None => {}
            Some(_) => {
                if at > 0 {
                    out.push(',');
                }
                new_line(inner, out);
            }
        }
        each(item, inner, out);
    }
    if !empty {
        new_line(depth, out);
    }
    out.push(close);
}

fn new_line(depth: Option<usize>, out: &mut String) {
    if let Some(depth) = depth {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit).ok().map(char::from) {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\x08') => out.push_str("\\b"),
            Some('\x0c') => out.push_str("\\f"),
            Some(plain @ ' '..='\x7f') => out.push(plain),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_as_python_does() {
        let value =
            json!({"b": [1, 2.5, null], "a": {}, "c": [], "é": "ü\u{1F600}\"\\\n\u{1}\u{7f}", "n": {"x": true}});
        let expected = "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2.5,\n    null\n  ],\n  \"c\": [],\n  \"n\": {\n    \
                        \"x\": true\n  },\n  \"\\u00e9\": \"\\u00fc\\ud83d\\ude00\\\"\\\\\\n\\u0001\u{7f}\"\n}\n";
        assert_eq!(pretty(&value), expected);
        assert_eq!(line(&json!({"a": [1, 2], "b": {"c": "d"}})), "{\"a\": [1, 2], \"b\": {\"c\": \"d\"}}");
    }
}
