use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tower_layer::Layer;
use treq_core::{ByTryClone, Never};

use crate::{Proxies, Routed};

/// Middleware that chooses the proxy of each request, and answers the 407 of a proxy that hands requests on.
///
/// It stands above an agent, which takes the choice (an `Arc<dyn Route>` among the request's extensions) down to a
/// connector with a [`ProxyLayer`](crate::ProxyLayer), and below what follows redirects, so that each hop has its own. A
/// choice that is there already stays. Above a service that knows nothing of routes it must not be used: what is
/// meant for a proxy would go to the origin.
///
/// Where no proxies are set and a request brings no [`ProxyChoice`](crate::ProxyChoice), the request goes through untouched. Where they
/// are, a `Proxy-Authorization` of the caller's goes to no origin: it is left only on what a proxy hands on.
///
/// A 407 is answered once, if it is the answer to a request in the clear that an HTTP proxy handed on, if that proxy has
/// [credentials](crate::Proxy::auth) that can answer it, and if there is a second body; else it is returned. Its own
/// body is read up to 16 KiB or 64 frames, so that its connection can be used again.
///
/// # Per-request options
///
/// | extension | does | default |
/// |---|---|---|
/// | [`ProxyChoice`](crate::ProxyChoice) | through this proxy, or direct | the layer's [`Proxies`] |
///
/// # Errors
///
/// The inner service's, adopted; of `Kind::Proxy` what a [`ProxyAuth`](crate::ProxyAuth) says; of `Kind::Builder` where a
/// proxy is chosen for a request that has a route of another kind.
#[derive(Clone)]
pub struct RouteLayer<Y = ByTryClone> {
    pub(super) proxies: Proxies,
    pub(super) drain_until: Option<Timer>,
    pub(super) replay: Y,
}

/// Makes a future that is done when a 407's body has been waited for long enough.
type Timer = Arc<dyn Fn() -> Waiting + Send + Sync>;
/// Boxed: only made where a 407's body is late.
pub(super) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

impl RouteLayer {
    /// Through these proxies, bodies that are [`TryClone`](treq_core::TryClone) sent again.
    #[must_use]
    pub fn new(proxies: Proxies) -> RouteLayer {
        RouteLayer { proxies, drain_until: None, replay: ByTryClone }
    }
}

impl<Y> RouteLayer<Y> {
    /// How long the body of a 407 that comes late is waited for: until the future that `timer` makes is done, as
    /// `|| tokio::time::sleep(Duration::from_millis(50))`. Then it is dropped, and its connection with it. This layer
    /// has no clock of its own: without a timer, the service's limits on reading end a body that never comes.
    #[must_use]
    pub fn drain_until<T, F>(mut self, timer: T) -> RouteLayer<Y>
    where
        T: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.drain_until = Some(Arc::new(move || Box::pin(timer())));
        self
    }

    /// How a second body is come by where a challenge is answered: a closure `Fn(&B) -> Option<B>`, or any other
    /// [`Replay`](treq_core::Replay).
    #[must_use]
    pub fn replay<R>(self, replay: R) -> RouteLayer<R> {
        RouteLayer { proxies: self.proxies, drain_until: self.drain_until, replay }
    }

    /// Bodies go out once: a challenge to a request with one is returned.
    #[must_use]
    pub fn without_replay(self) -> RouteLayer<Never> {
        self.replay(Never)
    }
}

impl<S, Y: Clone> Layer<S> for RouteLayer<Y> {
    type Service = Routed<S, Y>;

    fn layer(&self, inner: S) -> Routed<S, Y> {
        Routed { inner, layer: self.clone() }
    }
}

impl<Y> fmt::Debug for RouteLayer<Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteLayer").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}
