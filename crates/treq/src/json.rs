use std::fmt;

use bytes::Bytes;
use http::StatusCode;

/// The cause of an error of [`Kind::Decode`](crate::Kind) by [`Response::json`](crate::Response::json): found by
/// [`Error::find`](crate::Error::find).
///
/// Neither `Display` nor `Debug` shows anything of the body, which may hold secrets: [`excerpt`](JsonError::excerpt) does, and
/// [`parse_error`](JsonError::parse_error) may quote it.
#[non_exhaustive]
pub struct JsonError {
    status: StatusCode,
    body: Bytes,
    error: serde_json::Error,
}

impl JsonError {
    /// How many bytes of the body are kept.
    const EXCERPT: usize = 4096;

    pub(crate) fn new(status: StatusCode, body: &Bytes, error: serde_json::Error) -> JsonError {
        // A copy, so that a large body does not live as long as the error.
        JsonError { status, body: Bytes::copy_from_slice(&body[..body.len().min(JsonError::EXCERPT)]), error }
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The first 4 KiB of the body.
    pub fn excerpt(&self) -> &Bytes {
        &self.body
    }

    /// What the parser says, with line and column: it may quote values of the body.
    pub fn parse_error(&self) -> &serde_json::Error {
        &self.error
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        // The names of fields that are missing or double, and what was expected, are the program's; what was found is the
        // server's.
        let what = match what.split_once(", expected ") {
            Some((found, expected)) => format!("{}, expected {expected}", kind_of(found)),
            None if what.starts_with("missing field") || what.starts_with("duplicate field") => what.to_owned(),
            None if self.error.is_data() => "a value is refused".to_owned(),
            None => what.to_owned(),
        };
        let (line, column) = (self.error.line(), self.error.column());
        write!(
            f,
            "{what} at line {line} column {column} of the body of a response with status {}",
            self.status.as_u16()
        )
    }
}

/// `invalid type: string` of `invalid type: string "…"`.
fn kind_of(found: &str) -> &str {
    found.split(['"', '`']).next().unwrap_or(found).trim_end()
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError")
            .field("status", &self.status)
            .field("error", &self.to_string())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for JsonError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Order {
        cups: u32,
        kind: Kind,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Green,
    }

    #[test]
    fn says_where_and_what_and_quotes_nothing() {
        for (body, says) in [
            (r#"{"cups": "s3cret", "kind": "green"}"#, "invalid type: string, expected u32 at line 1 column 17"),
            (r#"{"cups": -77, "kind": "green"}"#, "invalid value: integer, expected u32"),
            (r#"{"cups": 1, "kind": "s3cret"}"#, "unknown variant, expected"),
            (r#"{"cups": 1, "s3cret": 1}"#, "unknown field, expected"),
            (r#"{"cups": 1}"#, "missing field `kind`"),
            ("<html>s3cret", "expected value at line 1 column 1 of the body of a response with status 502"),
            ("", "EOF while parsing"),
        ] {
            let error = serde_json::from_str::<Order>(body).unwrap_err();
            let error = JsonError::new(StatusCode::BAD_GATEWAY, &Bytes::from(body), error);
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().contains(says), "{error}");
            assert!(!shown.contains("s3cret") && !shown.contains("77"), "{shown}");
            assert_eq!(error.excerpt(), body);
        }
    }
}
