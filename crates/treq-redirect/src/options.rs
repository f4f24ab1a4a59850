use std::fmt;
use std::sync::Arc;

use http::Uri;
use treq_core::uri::masked;

use crate::policy::{BrowserLike, Policy, Standard, Strict};

/// Request option: which redirects of this request are followed.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Follow {
    /// None: the first answer is returned.
    None,
    /// As [`Standard`] says, which is the default.
    #[default]
    Standard,
    /// As [`Strict`] says.
    Strict,
    /// As [`BrowserLike`] says.
    BrowserLike,
    /// As this policy says.
    By(Arc<dyn Policy>),
}

impl Follow {
    /// `None` where nothing is followed.
    pub(crate) fn policy(&self) -> Option<&dyn Policy> {
        match self {
            Follow::None => None,
            Follow::Standard => Some(&Standard),
            Follow::Strict => Some(&Strict),
            Follow::BrowserLike => Some(&BrowserLike),
            Follow::By(policy) => Some(&**policy),
        }
    }
}

impl<P: Policy + 'static> From<P> for Follow {
    fn from(policy: P) -> Follow {
        Follow::By(Arc::new(policy))
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Follow::None => "None",
            Follow::Standard => "Standard",
            Follow::Strict => "Strict",
            Follow::BrowserLike => "BrowserLike",
            Follow::By(_) => "By(..)",
        })
    }
}

/// Request extension: what stands behind the `#` of the URL, which [`Uri`] does not hold. A hop whose `Location` has
/// none of its own inherits it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment(pub Box<str>);

impl fmt::Debug for Fragment {
    /// It may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fragment(…)")
    }
}

/// Response extension: the URL that gave the response, where that is not the one asked for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FinalUrl {
    /// Without userinfo.
    pub url: Uri,
    /// The last redirect's fragment, or the one inherited.
    pub fragment: Option<Box<str>>,
}

impl fmt::Debug for FinalUrl {
    /// Without what may be a secret; `Display` shows all of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FinalUrl").field(&masked(&self.to_string())).finish()
    }
}

impl fmt::Display for FinalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)?;
        match &self.fragment {
            Some(fragment) => write!(f, "#{fragment}"),
            None => Ok(()),
        }
    }
}
