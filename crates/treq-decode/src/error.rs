use std::fmt;

use treq_core::{BoxError, Error, Kind};

/// The cause of an error of [`Kind::Decode`]: a body grew beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expanded {
    /// At most so many decoded bytes, where that was the limit.
    pub size: Option<u64>,
    /// At most so many decoded bytes for each coded one, where that was the limit.
    pub ratio: Option<u32>,
}

impl fmt::Display for Expanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.size, self.ratio) {
            (Some(size), _) => write!(f, "the body has more than {size} decoded bytes"),
            (None, Some(ratio)) => write!(f, "the body has more than {ratio} decoded bytes for each coded one"),
            (None, None) => f.write_str("the body is too large"),
        }
    }
}

impl std::error::Error for Expanded {}

pub(crate) fn expanded(cause: Expanded) -> Error {
    Error::new(Kind::Decode, format!("{cause}: raise the limit where that is meant")).with_source(cause)
}

pub(crate) fn broken(coding: &str, cause: BoxError) -> Error {
    Error::new(Kind::Decode, format!("the body is not valid {coding}: {cause}")).with_source(cause)
}
