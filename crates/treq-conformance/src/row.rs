use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

/// One line of a suite.
#[derive(Clone, Debug)]
pub struct Row(Value);

impl Row {
    /// All rows of a file.
    ///
    /// # Errors
    ///
    /// For a file that cannot be read and a line that is not JSON, naming it.
    pub fn read(path: &Path) -> Result<Vec<Row>, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(at, line): (usize, &str)| {
            let row = serde_json::from_str(line).or_else(|_| serde_json::from_str(&without_lone_surrogates(line)));
            row.map(Row).map_err(|error| format!("{}:{}: {error}", path.display(), at + 1))
        };
        lines.map(parse).collect()
    }

    /// A row in memory.
    #[cfg(test)]
    pub(crate) fn new(row: Value) -> Row {
        Row(row)
    }

    /// The same row with another text under a key.
    pub(crate) fn with(&self, key: &str, text: &str) -> Row {
        let mut row = self.0.clone();
        row[key] = text.into();
        Row(row)
    }

    /// Its name.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or("?")
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether the standards leave the outcome open.
    pub(crate) fn is_open(&self) -> bool {
        let expect = self.get("expect");
        let named = |key: &str| self.get(key).is_some() || expect.is_some_and(|expect| expect.get(key).is_some());
        if expect.and_then(|expect| expect.get("result")).and_then(Value::as_str) == Some("either") {
            return true;
        }
        let status = matches!(self.text("status"), Some("disabled" | "optional"));
        status || ["either", "either_error", "optional", "leniency"].into_iter().any(named)
    }

    /// Whether no outcome at all is asked for.
    pub(crate) fn is_optional(&self) -> bool {
        let optional = self.get("optional").and_then(Value::as_bool) == Some(true);
        optional || matches!(self.text("status"), Some("disabled" | "optional"))
    }

    /// Whether an error is fine too, whatever else is expected.
    pub(crate) fn admits_error(&self) -> bool {
        let is_true = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
        is_true(self.get("either_error")) || is_true(self.get("expect").and_then(|expect| expect.get("either_error")))
    }

    /// The outcomes of which any will do.
    pub(crate) fn expected(&self) -> Vec<&Value> {
        match self.get("expect").and_then(|expect| expect.get("either")).and_then(Value::as_array) {
            Some(either) => either.iter().collect(),
            None => self.get("expect").into_iter().collect(),
        }
    }

    /// Base64 under a key.
    pub(crate) fn base64(&self, key: &str) -> Result<Bytes, String> {
        let text = self.text(key).ok_or_else(|| format!("no {key}"))?;
        STANDARD.decode(text).map(Bytes::from).map_err(|error| format!("{key} is no base64: {error}"))
    }

    /// The bytes under a key, none where it is absent.
    pub(crate) fn bytes(&self, key: &str) -> Result<Bytes, String> {
        self.get(key).map_or(Ok(Bytes::new()), bytes)
    }
}

/// JSON with U+FFFD for halves of pairs of UTF-16 that stand alone, as browsers have it where a text must be one
/// ([Web IDL, `USVString`](https://webidl.spec.whatwg.org/#idl-USVString)).
fn without_lone_surrogates(line: &str) -> String {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut clean, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find('\\') {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                clean.push('\u{fffd}');
                rest = &rest[6..];
                continue;
            }
            // The character behind it, whatever it is, begins no other.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        clean.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    clean + rest
}

/// `{"text": ..}`, `{"b64": ..}` or `{"parts": [{.., "times": n}, ..]}`.
pub(crate) fn bytes(value: &Value) -> Result<Bytes, String> {
    if let Some(text) = value.get("text").and_then(Value::as_str).or_else(|| value.as_str()) {
        return Ok(Bytes::from(text.to_owned()));
    }
    if let Some(text) = value.get("b64").and_then(Value::as_str) {
        return STANDARD.decode(text).map(Bytes::from).map_err(|error| format!("bad base64: {error}"));
    }
    let parts = value.get("parts").and_then(Value::as_array).ok_or_else(|| format!("no bytes: {value}"))?;
    let mut all = Vec::new();
    for part in parts {
        let times = part.get("times").and_then(Value::as_u64).unwrap_or(1);
        let piece = bytes(part)?;
        (0..times).for_each(|_| all.extend_from_slice(&piece));
    }
    Ok(Bytes::from(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_replaced_and_nothing_else() {
        for (line, want) in [
            (r#""A\ud900Z""#, "A\u{fffd}Z"),
            (r#""\ud83d\udca9\udca9\ud83d\ud83d\udca9""#, "💩\u{fffd}\u{fffd}💩"),
            (r#""\\ud900 \u00e9\n\ud900\\\"""#, "\\ud900 é\n\u{fffd}\\\""),
        ] {
            let read: String = serde_json::from_str(&without_lone_surrogates(line)).unwrap();
            assert_eq!(read, want);
        }
        assert_eq!(without_lone_surrogates("\\"), "\\");
    }
}
