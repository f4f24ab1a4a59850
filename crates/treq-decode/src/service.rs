use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, Error};

use crate::{DecodeBody, DecodeFuture, DecodeLayer, Decoding, plan};

/// The service of a [`DecodeLayer`]. See the [crate's page](crate).
#[derive(Clone, Debug)]
pub struct Decode<S> {
    pub(crate) inner: S,
    pub(crate) layer: DecodeLayer,
}

impl<S> Decode<S> {
    /// Decodes the responses of `inner` as a plain [`DecodeLayer`] does. The layer has settings.
    pub fn new(inner: S) -> Decode<S> {
        Decode { inner, layer: DecodeLayer::new() }
    }

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

impl<S, B, R> Service<Request<B>> for Decode<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    R: Body,
{
    type Response = Response<DecodeBody<R>>;
    type Error = Error;
    type Future = DecodeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let option = request.extensions().get::<Decoding>().copied();
        let looks = plan::offer(request.headers_mut(), option, self.layer.offer());
        // The fields of an answer to HEAD describe a body that does not come.
        let looks = looks && request.method() != Method::HEAD;
        DecodeFuture::new(self.inner.call(request), looks.then(|| self.layer.clone()))
    }
}
