use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Method, Request, Response, Uri, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use treq_core::{BoxError, Error, Exchange, KeptFields, Origin, Refused, Replay, Resend, Route, Target, Wish};

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
        // The last connection was dead: the service has to be ready again before it is asked for a fresh one.
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
    wish: Wish,
    route: Option<Arc<dyn Route>>,
    /// The connection in use is a fresh one, made because the last was dead, or there is to be no other.
    resent: bool,
    /// The server may have read the request on the connection that died.
    maybe_processed: bool,
    /// What the head has from the connection that it was prepared for.
    added: Added,
    /// One snapshot, taken only where a resend may come.
    snapshot: Option<Snapshot<B>>,
}

struct Snapshot<B> {
    method: Method,
    version: Version,
    headers: KeptFields,
    extensions: Extensions,
    body: B,
}

impl<C: Service<Target>, R, B> AgentFuture<C, R, B> {
    /// `ready` has been polled ready.
    pub(crate) fn new(mut ready: C, replay: R, mut request: Request<B>, target: Target, resends: bool) -> Self {
        let uri = std::mem::take(request.uri_mut());
        let (wish, route) = (target.wish, target.route.clone());
        let connecting = ready.call(target);
        let sending = Sending {
            connections: ready,
            replay,
            request: Some(request),
            uri,
            wish,
            route,
            resent: !resends,
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
                    let connected = ready!(connecting.poll(cx)).map_err(Error::adopt);
                    match connected.and_then(|mut connection| sending.begin(&mut connection).map(|()| connection)) {
                        Ok(connection) => State::Exchanging { connection },
                        Err(error) => State::Failed { error: Some(sending.failed(error)) },
                    }
                }
                (StateProj::Exchanging { connection }, Some(sending)) => match connection.poll_response(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(response)) => {
                        this.state.set(State::Failed { error: None });
                        return Poll::Ready(Ok(response));
                    }
                    Poll::Ready(Err(refused)) => match sending.again(refused) {
                        Ok(()) => State::Readying,
                        Err(error) => State::Failed { error: Some(sending.failed(error)) },
                    },
                },
                (StateProj::Readying, Some(sending)) => {
                    match ready!(sending.connections.poll_ready(cx)).map_err(Error::adopt) {
                        Ok(()) => match sending.fresh_target() {
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
        // A fresh connection cannot be stale, so nothing is kept for a second try on it; but an HTTP/2 peer may say of any
        // request that it did not look at it (RFC 9113, section 8.7).
        let wire = connection.wire();
        let comes_back = wire.as_ref().is_some_and(|wire| wire.http2);
        if comes_back || (connection.is_reused() && head::is_idempotent(request.method())) {
            self.snapshot = self.replay.copy(request.body()).map(|body| Snapshot {
                method: request.method().clone(),
                version: request.version(),
                headers: KeptFields::of(request.headers()),
                extensions: request.extensions().clone(),
                body,
            });
        }
        if let Some(wire) = wire {
            self.added = match wire.forward {
                None => head::prepare(request, &self.uri, wire, connection.is_persistent())?,
                Some(_) => head::prepare_forwarded(request, &self.uri, wire, connection.is_persistent())?,
            };
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

    fn fresh_target(&self) -> Result<Target, Error> {
        let mut target = Target::new(Origin::of(&self.uri)?);
        target.wish = self.wish;
        target.route = self.route.clone();
        target.fresh = true;
        Ok(target)
    }

    /// Whether the request may go out once more, on a fresh connection; else the error.
    fn again(&mut self, refused: Refused<B>) -> Result<(), Error> {
        if self.resent {
            return Err(refused.error);
        }
        self.request = match refused.request {
            Some(mut request) => {
                std::mem::take(&mut self.added).undo(request.headers_mut());
                Some(request)
            }
            None => {
                // Safe without the request in hand: the peer says that it did not look at it.
                let unprocessed = refused.error.resend() == Resend::Safe;
                let again =
                    |snapshot: &Snapshot<B>| unprocessed || (refused.stale && head::is_idempotent(&snapshot.method));
                self.maybe_processed = refused.stale && !unprocessed;
                self.snapshot.take().filter(again).map(Snapshot::into_request)
            }
        };
        match self.request {
            Some(_) => {
                self.resent = true;
                Ok(())
            }
            None => Err(refused.error),
        }
    }
}

impl<B> Snapshot<B> {
    fn into_request(self) -> Request<B> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.to_map();
        *request.extensions_mut() = self.extensions;
        request
    }
}

impl<C: Service<Target>, R, B> std::fmt::Debug for AgentFuture<C, R, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentFuture")
    }
}
