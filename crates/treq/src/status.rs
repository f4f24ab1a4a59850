use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use treq_core::MaskedFields;

/// The cause of an error of [`Kind::Status`](crate::Kind): found by
/// [`Error::find`](crate::Error::find).
///
/// Neither `Display` nor `Debug` shows anything of the body, which may hold secrets, nor values of fields that may:
/// [`excerpt`](StatusError::excerpt) and [`headers`](StatusError::headers) do.
#[non_exhaustive]
pub struct StatusError {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl StatusError {
    /// How many bytes of a body an error keeps.
    pub(crate) const EXCERPT: usize = 4096;

    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> StatusError {
        StatusError { status, headers, body }
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.body.len() {
            0 => f.write_str("its body is empty"),
            StatusError::EXCERPT => {
                write!(f, "its body has {} bytes or more, which `excerpt` shows", StatusError::EXCERPT)
            }
            len => write!(f, "its body has {len} bytes, which `excerpt` shows"),
        }
    }
}

impl fmt::Debug for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusError")
            .field("status", &self.status)
            .field("headers", &MaskedFields(&self.headers))
            .field("excerpt", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

impl std::error::Error for StatusError {}
