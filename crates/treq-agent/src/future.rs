use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::EXPECT;
use http::{Extensions, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use treq_core::{
    BoxError, Connection, ConnectionId, Error, Exchange, ExchangeError, HttpVersion, InFlight, KeptFields, Origin,
    Replay, Resend, Reuse, Route, Target,
};

use crate::expect;
use crate::head::{self, Added};

pin_project! {
    /// The future of an [`Agent`](crate::Agent).
    pub struct AgentFuture<C, R, B>
    where
        C: Service<Target>,
    {
        #[pin]
        state: State<C::Future, C::Response>,
        // Boxed, since every layer above moves this future.
        sending: Option<Box<Sending<C, R, B>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, E> {
        Connecting { #[pin] connecting: F },
        // The last exchange failed: the service has to be ready again before it is asked for a later connection.
        Readying,
        Exchanging { connection: E },
        Failed { error: Option<Error> },
    }
}

/// What is needed until the answer is there.
struct Sending<C, R, B> {
    connections: C,
    replay: R,
    /// The request, while it is on no connection. Its URI stands in `uri`.
    request: Option<Request<B>>,
    uri: Uri,
    http_version: HttpVersion,
    route: Option<Arc<dyn Route>>,
    reuse: Reuse,
    /// The number of resends left while no server has processed the request.
    unprocessed_left: u8,
    /// True if one resend is left for a reused connection that was dead.
    stale_left: bool,
    /// The server may have read the request on the connection that died.
    maybe_processed: bool,
    /// What the head has from the connection that it was prepared for.
    added: Added,
    /// One snapshot, taken only where a resend may come.
    snapshot: Option<Snapshot<B>>,
}

/// The number of resends of a request that no server has processed: each on another connection, so that a server that refuses
/// for a moment on one of them fails no request. If it closes the connections as well, one resend is all.
const UNPROCESSED: u8 = 2;

struct Snapshot<B> {
    method: Method,
    version: Version,
    headers: KeptFields,
    extensions: Extensions,
    /// `None` if the body is empty: the failure returns it.
    body: Option<B>,
    expects: bool,
}

impl<C: Service<Target>, R, B> AgentFuture<C, R, B> {
    /// `ready` has been polled ready.
    pub(crate) fn new(mut ready: C, replay: R, mut request: Request<B>, target: Target, resends: bool) -> Self {
        let uri = std::mem::take(request.uri_mut());
        let (http_version, route, reuse) = (target.http_version, target.route.clone(), target.reuse);
        let connecting = ready.call(target);
        let sending = Sending {
            connections: ready,
            replay,
            request: Some(request),
            uri,
            http_version,
            route,
            reuse,
            unprocessed_left: if resends { UNPROCESSED } else { 0 },
            stale_left: resends,
            maybe_processed: false,
            added: Added::default(),
            snapshot: None,
        };
        let sending = Some(Box::new(sending));
        AgentFuture { state: State::Connecting { connecting }, sending }
    }

    pub(crate) fn failed(error: Error) -> Self {
        AgentFuture { state: State::Failed { error: Some(error) }, sending: None }
    }
}

impl<C: Service<Target>, R, B> InFlight for AgentFuture<C, R, B> {
    fn is_in_flight(&self) -> bool {
        matches!(self.state, State::Exchanging { .. })
    }
}

impl<C, R, B> Future for AgentFuture<C, R, B>
where
    C: Service<Target>,
    C::Response: Exchange<B>,
    C::Error: Into<BoxError> + 'static,
    R: Replay<B>,
    B: Body,
{
    type Output = Result<Response<<C::Response as Exchange<B>>::Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let sending = this.sending.as_deref_mut();
            let next = match (this.state.as_mut().project(), sending) {
                (StateProj::Failed { error }, _) => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                (StateProj::Connecting { connecting }, Some(sending)) => {
                    let connected = ready!(connecting.poll(cx)).map_err(Error::from_boxed);
                    match connected.and_then(|mut connection| sending.begin(&mut connection).map(|()| connection)) {
                        Ok(connection) => State::Exchanging { connection },
                        Err(error) => State::Failed { error: Some(sending.failed(error)) },
                    }
                }
                (StateProj::Exchanging { connection }, Some(sending)) => match connection.poll_response(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(response)) => {
                        let unmet = response.status() == StatusCode::EXPECTATION_FAILED;
                        if !unmet || !sending.drop_expectation() {
                            this.state.set(State::Failed { error: None });
                            return Poll::Ready(Ok(response));
                        }
                        // The connection is closed or drained by the drop of the response.
                        State::Readying
                    }
                    Poll::Ready(Err(refused)) => match sending.again(refused, connection.id()) {
                        Ok(()) => State::Readying,
                        Err(error) => State::Failed { error: Some(sending.failed(error)) },
                    },
                },
                (StateProj::Readying, Some(sending)) => {
                    match ready!(sending.connections.poll_ready(cx)).map_err(Error::from_boxed) {
                        Ok(()) => match sending.next_target() {
                            Ok(target) => State::Connecting { connecting: sending.connections.call(target) },
                            Err(error) => State::Failed { error: Some(sending.failed(error)) },
                        },
                        Err(error) => State::Failed { error: Some(sending.failed(error)) },
                    }
                }
                (_, None) => return Poll::Pending,
            };
            this.state.set(next);
        }
    }
}

