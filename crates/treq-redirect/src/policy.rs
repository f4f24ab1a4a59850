//! Which redirects are followed, and how.
//!
//! | status | [`Standard`] | [`Strict`] |
//! |---|---|---|
//! | 301, 302 | POST becomes GET, all else stays | GET and HEAD stay, all else is an error |
//! | 303 | HEAD stays, all else becomes GET | GET |
//! | 307, 308 | method and body stay | GET and HEAD stay, all else is an error |
//!
//! Without a `Location` the answer is returned as it is.
//!
//! [`redirect_fn`] makes a policy of a closure:
//!
//! ```
//! use treq_redirect::{Action, RedirectLayer, policy};
//!
//! let layer = RedirectLayer::new().policy(policy::redirect_fn(|attempt| match attempt.url().host() {
//!     Some("a.test") => Action::Follow,
//!     _ => Action::Stop,
//! }));
//! # let _ = layer;
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Uri};
use treq_core::uri::masked;
use treq_core::{BoxError, MaskedFields, Origin};

use crate::Hop;

/// Decides on each redirect. What no policy can change: the limit, what is dropped on the way, and that a body goes
/// from `https` to `http` in no case.
///
/// A closure will do for most, by [`redirect_fn`].
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use treq_redirect::policy::{Action, Attempt, Policy, Standard};
/// use treq_redirect::RedirectLayer;
///
/// /// Stays at the shop, and follows there as browsers do.
/// struct AtHome;
///
/// impl Policy for AtHome {
///     fn decide(&self, attempt: &Attempt<'_>) -> Action {
///         if attempt.url().host() == Some("shop.test") { Standard.decide(attempt) } else { Action::Stop }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let elsewhere = service_fn(|_: Request<String>| async {
///     Response::builder().status(302).header("location", "http://elsewhere.test/").body(String::new())
/// });
/// let client = RedirectLayer::new().policy(treq_redirect::Follow::by(AtHome)).layer(elsewhere);
/// let response = client.oneshot(Request::get("http://shop.test/").body(String::new())?).await?;
/// assert_eq!(response.status(), 302);
/// # Ok(()) }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// What is to be done with this redirect.
    fn decide(&self, attempt: &Attempt<'_>) -> Action;

    /// Whether a body of this method might be sent a second time. Where it says no, no copy is kept.
    fn may_resend(&self, _method: &Method) -> bool {
        true
    }
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        P::decide(self, attempt)
    }

    fn may_resend(&self, method: &Method) -> bool {
        P::may_resend(self, method)
    }
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        P::decide(self, attempt)
    }

    fn may_resend(&self, method: &Method) -> bool {
        P::may_resend(self, method)
    }
}

/// A [`Policy`] of a closure.
pub fn redirect_fn<F>(decide: F) -> RedirectFn<F>
where
    F: Fn(&Attempt<'_>) -> Action + Send + Sync + 'static,
{
    RedirectFn(decide)
}

/// The policy that [`redirect_fn`] makes.
#[derive(Clone, Copy)]
pub struct RedirectFn<F>(F);

impl<F> Policy for RedirectFn<F>
where
    F: Fn(&Attempt<'_>) -> Action + Send + Sync + 'static,
{
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        (self.0)(attempt)
    }
}

impl<F> fmt::Debug for RedirectFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectFn").finish_non_exhaustive()
    }
}

/// What to do with a redirect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Follow it in the way of [`Standard`].
    Follow,
    /// Follow it with this method: where that is the method it has, with the body, else without.
    FollowAs(Method),
    /// Return the redirect as the response.
    Stop,
    /// Fail: `Kind::Redirect`, with this cause.
    Fail(BoxError),
}

/// A redirect that a [`Policy`] decides on.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) method: &'a Method,
    pub(crate) previous_url: &'a Uri,
    pub(crate) url: &'a Uri,
    pub(crate) history: &'a [Hop],
}

impl fmt::Debug for Attempt<'_> {
    /// Without what may be a secret in the fields and the URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("status", &self.status)
            .field("headers", &MaskedFields(self.headers))
            .field("method", self.method)
            .field("previous_url", &masked(&self.previous_url.to_string()))
            .field("url", &masked(&self.url.to_string()))
            .field("history", &self.history)
            .finish()
    }
}

impl<'a> Attempt<'a> {
    /// 301, 302, 303, 307 or 308.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The fields of the redirect.
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The method of the request that was redirected.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL of the request that was redirected.
    pub fn previous_url(&self) -> &'a Uri {
        self.previous_url
    }

    /// The URL that it leads to: `http` or `https`, resolved, without userinfo and fragment.
    pub fn url(&self) -> &'a Uri {
        self.url
    }

    /// The redirects followed before it.
    pub fn history(&self) -> &'a [Hop] {
        self.history
    }

    /// Whether scheme, host and port stay.
    pub fn is_same_origin(&self) -> bool {
        same_origin(self.previous_url, self.url)
    }

    /// The method of the next request as [`Standard`] has it.
    pub fn standard_method(&self) -> Method {
        let get = match self.status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            _ => false,
        };
        if get { Method::GET } else { self.method.clone() }
    }
}

