use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use treq_core::StatusError;

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
    pub(crate) fn new(status: StatusCode, body: &Bytes, error: serde_json::Error) -> JsonError {
        // A copy, so that a large body does not live as long as the error.
        JsonError { status, body: Bytes::copy_from_slice(&body[..body.len().min(StatusError::EXCERPT)]), error }
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The first 4 KiB of the body.
    pub fn excerpt(&self) -> &Bytes {
        &self.body
    }

    /// The message of the parser, with line and column: it may quote values of the body.
    pub fn parse_error(&self) -> &serde_json::Error {
        &self.error
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.error.line(), self.error.column());
        let text = self.error.to_string();
        let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let what = match without_values(what) {
            Some(safe) => safe,
            None if self.error.is_data() => "a value is refused".to_owned(),
            None => what.to_owned(),
        };
        let status = self.status.as_u16();
        match line {
            // A value that its type refuses as a whole has no place.
            0 => write!(f, "{what} in the body of a response with status {status}"),
            _ => write!(f, "{what} at line {line} column {column} of the body of a response with status {status}"),
        }
    }
}

/// Serde's own messages about data without what was found, which is the server's: the names of fields that are missing or double,
/// and what was expected, are the program's. `None` for a message of the program's own, which may quote anything anywhere.
fn without_values(what: &str) -> Option<String> {
    const FOUND: [&str; 5] =
        ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant ", "unknown field "];
    const KINDS: [&str; 16] = [
        "Option value",
        "boolean",
        "byte array",
        "character",
        "enum",
        "floating point",
        "integer",
        "map",
        "newtype struct",
        "newtype variant",
        "null",
        "sequence",
        "string",
        "struct variant",
        "tuple variant",
        "unit variant",
    ];
    if ["missing field `", "duplicate field `"].iter().any(|start| what.starts_with(start)) {
        return Some(what.to_owned());
    }
    FOUND.iter().find(|start| what.starts_with(**start))?;
    // The last one: a text that was found may hold the same words.
    let (found, expected) = what.rsplit_once(", expected ")?;
    let found = found.split(['"', '`']).next().unwrap_or(found).trim_end();
    // What a program of its own names here may be the value.
    let (what, kind) = found.split_once(": ").unwrap_or((found, ""));
    match KINDS.contains(&kind) || kind.is_empty() {
        true => Some(format!("{found}, expected {expected}")),
        false => Some(format!("{what}, expected {expected}")),
    }
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
            (
                r#"{"cups": "x, expected s3cret", "kind": "green"}"#,
                "invalid type: string, expected u32 at line 1 column 29",
            ),
            (r#"{"cups": "x, expected s3cret at line 1", "kind": "green"}"#, "invalid type: string, expected u32"),
            (r#"{"cups": 1, "kind": "x, expected s3cret"}"#, "unknown variant, expected `green`"),
            (r#"{"cups": 1, "x, expected s3cret": 1}"#, "unknown field, expected `cups` or `kind`"),
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

    #[test]
    fn a_message_of_the_programs_own_is_not_shown() {
        #[derive(Debug)]
        struct Token;

        impl<'de> serde::Deserialize<'de> for Token {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Token, D::Error> {
                let text = String::deserialize(from)?;
                Err(serde::de::Error::custom(format!("bad token {text}, expected three parts")))
            }
        }

        #[derive(Debug)]
        struct Other;

        impl<'de> serde::Deserialize<'de> for Other {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Other, D::Error> {
                let text = String::deserialize(from)?;
                Err(serde::de::Error::invalid_type(serde::de::Unexpected::Other(&text), &"three parts"))
            }
        }

        let body = r#""s3cret""#;
        let own = serde_json::from_str::<Token>(body).unwrap_err();
        let other = serde_json::from_str::<Other>(body).unwrap_err();
        for (error, what) in [(own, "a value is refused"), (other, "invalid type, expected three parts")] {
            let error = JsonError::new(StatusCode::OK, &Bytes::from(body), error);
            assert_eq!(error.to_string(), format!("{what} in the body of a response with status 200"));
        }
    }
}
