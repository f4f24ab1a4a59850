use std::fmt;
use std::time::Duration;

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
/// The inner service's, adopted; of `Kind::Proxy` what a [`Scheme`](treq_core::auth::Scheme) says; of `Kind::Body` where a
/// body that it covers cannot be read; of `Kind::Builder` where a proxy is chosen for a request that has a route of another
/// kind.
#[derive(Clone)]
pub struct RouteLayer<Y = ByTryClone> {
    pub(super) proxies: Proxies,
    pub(super) drain_timeout: Duration,
    pub(super) replay: Y,
}

/// The default of [`drain_timeout`](RouteLayer::drain_timeout): after it, a new connection is cheaper.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(50);

impl RouteLayer {
    /// Through these proxies, bodies that are [`TryClone`](treq_core::TryClone) sent again.
    #[must_use]
    pub fn new(proxies: Proxies) -> RouteLayer {
        RouteLayer { proxies, drain_timeout: DRAIN_TIMEOUT, replay: ByTryClone }
    }
}

impl<Y> RouteLayer<Y> {
    /// Sets how long the body of a 407 is waited for if it comes late, so that its connection can be used again. Then the
    /// body is dropped, and its connection with it. (default: 50 ms)
    ///
    /// The wait needs tokio's timers. Outside of a tokio runtime only the service's own limits end a body that never comes.
    #[must_use]
    pub fn drain_timeout(mut self, limit: Duration) -> RouteLayer<Y> {
        self.drain_timeout = limit;
        self
    }

    /// How a second body is come by where a challenge is answered: a closure `Fn(&B) -> Option<B>`, or any other
    /// [`Replay`](treq_core::Replay).
    #[must_use]
    pub fn replay<R>(self, replay: R) -> RouteLayer<R> {
        RouteLayer { proxies: self.proxies, drain_timeout: self.drain_timeout, replay }
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