impl<C, R, B: Body> Sending<C, R, B> {
    /// Hands the request over, its head as this connection wants it.
    fn begin<E: Exchange<B>>(&mut self, connection: &mut E) -> Result<(), Error>
    where
        R: Replay<B>,
    {
        // Prepared where it stands, and moved once.
        let Some(request) = &mut self.request else { return Ok(()) };
        // A new connection cannot be stale, so nothing is kept for a second try on it; but an HTTP/2 peer may say of any
        // request that it did not look at it (RFC 9113, section 8.7), and any server that it expects no expectation.
        let wire = connection.wire();
        let comes_back = wire.as_ref().is_some_and(|wire| wire.version >= Version::HTTP_2) && self.unprocessed_left > 0;
        let is_stale = self.stale_left && connection.is_reused() && head::is_idempotent(request.method());
        let is_empty = request.body().is_end_stream();
        let expects = !is_empty && expect::is_expected(request.headers());
        if comes_back || is_stale || expects {
            let body = if is_empty { None } else { self.replay.copy(request.body()) };
            if is_empty || body.is_some() {
                self.snapshot = Some(Snapshot {
                    method: request.method().clone(),
                    version: request.version(),
                    headers: KeptFields::from_headers(request.headers()),
                    extensions: request.extensions().clone(),
                    body,
                    expects,
                });
            }
        }
        if let Some(wire) = wire {
            self.added = match wire.forward {
                None => head::prepare(request, &self.uri, wire, connection.is_persistent()),
                Some(_) => head::prepare_forwarded(request, &self.uri, wire, connection.is_persistent()),
            }
            .map_err(|error| error.with_resend(Resend::Safe))?;
        }
        if let Some(request) = self.request.take() {
            connection.begin(request);
        }
        Ok(())
    }

    /// The error as the caller gets it.
    fn failed(&self, error: Error) -> Error {
        let error = error.with_url(&self.uri);
        if self.maybe_processed { error.with_resend(Resend::MaybeProcessed) } else { error }
    }

    fn next_target(&self) -> Result<Target, Error> {
        let mut target = Target::new(Origin::from_uri(&self.uri)?);
        target.http_version = self.http_version;
        target.route = self.route.clone();
        target.reuse = self.reuse;
        Ok(target)
    }

    /// Prepares to resend the request on a later connection than the one that failed; otherwise returns the error.
    fn again(&mut self, refused: ExchangeError<B>, failed: Option<ConnectionId>) -> Result<(), Error> {
        let snapshot = self.snapshot.take();
        // Safe without the request in hand: the peer says that it did not look at it.
        let unprocessed = refused.request.is_some() || refused.error.resend() == Resend::Safe;
        if unprocessed {
            match self.unprocessed_left.checked_sub(if refused.goes_away { UNPROCESSED } else { 1 }) {
                Some(left) => self.unprocessed_left = left,
                None => return Err(refused.error),
            }
        } else {
            self.maybe_processed |= refused.stale;
            let is_idempotent = snapshot.as_ref().is_some_and(|snapshot| head::is_idempotent(&snapshot.method));
            if !(refused.stale && is_idempotent && self.stale_left) {
                return Err(refused.error);
            }
            self.stale_left = false;
        }
        let request = match refused.request {
            Some(mut request) => {
                std::mem::take(&mut self.added).undo(request.headers_mut());
                Some(request)
            }
            None => snapshot.and_then(|snapshot| snapshot.into_request(refused.body)),
        };
        let Some(request) = request else { return Err(refused.error) };
        if refused.wants_http1 {
            if self.http_version == HttpVersion::Http2 {
                return Err(refused.error);
            }
            self.http_version = HttpVersion::Http1;
        }
        if let (Reuse::Any | Reuse::After(_), Some(failed)) = (self.reuse, failed) {
            self.reuse = Reuse::After(failed);
        }
        self.request = Some(request);
        Ok(())
    }

    /// Returns true if the request is to be resent without the expectation that the server did not meet.
    #[cold]
    fn drop_expectation(&mut self) -> bool {
        let Some(snapshot) = self.snapshot.take().filter(|snapshot| snapshot.expects) else { return false };
        let Some(mut request) = snapshot.into_request(None) else { return false };
        request.headers_mut().remove(EXPECT);
        self.request = Some(request);
        true
    }
}

impl<B> Snapshot<B> {
    /// The request to send again; `empty` is the body that was sent, if it was empty.
    fn into_request(self, empty: Option<B>) -> Option<Request<B>> {
        let mut request = Request::new(self.body.or(empty)?);
        *request.method_mut() = self.method;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.to_map();
        *request.extensions_mut() = self.extensions;
        Some(request)
    }
}

impl<C: Service<Target>, R, B> std::fmt::Debug for AgentFuture<C, R, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentFuture")
    }
}
