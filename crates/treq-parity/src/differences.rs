//! Where treq deliberately does something else.

use crate::{Case, Mismatch};

/// A difference that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The reason.
    pub why: &'static str,
    /// Whether it comes along with whatever a case is about, and so does not settle one that wants something better.
    pub incidental: bool,
}

/// The reason for which this may come out otherwise.
pub fn reason(_case: &Case, _mismatch: &Mismatch) -> Option<Difference> {
    None
}