pub(crate) fn same_origin(one: &Uri, other: &Uri) -> bool {
    matches!((Origin::from_uri(one), Origin::from_uri(other)), (Ok(one), Ok(other)) if one == other)
}

/// As RFC 9110 has it and all current clients do: 301 and 302 turn POST, 303 all but HEAD, into GET; 307 and 308 keep
/// method and body ([section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)). Browsers do the same ([Fetch
/// standard, section 4.4](https://fetch.spec.whatwg.org/#http-redirect-fetch)), and Twisted's `BrowserLikeRedirectAgent` is
/// named for it, though that makes GET of every method, and of a 308 too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standard;

impl Policy for Standard {
    fn decide(&self, _: &Attempt<'_>) -> Action {
        Action::Follow
    }
}

/// As Twisted's `RedirectAgent`, which Python treq uses: 301, 302, 307 and 308 are followed for GET and HEAD only, 303
/// as GET for every method. All else is an error with the cause [`NotAutomatic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strict;

impl Policy for Strict {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        match attempt.status {
            StatusCode::SEE_OTHER => Action::FollowAs(Method::GET),
            _ if is_get_or_head(attempt.method) => Action::Follow,
            _ => not_automatic(attempt),
        }
    }

    fn may_resend(&self, method: &Method) -> bool {
        is_get_or_head(method)
    }
}

fn is_get_or_head(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn not_automatic(attempt: &Attempt<'_>) -> Action {
    Action::Fail(NotAutomatic { status: attempt.status, method: attempt.method.clone() }.into())
}

/// The cause of an error of [`Strict`]: this method is not redirected automatically (Twisted's
/// `PageRedirect`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAutomatic {
    /// The status of the redirect.
    pub status: StatusCode,
    /// The method of the request.
    pub method: Method,
}

impl fmt::Display for NotAutomatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} is not followed for {}", self.status.as_u16(), self.method)
    }
}

impl StdError for NotAutomatic {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The method of the next request, `-` for the response itself, `!` for an error.
    fn decided(policy: &dyn Policy, status: u16, method: &str) -> String {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = Uri::from_static("http://a.test/");
        let attempt = Attempt {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::new(),
            method: &method,
            previous_url: &url,
            url: &url,
            history: &[],
        };
        match policy.decide(&attempt) {
            Action::Follow => attempt.standard_method().to_string(),
            Action::FollowAs(method) => method.to_string(),
            Action::Stop => "-".into(),
            Action::Fail(_) => "!".into(),
        }
    }

    #[test]
    fn each_policy_keeps_its_table() {
        const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "X"];
        let table: [(&dyn Policy, u16, [&str; 5]); 10] = [
            (&Standard, 301, ["GET", "HEAD", "GET", "PUT", "X"]),
            (&Standard, 302, ["GET", "HEAD", "GET", "PUT", "X"]),
            (&Standard, 303, ["GET", "HEAD", "GET", "GET", "GET"]),
            (&Standard, 307, ["GET", "HEAD", "POST", "PUT", "X"]),
            (&Standard, 308, ["GET", "HEAD", "POST", "PUT", "X"]),
            (&Strict, 301, ["GET", "HEAD", "!", "!", "!"]),
            (&Strict, 302, ["GET", "HEAD", "!", "!", "!"]),
            (&Strict, 303, ["GET", "GET", "GET", "GET", "GET"]),
            (&Strict, 307, ["GET", "HEAD", "!", "!", "!"]),
            (&Strict, 308, ["GET", "HEAD", "!", "!", "!"]),
        ];
        for (policy, status, want) in table {
            assert_eq!(METHODS.map(|method| decided(policy, status, method)), want, "{status}");
        }
    }

    #[test]
    fn a_pointer_to_a_policy_is_that_policy() {
        let (shared, boxed): (Arc<dyn Policy>, Box<dyn Policy>) = (Arc::new(Strict), Box::new(Strict));
        for policy in [&shared as &dyn Policy, &boxed] {
            assert_eq!(decided(policy, 307, "POST"), "!");
            assert!(policy.may_resend(&Method::GET) && !policy.may_resend(&Method::POST));
        }
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        for (one, other, same) in [
            ("https://a.test/", "https://A.test:443/x", true),
            ("https://a.test/", "http://a.test/", false),
            ("https://a.test/", "https://a.test:8443/", false),
            ("https://a.test/", "https://sub.a.test/", false),
            ("https://a.test/", "https://a.test./", false),
            ("http://localhost/", "http://127.0.0.1/", false),
            ("/relative", "/relative", false),
        ] {
            assert_eq!(same_origin(&one.parse().unwrap(), &other.parse().unwrap()), same, "{one} {other}");
        }
    }
}
