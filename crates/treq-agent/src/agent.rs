use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{Request, Response, Version};
use http_body::Body;
use tower_service::Service;
use treq_core::options::NewConnection;
use treq_core::{
    BoxError, ByTryClone, Error, Exchange, HttpVersion, Never, Origin, Replay, Resend, Reuse, Route, Target,
};

use crate::future::AgentFuture;
use crate::head;

/// A `Service<http::Request<B>>` that reaches the network: the bottom of every stack.
///
/// `C` yields connections for targets: an [`HttpHandshake`](crate::HttpHandshake) for one connection per request, a
/// pool over one for connection reuse. `R` copies the body for the resends that are safe:
///
/// | what happened | the request is sent again |
/// |---|---|
/// | nothing of it was written, or an HTTP/2 server says that it did not process it ([RFC 9113, section 8.7](https://www.rfc-editor.org/rfc/rfc9113#section-8.7)) | twice, each time on a later connection; once after a GOAWAY |
/// | a reused connection turns out to be dead, no byte of a response has arrived, and the method is idempotent ([RFC 9112, section 9.3.1](https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1)) | once, on a later connection |
/// | the server wants HTTP/1.1 (HTTP_1_1_REQUIRED) | over HTTP/1.1 |
/// | 417 in response to `Expect: 100-continue` ([RFC 9110, section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1)) | once, without the field |
///
/// A request with an `Upgrade` field goes out over HTTP/1.1, the only version that upgrades.
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
        self.connections.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match target(&mut request) {
            Ok(target) => {
                // The future may need a second connection: it takes the ready service along, a clone stays here.
                let clone = self.connections.clone();
                let ready = std::mem::replace(&mut self.connections, clone);
                AgentFuture::new(ready, self.replay.clone(), request, target, self.resends)
            }
            Err(error) => AgentFuture::failed(error.with_resend(Resend::Safe).with_url(request.uri())),
        }
    }
}

#[inline(always)]
fn target<B: Body>(request: &mut Request<B>) -> Result<Target, Error> {
    let mut asks_upgrade = false;
    if !request.headers().is_empty() || request.version() == Version::HTTP_10 {
        let mut is_framed = request.version() == Version::HTTP_10;
        // Few fields are sooner looked through than looked up.
        for name in request.headers().keys() {
            asks_upgrade |= *name == UPGRADE;
            is_framed |= *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING;
        }
        // Otherwise the caller says nothing of the framing.
        if is_framed {
            let (version, body) = (request.version(), request.body().size_hint());
            head::check_framing(request.headers_mut(), version, &body)?;
        }
    }
    let mut target = Target::new(Origin::from_uri(request.uri())?);
    if !request.extensions().is_empty() {
        target.http_version = request.extensions().get::<HttpVersion>().copied().unwrap_or_default();
        target.route = request.extensions().get::<Arc<dyn Route>>().cloned();
        if request.extensions().get::<NewConnection>().is_some() {
            target.reuse = Reuse::Never;
        }
    }
    if asks_upgrade {
        head::choose_upgradable(&mut target)?;
    }
    Ok(target)
}

impl<C: fmt::Debug, R> fmt::Debug for Agent<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("connections", &self.connections).finish_non_exhaustive()
    }
}
