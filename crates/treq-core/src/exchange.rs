use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version};

use crate::{ConnectionId, Error, Forward, Origin};

/// A connection as a pool sees it: may it be kept, may it be shared, is it still there.
///
/// Nothing here names a request type, so that a pool keeps connections of any. A connection moves between the tasks of
/// those who use it in turn.
pub trait Connection: Sized + Send + Unpin + 'static {
    /// Whether another exchange may be tried: the peer has not closed it and has not announced that it will.
    fn is_open(&self) -> bool;

    /// Whether the next exchange can begin at once.
    fn is_ready(&self) -> bool;

    /// Waits until the next exchange can begin; an error where that will never be.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Another handle on the same connection, where it carries several exchanges at once (HTTP/2); `None` where it
    /// carries one after the other.
    fn share(&self) -> Option<Self>;

    /// The number of the connection; a later one has a greater number. `None` if connections are not numbered.
    fn id(&self) -> Option<ConnectionId> {
        None
    }

    /// The number of concurrent exchanges that the peer admits. `None` until the peer has said so: one exchange goes ahead,
    /// the others wait.
    fn max_shares(&self) -> Option<usize> {
        Some(1)
    }

    /// Registers `changed`, to be called whenever [`max_shares`](Connection::max_shares) or
    /// [`is_open`](Connection::is_open) of a connection that can be [shared](Connection::share) changes. The task that drives
    /// the connection calls it, with no lock held.
    fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>) {
        drop(changed);
    }

    /// Whether it has carried an exchange before: only then can a failure mean that the peer had closed it meanwhile.
    fn is_reused(&self) -> bool;

    /// How long the peer says that it keeps the connection when idle (`Keep-Alive: timeout=…`).
    fn idle_hint(&self) -> Option<Duration> {
        None
    }

    /// Whether it goes on living when the exchange is over. An agent over a connection that does not says
    /// `Connection: close`.
    fn is_persistent(&self) -> bool {
        false
    }
}

/// A [`Connection`] that carries requests with a body of type `B`.
///
/// [`begin`](Exchange::begin), then [`poll_response`](Exchange::poll_response) until it is ready; after an answer the
/// handle may be dropped, and the body goes on. Dropping the handle before gives the exchange up.
pub trait Exchange<B>: Connection {
    /// The body of the answers.
    type Body: http_body::Body<Data = Bytes, Error = Error> + Unpin;

    /// Starts to send a request, whose target and fields are already as they go out on this connection.
    ///
    /// To be called on a handle that is new or [ready](Connection::poll_ready).
    fn begin(&mut self, request: Request<B>);

    /// How heads are written on this connection; `None` once its exchange is over.
    fn wire(&self) -> Option<Wire<'_>>;

    /// Waits for the head of the answer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`]: with the request in it where no byte of it was written, and with the verdict
    /// [`Resend::Safe`](crate::Resend) in its error where no part of it can have been processed.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<Self::Body>, ExchangeError<B>>>;
}

/// The future of a response that tells whether its request is on a connection: the time before is spent on connecting, the
/// time after on the server.
///
/// The future of treq's agent is one. The future of a layer above it, up to the one that asks, must pass the question on.
#[diagnostic::on_unimplemented(
    message = "the future `{Self}` does not tell whether its request is on a connection",
    note = "implement `treq_core::InFlight` for it, as treq's agent does, or leave out `when_in_flight`"
)]
pub trait InFlight {
    /// Returns true if the request is on a connection.
    fn is_in_flight(&self) -> bool;
}

/// An extension of a response that hands its connection over (101, or 2xx to CONNECT): values to hold until the byte stream
/// ends, such as the connection's place in a pool.
///
/// The code that turns the response into a stream takes this extension and drops it after the stream.
#[derive(Clone, Default)]
pub struct Hold(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

impl Hold {
    /// Adds a value to hold.
    pub fn keep(&self, held: impl Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(held));
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

/// What of a connection decides how a request's head is written on it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wire<'a> {
    /// The origin that the connection was made for.
    pub origin: &'a Origin,
    /// Its `Host` field, made once.
    pub host: &'a HeaderValue,
    /// Set where requests go out in absolute form, and with which proxy credentials.
    pub forward: Option<&'a Forward>,
    /// The version of HTTP that is spoken: from HTTP/2 on without `Host` and connection fields.
    pub version: Version,
}

impl<'a> Wire<'a> {
    /// HTTP/1.1 with the origin itself.
    pub fn new(origin: &'a Origin, host: &'a HeaderValue) -> Wire<'a> {
        Wire { origin, host, forward: None, version: Version::HTTP_11 }
    }
}

/// An exchange that failed before an answer came.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExchangeError<B> {
    /// Why.
    pub error: Error,
    /// The request, where no part of it was sent.
    pub request: Option<Request<B>>,
    /// The body of a request that was sent, if it was empty: it can be sent again.
    pub body: Option<B>,
    /// True if the connection had died before this exchange, as far as can be told: it was used before and no byte of
    /// a response arrived. The same request may then be tried once on a later connection, if it may be repeated.
    pub stale: bool,
    /// True if the peer asks for the request over HTTP/1.1.
    pub wants_http1: bool,
    /// True if the peer ends the connection, and says that it did not process the request.
    pub goes_away: bool,
}

impl<B> ExchangeError<B> {
    /// A failure of which nothing more is known.
    pub fn new(error: Error) -> ExchangeError<B> {
        ExchangeError { error, request: None, body: None, stale: false, wants_http1: false, goes_away: false }
    }
}
