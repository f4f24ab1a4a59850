use std::error::Error as StdError;
use std::fmt;

use treq_core::BoxError;

use crate::History;

/// The cause of an error: a chain went on beyond its limit.
#[derive(Debug)]
pub struct TooManyRedirects {
    pub(crate) limit: usize,
    pub(crate) history: History,
}

impl TooManyRedirects {
    /// How many redirects were followed.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// All of them, and last the one that was not followed.
    pub fn history(&self) -> &History {
        &self.history
    }
}

impl fmt::Display for TooManyRedirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} redirects were followed, and the last answer is one more", self.limit)
    }
}

impl StdError for TooManyRedirects {}

/// The cause of an error: a redirect that cannot or must not be followed. Nothing was sent to its target.
///
/// ```
/// use treq_core::Error;
/// use treq_redirect::{RedirectError, RedirectErrorReason};
///
/// /// Whether the same request may succeed with a body that can be sent twice.
/// fn needs_a_repeatable_body(error: &Error) -> bool {
///     let reason = error.find::<RedirectError>().map(RedirectError::reason);
///     reason == Some(RedirectErrorReason::BodyOnce)
/// }
/// # assert!(!needs_a_repeatable_body(&Error::new(treq_core::Kind::Redirect, "none")));
/// ```
#[derive(Debug)]
pub struct RedirectError {
    pub(crate) reason: RedirectErrorReason,
    pub(crate) history: History,
    pub(crate) source: Option<BoxError>,
}

/// The reason of a [`RedirectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectErrorReason {
    /// The policy failed it; the policy's cause is the source.
    Policy,
    /// The `Location` cannot be followed: it is no URL, has a scheme other than `http` and `https`, is too long, or there
    /// are several that differ.
    Location,
    /// It asks for the body again, and that went out and cannot be had a second time.
    BodyOnce,
    /// It asks for the body again, over `http` after `https`.
    BodyInClear,
    /// It leads to `http`, and the layer is `https_only`.
    HttpsOnly,
}

impl RedirectError {
    /// Returns the reason.
    pub fn reason(&self) -> RedirectErrorReason {
        self.reason
    }

    /// The redirects that were followed, and last the one that was not.
    pub fn history(&self) -> &History {
        &self.history
    }
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RedirectErrorReason::Policy => "the policy does not allow the redirect",
            RedirectErrorReason::Location => "the redirect's Location cannot be followed",
            RedirectErrorReason::BodyOnce => "the body can be sent only once",
            RedirectErrorReason::BodyInClear => "the redirect would send the body in clear",
            RedirectErrorReason::HttpsOnly => "the redirect leads away from https",
        })
    }
}

impl StdError for RedirectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
