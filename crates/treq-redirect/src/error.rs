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
#[derive(Debug)]
pub struct Refused {
    pub(crate) why: Why,
    pub(crate) history: History,
    pub(crate) source: Option<BoxError>,
}

/// Why a redirect was [`Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The policy says so; its cause is the source.
    Policy,
    /// There is none to follow: no URL, a scheme other than `http` and `https`, too long, or several that differ.
    Location,
    /// It asks for the body again, and that went out and cannot be had a second time.
    BodyOnce,
    /// It asks for the body again, over `http` after `https`.
    BodyInClear,
    /// It leads to `http`, and the layer is `https_only`.
    HttpsOnly,
}

impl Refused {
    /// Why.
    pub fn why(&self) -> Why {
        self.why
    }

    /// The redirects that were followed, and last the one that was not.
    pub fn history(&self) -> &History {
        &self.history
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Policy => "the policy does not allow the redirect",
            Why::Location => "the redirect's Location cannot be followed",
            Why::BodyOnce => "the body can be sent only once",
            Why::BodyInClear => "the redirect would send the body in clear",
            Why::HttpsOnly => "the redirect leads away from https",
        })
    }
}

impl StdError for Refused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
