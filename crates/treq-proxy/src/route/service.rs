use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, ByTryClone, Error, HttpVersion, Kind, Origin, Replay, Route};

use super::kept::Kept;
use super::{RouteLayer, RoutedFuture};
use crate::choice::is_ours;
use crate::credentials::Credentials;
use crate::dial::is_forwarded;
use crate::{Proxies, Proxy, ProxyChoice};

/// The service of [`RouteLayer`]; see there.
#[derive(Clone)]
pub struct Routed<S, Y = ByTryClone> {
    pub(super) inner: S,
    pub(super) layer: RouteLayer<Y>,
}

impl<S> Routed<S> {
    /// Chooses among these proxies for the requests to `inner`. A [`RouteLayer`] has further settings.
    pub fn new(inner: S, proxies: Proxies) -> Routed<S> {
        Routed { inner, layer: RouteLayer::new(proxies) }
    }
}

impl<S, Y> Routed<S, Y> {
    /// Returns a reference to the service below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the service below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the service below by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R, Y> Service<Request<B>> for Routed<S, Y>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    B::Error: Into<BoxError>,
    R: Body,
    Y: Replay<B> + Clone,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = RoutedFuture<S, B, R, Y>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let proxy = match route(&self.layer.proxies, &mut request) {
            Ok(Some(proxy)) => proxy,
            Ok(None) => return RoutedFuture::calling(self.inner.call(request)),
            Err(error) => return RoutedFuture::failed(error),
        };
        let mut kept = Box::new(Kept::of(&self.layer, proxy, &request));
        let work = match kept.set_out(&self.layer.replay, &mut request) {
            Ok(None) if !kept.listens() => return RoutedFuture::calling(self.inner.call(request)),
            Ok(work) => work,
            Err(error) => return RoutedFuture::failed(error),
        };
        // The instance that is ready goes into the future, its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let replay = self.layer.replay.clone();
        match work {
            Some(work) => RoutedFuture::pausing(inner, replay, kept, work, request),
            None => {
                let calling = inner.call(request);
                RoutedFuture::listening(calling, inner, replay, kept)
            }
        }
    }
}

/// Gives the request its route. The proxy, where it hands the request on and has credentials that see each request.
fn route<B>(proxies: &Proxies, request: &mut Request<B>) -> Result<Option<Proxy>, Error> {
    let via = match request.extensions().is_empty() {
        true => None,
        false => request.extensions().get::<ProxyChoice>().cloned(),
    };
    if via.is_none() && proxies.is_none() {
        return Ok(None);
    }
    let known = request.extensions().get::<Arc<dyn Route>>();
    if known.is_some_and(|known| is_ours(&**known)) {
        return Ok(None);
    }
    let is_foreign = known.is_some();
    let (route, proxy) = match via {
        Some(via) => (Some(via.route()), via.as_proxy().cloned()),
        None => {
            let proxy = proxies.proxy_for(request.uri());
            (proxy.as_ref().map(Proxy::route), proxy)
        }
    };
    if let Some(route) = route {
        if is_foreign {
            // To lose either of them in silence might be to lose what it protects.
            let message =
                "the request has a route of another kind, beside which it can be given no proxy: leave one out";
            return Err(Error::new(Kind::Builder, message).with_url(request.uri()));
        }
        request.extensions_mut().insert(route);
    }
    let proxy = proxy.filter(|proxy| hands_on(proxy, request));
    if proxy.is_none() {
        // Meant for a proxy, and now it would go to the origin.
        request.headers_mut().remove(PROXY_AUTHORIZATION);
    }
    let own = request.headers().contains_key(PROXY_AUTHORIZATION);
    Ok(proxy.filter(|proxy| !own && matches!(proxy.credentials(), Credentials::Scheme(_))))
}

fn hands_on<B>(proxy: &Proxy, request: &Request<B>) -> bool {
    let http_version = request.extensions().get::<HttpVersion>().copied().unwrap_or_default();
    Origin::from_uri(request.uri()).is_ok_and(|origin| is_forwarded(proxy, &origin, http_version))
}

impl<S: fmt::Debug, Y> fmt::Debug for Routed<S, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routed").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
