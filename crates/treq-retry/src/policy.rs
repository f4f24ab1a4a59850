//! Which attempts are followed by another.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use treq_core::{Error, Kind, Phase, Resend};

use crate::key;

/// Decides whether an attempt is followed by another. Called only if the request can be sent again and attempts are left.
///
/// [`retry_fn`] makes a policy of a closure:
///
/// ```
/// use treq_retry::{Action, Outcome, RetryLayer, retry_fn};
///
/// let layer = RetryLayer::new().policy(retry_fn(|attempt| match attempt.outcome() {
///     Outcome::Response(head) if head.status() == 500 && attempt.method().is_safe() => Action::Again,
///     _ => Action::Stop,
/// }));
/// ```
///
/// A type of your own can extend [`Standard`]:
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use treq_retry::policy::Standard;
/// use treq_retry::{Action, Attempt, Outcome, Policy};
///
/// /// Request extension: the request may fail.
/// #[derive(Clone)]
/// struct Optional;
///
/// struct Patient(Standard);
///
/// impl Policy for Patient {
///     fn decide(&self, attempt: &Attempt<'_>) -> Action {
///         match attempt.extensions().get::<Optional>() {
///             Some(_) => Action::Stop,
///             None => self.0.decide(attempt),
///         }
///     }
/// }
///
/// let policy = Patient(Standard::new());
/// let response = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).body(())?;
/// let decide = |request: &Request<()>| policy.decide(&Attempt::new(1, request, Outcome::from(&response)));
/// assert_eq!(decide(&Request::get("http://a.test/").body(())?), Action::Again);
/// assert_eq!(decide(&Request::get("http://a.test/").extension(Optional).body(())?), Action::Stop);
/// # Ok::<(), http::Error>(())
/// ```
pub trait Policy: Send + Sync + 'static {
    /// The action after this attempt.
    fn decide(&self, attempt: &Attempt<'_>) -> Action;
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        P::decide(self, attempt)
    }
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        P::decide(self, attempt)
    }
}

/// A [`Policy`] of a closure.
pub fn retry_fn<F>(decide: F) -> RetryFn<F>
where
    F: Fn(&Attempt<'_>) -> Action + Send + Sync + 'static,
{
    RetryFn(decide)
}

/// The policy that [`retry_fn`] makes.
#[derive(Clone, Copy)]
pub struct RetryFn<F>(F);

impl<F> Policy for RetryFn<F>
where
    F: Fn(&Attempt<'_>) -> Action + Send + Sync + 'static,
{
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        (self.0)(attempt)
    }
}

impl<F> fmt::Debug for RetryFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFn").finish_non_exhaustive()
    }
}

/// A request that was sent, with its outcome.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub(crate) number: u32,
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Uri,
    pub(crate) extensions: &'a Extensions,
    pub(crate) keyed: bool,
    pub(crate) outcome: Outcome<'a>,
}

impl<'a> Attempt<'a> {
    /// The attempt with this number of a request. The layer makes it; tests of a policy do, too.
    #[must_use]
    pub fn new<B>(number: u32, request: &'a Request<B>, outcome: Outcome<'a>) -> Attempt<'a> {
        Attempt {
            number,
            method: request.method(),
            url: request.uri(),
            extensions: request.extensions(),
            keyed: key::is_in(request.headers()),
            outcome,
        }
    }

    /// How often the request has been sent, this time among them: 1 for the first attempt.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL of the request.
    #[must_use]
    pub fn url(&self) -> &'a Uri {
        self.url
    }

    /// The extensions of the request, as it came to the layer.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// Whether the request has an `Idempotency-Key`, by which a server tells a retry from a second request.
    #[must_use]
    pub fn has_idempotency_key(&self) -> bool {
        self.keyed
    }

    /// The head of the response, or the error.
    #[must_use]
    pub fn outcome(&self) -> Outcome<'a> {
        self.outcome
    }

    /// Whether sending the request twice has the effect of sending it once: its method is idempotent
    /// ([RFC 9110, section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2)), or it has a key.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.keyed || self.method.is_idempotent()
    }
}

