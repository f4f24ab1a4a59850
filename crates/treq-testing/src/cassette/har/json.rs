//! JSON as it is easiest to compare: members in the order of the specification, a short one in one line.

use serde_json::Value;

/// The order of the members; others come behind, by name. It must not depend on how `serde_json` keeps them, which any
/// crate of the build may change.
const ORDER: [&str; 43] = [
    "log",
    "version",
    "_treqWire",
    "creator",
    "startedDateTime",
    "time",
    "request",
    "response",
    "method",
    "url",
    "status",
    "statusText",
    "httpVersion",
    "name",
    "value",
    "headers",
    "queryString",
    "cookies",
    "size",
    "mimeType",
    "encoding",
    "_treqEncoding",
    "text",
    "path",
    "domain",
    "expires",
    "httpOnly",
    "secure",
    "content",
    "postData",
    "_treqTrailers",
    "_treqCut",
    "redirectURL",
    "headersSize",
    "bodySize",
    "cache",
    "timings",
    "send",
    "wait",
    "receive",
    "comment",
    "pages",
    "entries",
];

pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, 0);
    text.push('\n');
    text
}

fn put(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                line(text, at, depth + 1);
                put(text, item, depth + 1);
            }
            close(text, ']', depth);
        }
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
            members.sort_by_key(|(name, _)| (rank(name), name.as_str()));
            let is_short = members.len() <= 3 && members.iter().all(|(_, value)| is_scalar(value));
            text.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                match (is_short, at) {
                    (true, 0) => text.push(' '),
                    (true, _) => text.push_str(", "),
                    (false, _) => line(text, at, depth + 1),
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                put(text, value, depth + 1);
            }
            if is_short { text.push_str(" }") } else { close(text, '}', depth) }
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn line(text: &mut String, at: usize, depth: usize) {
    text.push_str(if at > 0 { ",\n" } else { "\n" });
    text.extend(std::iter::repeat_n("  ", depth));
}

fn close(text: &mut String, bracket: char, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
    text.push(bracket);
}
