use std::fmt;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::{CookiesFuture, CookiesLayer, Jar, Store, UseJar};

/// A service that sends and keeps cookies; see the [crate's page](crate).
pub struct Cookies<S, St = Jar> {
    pub(crate) inner: S,
    pub(crate) layer: CookiesLayer<St>,
}

impl<S, St> Cookies<S, St> {
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

impl<S, St, B, R> Service<Request<B>> for Cookies<S, St>
where
    S: Service<Request<B>, Response = Response<R>>,
    St: Store,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = CookiesFuture<S::Future, St>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let own = request.extensions().get::<UseJar>().cloned();
        self.layer.attach(&mut request, own.as_ref());
        let url = request.uri().clone();
        CookiesFuture::new(self.inner.call(request), url, self.layer.shared(), own)
    }
}

impl<S: Clone, St> Clone for Cookies<S, St> {
    fn clone(&self) -> Cookies<S, St> {
        Cookies { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, St: fmt::Debug> fmt::Debug for Cookies<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