impl fmt::Debug for Attempt<'_> {
    /// Without the URL and the extensions, which carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("number", &self.number)
            .field("method", &self.method)
            .field("has_idempotency_key", &self.keyed)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The head of a response came.
    Response(ResponseHead<'a>),
    /// There is no response. [`Error::resend`] is the verdict of the service that sent the request.
    Error(&'a Error),
}

impl<'a, B> From<&'a Response<B>> for Outcome<'a> {
    fn from(response: &'a Response<B>) -> Outcome<'a> {
        Outcome::Response(ResponseHead {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
            extensions: response.extensions(),
        })
    }
}

impl<'a> From<&'a Error> for Outcome<'a> {
    fn from(error: &'a Error) -> Outcome<'a> {
        Outcome::Error(error)
    }
}

/// A response without its body.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    version: Version,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The HTTP version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The extensions.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

impl fmt::Debug for ResponseHead<'_> {
    /// Without the fields and the extensions, which carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The action after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The caller gets the response or the error.
    Stop,
    /// The request is sent again after the layer's backoff, or after the response's `Retry-After` if that is longer.
    Again,
    /// The request is sent again after exactly this time.
    After(Duration),
}

/// The statuses after which a request is sent again, unless others are set.
const USUAL: [StatusCode; 5] = [
    // RFC 9110, section 15.5.9: the request did not come in time, and may be repeated.
    StatusCode::REQUEST_TIMEOUT,
    // RFC 6585, section 4: too many of them, try later.
    StatusCode::TOO_MANY_REQUESTS,
    // RFC 9110, sections 15.6.3 to 15.6.5: the server behind this one, or this one for a while, does not answer.
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// The policy of a layer to which no other was given.
///
/// | after | a request is sent again |
/// |---|---|
/// | an error that is [`Resend::Safe`]: no connection, or the request was not looked at | whatever its method |
/// | another error without a response, a timeout among them | if it is [repeatable](Attempt::is_repeatable) |
/// | 408 ([RFC 9110, section 15.5.9](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9)), 429 ([RFC 6585, section 4](https://www.rfc-editor.org/rfc/rfc6585#section-4)), 502, 503, 504 ([RFC 9110, section 15.6.3](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3) and the next ones), with `Retry-After` or without | if it is repeatable |
///
/// Never after what would be the same again: errors of building the request, of its body, of redirects, credentials or
/// decoding, a certificate that is not trusted, a proxy's refusal, a deadline, a full pool. Nor after 421
/// ([RFC 9110, section 15.5.20](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20)), which asks for another
/// connection where the next attempt would take the same; 425
/// ([RFC 8470, section 5.2](https://www.rfc-editor.org/rfc/rfc8470#section-5.2)), which is about early data; 500, which
/// says that the request was processed and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standard {
    statuses: Vec<StatusCode>,
}

impl Standard {
    /// After 408, 429, 502, 503 and 504.
    #[must_use]
    pub fn new() -> Standard {
        Standard { statuses: USUAL.to_vec() }
    }

    /// The statuses after which a repeatable request is sent again, instead of the usual ones.
    #[must_use]
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Standard {
        self.statuses = statuses.into_iter().collect();
        self
    }
}

impl Default for Standard {
    fn default() -> Standard {
        Standard::new()
    }
}

impl Policy for Standard {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        let again = match attempt.outcome {
            Outcome::Response(head) => attempt.is_repeatable() && self.statuses.contains(&head.status),
            Outcome::Error(error) => may_pass(error) && (error.resend() == Resend::Safe || attempt.is_repeatable()),
        };
        if again { Action::Again } else { Action::Stop }
    }
}

/// Whether the next attempt may come to something else.
fn may_pass(error: &Error) -> bool {
    match error.kind() {
        Kind::Builder | Kind::Redirect | Kind::Auth | Kind::Decode | Kind::Status | Kind::Cancelled => false,
        // Before a response there is only the request's own.
        Kind::Body => false,
        // The whole has taken too long, or here are more requests than places.
        Kind::Timeout(Phase::Total | Phase::Wait) => false,
        // A handshake that broke off, or never began, and not one that came to a verdict.
        Kind::Tls | Kind::Proxy => error.find::<io::Error>().is_some_and(|cause| is_cut(cause.kind())),
        _ => true,
    }
}

fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
        TimedOut, UnexpectedEof,
    };
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionRefused | ConnectionReset)
        || matches!(kind, HostUnreachable | NetworkUnreachable | TimedOut | UnexpectedEof)
}

#[cfg(test)]
mod tests;
