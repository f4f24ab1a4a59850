use std::fmt;

use treq_core::{BoxError, Error, Kind};

/// The cause of an error of [`Kind::Decode`]: a body grew beyond a limit. With neither of the two, an inner coding of a chain
/// grew beyond 1 MiB and sixteen times the decoded body.
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
            (None, None) => {
                f.write_str("a coding under another has more than 1 MiB and 16 bytes for each byte of the content")
            }
        }
    }
}

impl std::error::Error for Expanded {}

pub(crate) fn expanded(cause: Expanded) -> Error {
    let remedy = match (cause.size, cause.ratio) {
        (None, None) => "this is how decompression bombs are built; switch decoding off to see it",
        _ => "raise the limit where that is meant",
    };
    Error::new(Kind::Decode, format!("{cause}: {remedy}")).with_source(cause)
}

pub(crate) fn broken(coding: &str, cause: BoxError) -> Error {
    Error::new(Kind::Decode, format!("the body is not valid {coding}: {cause}")).with_source(cause)
}
