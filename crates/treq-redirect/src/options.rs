use std::fmt;
use std::sync::Arc;

use http::Uri;
use treq_core::uri::masked;

use crate::policy::{Policy, RedirectFn, Standard, Strict};

/// Request option: which redirects of this request are followed.
///
/// ```
/// use http::Request;
/// use treq_redirect::{Action, Attempt, Follow, Policy, policy};
///
/// /// Stays on one host.
/// struct OneHost;
///
/// impl Policy for OneHost {
///     fn decide(&self, attempt: &Attempt<'_>) -> Action {
///         let stays = attempt.url().host() == attempt.previous_url().host();
///         if stays { policy::Standard.decide(attempt) } else { Action::Stop }
///     }
/// }
///
/// let request = Request::get("http://a.test/").extension(Follow::by(OneHost)).body(())?;
/// # let _ = request;
/// # Ok::<(), http::Error>(())
/// ```
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
    /// As this policy says; [`Follow::by`] makes it.
    By(Arc<dyn Policy>),
}

impl Follow {
    /// Follows redirects as `policy` says.
    pub fn by(policy: impl Policy) -> Follow {
        Follow::By(Arc::new(policy))
    }

    /// `None` where nothing is followed.
    pub(crate) fn policy(&self) -> Option<&dyn Policy> {
        match self {
            Follow::None => None,
            Follow::Standard => Some(&Standard),
            Follow::Strict => Some(&Strict),
            Follow::By(policy) => Some(&**policy),
        }
    }
}

impl<F> From<RedirectFn<F>> for Follow
where
    RedirectFn<F>: Policy,
{
    fn from(policy: RedirectFn<F>) -> Follow {
        Follow::by(policy)
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Follow::None => "None",
            Follow::Standard => "Standard",
            Follow::Strict => "Strict",
            Follow::By(_) => "By(..)",
        })
    }
}

/// Request extension: the part of the URL after its `#`, which [`Uri`] does not hold. A hop whose `Location` has no
/// fragment of its own inherits it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment(Box<str>);

impl Fragment {
    /// The fragment, without the `#`.
    pub fn new(fragment: impl Into<Box<str>>) -> Fragment {
        Fragment(fragment.into())
    }

    /// Returns the fragment, without the `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
