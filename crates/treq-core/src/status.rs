use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::MaskedFields;

/// The cause of an error of [`Kind::Status`](crate::Kind): a response whose status the caller did not want, found by
/// [`Error::find`](crate::Error::find).
///
/// Neither `Display` nor `Debug` shows anything of the body, which may hold secrets, nor values of fields that may:
/// [`excerpt`](StatusError::excerpt) and [`headers`](StatusError::headers) do.
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderMap, StatusCode};
/// use treq_core::{Error, Kind, StatusError};
///
/// /// The reason that the server gives, and when to come back.
/// fn explain(error: &Error) -> Option<String> {
///     let status = error.find::<StatusError>()?;
///     let later = status.headers().get("retry-after").and_then(|value| value.to_str().ok());
///     Some(format!("{}: {}, in {} s", status.status().as_u16(), status.text(), later.unwrap_or("?")))
/// }
///
/// // Such as `Response::error_for_status` gives.
/// let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "60".parse()?)]);
/// let cause = StatusError::new(StatusCode::TOO_MANY_REQUESTS, headers, Bytes::from("slow down"));
/// let error = Error::new(Kind::Status, "the server answered 429").with_source(cause);
/// assert_eq!(explain(&error).as_deref(), Some("429: slow down, in 60 s"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone)]
pub struct StatusError {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl StatusError {
    /// How many bytes of a body an error keeps.
    pub const EXCERPT: usize = 4096;

    /// The cause of an error with this status, of a body that begins so; more than [`EXCERPT`](StatusError::EXCERPT) bytes of it
    /// are not kept.
    pub fn new(status: StatusCode, headers: HeaderMap, mut body: Bytes) -> StatusError {
        body.truncate(StatusError::EXCERPT);
        StatusError { status, headers, body }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The header fields of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first 4 KiB of the body.
    pub fn excerpt(&self) -> &Bytes {
        &self.body
    }

    /// The same as text: what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
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
