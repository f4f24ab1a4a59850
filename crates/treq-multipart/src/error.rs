use std::error::Error as StdError;
use std::fmt;

use treq_core::{BoxError, Error, Kind};

/// A part's content did not have the length that was declared for it, or that its file had when the form was encoded.
///
/// It is the cause of an error of [`Kind::Body`] that names the part and both numbers, and is found with
/// [`Error::find`]. The body breaks off before the surplus, or before the boundary that would have ended the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongLength {
    /// How many bytes were declared.
    pub declared: u64,
    /// How many there were; where there are more than declared, how many had been read when that was seen.
    pub found: u64,
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WrongLength { declared, found } = self;
        let verb = if found < declared { "ended after" } else { "has at least" };
        write!(f, "{declared} bytes were declared, but the content {verb} {found}")
    }
}

impl StdError for WrongLength {}

/// What is wrong with a part, before it is known which one it is.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    source: Option<BoxError>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), source: None }
    }

    pub(crate) fn caused(message: impl Into<String>, source: impl Into<BoxError>) -> Failure {
        Failure { message: message.into(), source: Some(source.into()) }
    }

    pub(crate) fn length(declared: u64, found: u64) -> Failure {
        let cause = WrongLength { declared, found };
        Failure::caused(cause.to_string(), cause)
    }

    pub(crate) fn of_part(self, label: &str, kind: Kind) -> Error {
        let error = Error::new(kind, format!("{label}: {}", self.message));
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
