use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, Version};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, ByTryClone, Error, Exchange, Never, Origin, Replay, Route, Target, Wish};

use crate::future::AgentFuture;
use crate::head;

/// A `Service<http::Request<B>>` that reaches the network: the bottom of every stack.
///
/// `C` yields connections for targets: an [`HttpConnector`](crate::HttpConnector) for one connection per request, a
/// pool over one for connections that are kept. `R` says how a body is copied for the one resend that is safe: a request
/// that comes back with nothing of it written is sent once more on a fresh connection, and so is one on a kept
/// connection that turns out to be dead, if no byte of an answer had arrived, its method is idempotent and its body can
/// be had again
/// ([RFC 9112, section 9.3.1](https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1)).
#[derive(Clone)]
pub struct Agent<C, R = ByTryClone> {
    connections: C,
    replay: R,
    resends: bool,
}

impl<C> Agent<C> {
    /// An agent over whatever yields connections.
    pub fn new(connections: C) -> Agent<C> {
        Agent { connections, replay: ByTryClone, resends: true }
    }
}

impl<C, R> Agent<C, R> {
    /// Copies bodies in another way: a closure `Fn(&B) -> Option<B>`, for bodies that are not
    /// [`TryClone`](treq_core::TryClone).
    pub fn replay<T>(self, replay: T) -> Agent<C, T> {
        Agent { connections: self.connections, replay, resends: self.resends }
    }

    /// Whether a request that met a dead connection goes out once more where that is safe. On unless set.
    pub fn resend(mut self, on: bool) -> Agent<C, R> {
        self.resends = on;
        self
    }

    /// Sends each body once: for any body at all.
    pub fn without_replay(self) -> Agent<C, Never> {
        self.replay(Never)
    }
}

impl<C, R, B> Service<Request<B>> for Agent<C, R>
where
    C: Service<Target> + Clone,
    C::Response: Exchange<B>,
    C::Error: Into<BoxError> + 'static,
    R: Replay<B> + Clone,
    B: Body,
{
    type Response = Response<<C::Response as Exchange<B>>::Body>;
    type Error = Error;
    type Future = AgentFuture<C, R, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connections.poll_ready(cx).map_err(Error::adopt)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match target(&request) {
            Ok(target) => {
                // The future may need a second connection: it takes the ready service along, a clone stays here.
                let clone = self.connections.clone();
                let ready = std::mem::replace(&mut self.connections, clone);
                AgentFuture::new(ready, self.replay.clone(), request, target, self.resends)
            }
            Err(error) => AgentFuture::failed(error.with_url(request.uri())),
        }
    }
}

/// As a request's extension: it goes out on a new connection, whatever idle ones there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fresh;

fn target<B: Body>(request: &Request<B>) -> Result<Target, Error> {
    // Without fields the caller says nothing of the framing; only HTTP/1.0 can still be at odds with the body.
    if !request.headers().is_empty() || request.version() == Version::HTTP_10 {
        head::check_framing(request.headers(), request.version(), &request.body().size_hint())?;
    }
    let mut target = Target::new(Origin::of(request.uri())?);
    if !request.extensions().is_empty() {
        target.wish = request.extensions().get::<Wish>().copied().unwrap_or_default();
        target.route = request.extensions().get::<Arc<dyn Route>>().cloned();
        target.fresh = request.extensions().get::<Fresh>().is_some();
    }
    Ok(target)
}

impl<C: fmt::Debug, R> fmt::Debug for Agent<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("connections", &self.connections).finish_non_exhaustive()
    }
}
