//! A second way to the agent, for requests that need more than nearly all of them do.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use treq_auth::{Auth, AuthLayer, Credentials};
use treq_core::{Body, BoxError, Error};
use treq_proxy::{Proxies, ProxyChoice, RouteLayer, Routed};
use treq_retry::{Attempts, IdempotencyKey, Retry, RetryLayer};

/// The layers that stand on the second way: a layer takes three hundred instructions of a request even where it does
/// nothing, and most requests have nothing for these to do.
#[derive(Clone, Debug)]
pub(crate) struct DetourLayer {
    pub(crate) auth: AuthLayer,
    pub(crate) route: RouteLayer,
    pub(crate) retry: RetryLayer,
    /// Whether the client has something for them to do, whatever the request says.
    pub(crate) always: bool,
}

impl Default for DetourLayer {
    fn default() -> DetourLayer {
        DetourLayer {
            auth: AuthLayer::new(),
            route: RouteLayer::new(Proxies::none()),
            // A program that did not ask for retries has none: what is sent twice may act twice.
            retry: RetryLayer::new().attempts(1),
            always: false,
        }
    }
}

impl<S> Layer<S> for DetourLayer {
    type Service = Detour<S>;

    fn layer(&self, straight: S) -> Detour<S> {
        Detour { straight, layers: Arc::new(self.clone()) }
    }
}

impl DetourLayer {
    /// One line and one reason a layer.
    fn around<S>(&self, straight: S) -> Detoured<S> {
        // Which proxy, and the answer to its 407, which is nobody else's business.
        let agent = self.route.layer(straight);
        // Above cookies, so that those of a 401 are kept before the answer to it.
        let agent = self.auth.layer(agent);
        // Around the credentials, so that each attempt has its own nonce count, date and signature.
        self.retry.layer(agent)
    }

    #[inline]
    fn is_for<B>(&self, request: &Request<B>) -> bool {
        self.always || (!request.extensions().is_empty() && asks(request.extensions()))
    }
}

/// The URL of this request has userinfo. Those of a [`RequestBuilder`](crate::RequestBuilder) and of redirects never have:
/// it is marked where foreign requests come in, so that the others need not be looked through.
#[derive(Clone, Copy)]
struct HasUserinfo;

/// Marks a foreign request, where it needs it.
pub(crate) fn mark_userinfo<B>(request: &mut Request<B>) {
    if request.uri().authority().is_some_and(|authority| authority.as_str().contains('@')) {
        request.extensions_mut().insert(HasUserinfo);
    }
}

/// Whether the request brings credentials of its own, in whatever form.
pub(crate) fn has_credentials(extensions: &Extensions) -> bool {
    extensions.get::<Credentials>().is_some() || extensions.get::<HasUserinfo>().is_some()
}

/// Whether the request says more than nearly all do.
fn asks(extensions: &Extensions) -> bool {
    has_credentials(extensions)
        || extensions.get::<ProxyChoice>().is_some()
        || extensions.get::<Attempts>().is_some()
        || extensions.get::<IdempotencyKey>().is_some()
}

type Detoured<S> = Retry<Auth<Routed<S>>>;

/// A service with a second way.
#[derive(Clone, Debug)]
pub struct Detour<S> {
    straight: S,
    /// Every request clones the service.
    layers: Arc<DetourLayer>,
}

impl<S, R> Service<Request<Body>> for Detour<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError> + 'static,
    R: http_body::Body,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = DetourFuture<S::Future, <Detoured<S> as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.straight.poll_ready(cx).map_err(Error::from_boxed)
    }

    #[inline(always)]
    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !self.layers.is_for(&request) {
            return DetourFuture::Straight { future: self.straight.call(request) };
        }
        DetourFuture::Detour { future: self.detour(request) }
    }
}

impl<S> Detour<S> {
    /// Apart, so that the straight way is short.
    #[cold]
    #[inline(never)]
    fn detour<R>(&mut self, request: Request<Body>) -> Pin<Box<<Detoured<S> as Service<Request<Body>>>::Future>>
    where
        S: Service<Request<Body>, Response = Response<R>> + Clone,
        S::Error: Into<BoxError> + 'static,
        R: http_body::Body,
    {
        // The instance that is ready goes along: a limit that it has passed is not passed twice.
        let clone = self.straight.clone();
        let ready = mem::replace(&mut self.straight, clone);
        Box::pin(self.layers.around(ready).call(request))
    }
}

pin_project! {
    #[project = DetourFutureProj]
    /// The future of a [`Detour`].
    pub enum DetourFuture<F, D> {
        Straight { #[pin] future: F },
        // Boxed, so that it takes no room where there is none of it.
        Detour { future: Pin<Box<D>> },
    }
}

impl<F, D, R, E> Future for DetourFuture<F, D>
where
    F: Future<Output = Result<Response<R>, E>>,
    D: Future<Output = Result<Response<R>, Error>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Response<R>, Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            DetourFutureProj::Straight { future } => future.poll(cx).map_err(Error::from_boxed),
            DetourFutureProj::Detour { future } => future.as_mut().poll(cx),
        }
    }
}
