use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The cause of an error of [`Kind::Status`](crate::Kind): found by
/// [`Error::find`](crate::Error::find).
#[derive(Debug)]
#[non_exhaustive]
pub struct StatusError {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    text: String,
}

impl StatusError {
    /// How many bytes of the body are kept.
    pub(crate) const EXCERPT: usize = 4096;

    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes, text: String) -> StatusError {
        StatusError { status, headers, body, text }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The header fields of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first 4 KiB of the body.
    pub fn excerpt(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Display for StatusError {
    /// The first line or two of the body, as text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        if self.text.trim().is_empty() {
            return f.write_str("its body is empty");
        }
        let shown: String = self.text.trim().chars().take(SHOWN).collect();
        let dots = if shown.len() < self.text.trim().len() { "…" } else { "" };
        write!(f, "its body begins: {}{dots}", shown.escape_debug())
    }
}

impl std::error::Error for StatusError {}
