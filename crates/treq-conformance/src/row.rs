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
            serde_json::from_str(line).map(Row).map_err(|error| format!("{}:{}: {error}", path.display(), at + 1))
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
