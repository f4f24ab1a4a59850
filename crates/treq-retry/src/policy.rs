//! Which attempts are followed by another.

use std::fmt;
use std::io;
use std::time::Duration;

use http::{Extensions, HeaderMap, Method, StatusCode, Uri};
use treq_core::{Error, Kind, Phase, Resend};

/// Decides what follows an attempt; asked only where the request can be sent again and attempts are left.
///
/// A closure is one:
///
/// ```
/// use treq_retry::{Action, Attempt, Outcome, RetryLayer};
///
/// RetryLayer::new().attempts(3).policy(|attempt: &Attempt<'_>| match attempt.outcome {
///     Outcome::Response { status, .. } if status.as_u16() == 500 && attempt.method.is_safe() => Action::Again,
///     _ => Action::Stop,
/// });
/// ```
pub trait Policy: Send + Sync {
    /// What is to be done after this attempt.
    fn decide(&self, attempt: &Attempt<'_>) -> Action;
}

impl<F: Fn(&Attempt<'_>) -> Action + Send + Sync> Policy for F {
    fn decide(&self, attempt: &Attempt<'_>) -> Action {
        self(attempt)
    }
}

/// A request that was sent, and what came of it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// How often the request was sent by now, this time among them: from 1 on.
    pub number: u32,
    /// Of the request.
    pub method: &'a Method,
    /// Of the request.
    pub url: &'a Uri,
    /// Of the request, as it came to the layer.
    pub extensions: &'a Extensions,
    /// Whether the request has an `Idempotency-Key`, by which a server knows a second sending from a second request.
    pub keyed: bool,
    /// The head of the response, or the error.
    pub outcome: Outcome<'a>,
}

impl Attempt<'_> {
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
            .field("keyed", &self.keyed)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// What came of an attempt.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    /// The head of a response came.
    Response {
        /// Its status.
        status: StatusCode,
        /// Its fields.
        headers: &'a HeaderMap,
    },
    /// There is no response. [`Error::resend`] is the verdict of whoever sent the request.
    Error(&'a Error),
}

impl fmt::Debug for Outcome<'_> {
    /// Without the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Response { status, .. } => f.debug_tuple("Response").field(status).finish(),
            Outcome::Error(error) => f.debug_tuple("Error").field(error).finish(),
        }
    }
}

/// What is done after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The response or the error is the caller's.
    Stop,
    /// The request is sent again after the layer's backoff, or as late as the response's `Retry-After` says.
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
            Outcome::Response { status, .. } => attempt.is_repeatable() && self.statuses.contains(&status),
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
