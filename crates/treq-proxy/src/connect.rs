use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Target};

use crate::choice::choose;
use crate::dial::{Dial, through};
use crate::stream::Io;
use crate::{NoTls, Proxies, ProxyLayer, ProxyStream};

/// The service of [`ProxyLayer`]; see there.
#[derive(Clone)]
pub struct ProxyConnect<C, S = NoTls> {
    pub(crate) inner: C,
    pub(crate) layer: ProxyLayer<S>,
}

pin_project! {
    /// The future of [`ProxyConnect`]. Dropping it closes whatever it had opened.
    #[must_use = "futures do nothing unless polled"]
    pub struct ProxyFuture<F, P, T> {
        #[pin]
        state: State<F, P, T>,
    }
}

impl<C> ProxyConnect<C> {
    /// Connects through these proxies, none of them `https`, over the streams of `inner`. A [`ProxyLayer`] has further
    /// settings.
    pub fn new(inner: C, proxies: Proxies) -> ProxyConnect<C> {
        ProxyConnect { inner, layer: ProxyLayer::new(proxies) }
    }
}

impl<C, S> ProxyConnect<C, S> {
    /// Returns a reference to the connector below.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns a mutable reference to the connector below.
    pub fn get_mut(&mut self) -> &mut C {
        &mut self.inner
    }

    /// Returns the connector below by value.
    pub fn into_inner(self) -> C {
        self.inner
    }
}

/// Boxed: once per connection through a proxy.
type Through<P, T> = Pin<Box<dyn Future<Output = Result<Connected<ProxyStream<P, T>>, Error>> + Send>>;

pin_project! {
    #[project = StateProj]
    enum State<F, P, T> {
        Direct { #[pin] connecting: F },
        Through { connecting: Through<P, T> },
    }
}

impl<C, S, P, T> Service<Target> for ProxyConnect<C, S>
where
    C: Service<Target, Response = Connected<P>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    P: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Target, Response = Connected<T>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Response = Connected<ProxyStream<P, T>>;
    type Error = Error;
    type Future = ProxyFuture<C::Future, P, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let Some(proxy) = choose(&target, &self.layer.proxies) else {
            return ProxyFuture { state: State::Direct { connecting: self.inner.call(target) } };
        };
        // The instance that is ready goes into the future, its clone waits for the next target.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let dial = Dial::new(ready, self.layer.secure.clone(), proxy, target);
        let connecting = Box::pin(through(dial, self.layer.resolver.clone()));
        ProxyFuture { state: State::Through { connecting } }
    }
}

impl<F, P, T, E> Future for ProxyFuture<F, P, T>
where
    F: Future<Output = Result<Connected<P>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Connected<ProxyStream<P, T>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Direct { connecting } => connecting
                .poll(cx)
                .map_ok(|connected| connected.map(|io| ProxyStream::new(Io::Plain(io))))
                .map_err(Error::from_boxed),
            StateProj::Through { connecting } => connecting.as_mut().poll(cx),
        }
    }
}

impl<C: fmt::Debug, S: fmt::Debug> fmt::Debug for ProxyConnect<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConnect").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

impl<F, P, T> fmt::Debug for ProxyFuture<F, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyFuture").finish_non_exhaustive()
    }
}
