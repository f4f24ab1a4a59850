use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, Error, Replay};

use crate::chain::{Chain, Content};
use crate::future::{Kept, RedirectFuture};
use crate::{Follow, MaxRedirects, RedirectLayer};

/// A service that follows redirects; see the [crate's page](crate).
#[derive(Clone)]
pub struct Redirect<S, Y = treq_core::ByTryClone> {
    pub(crate) inner: S,
    pub(crate) layer: RedirectLayer<Y>,
}

impl<S> Redirect<S> {
    /// Follows the redirects of `inner` as a plain [`RedirectLayer`] does. The layer has settings.
    pub fn new(inner: S) -> Redirect<S> {
        Redirect { inner, layer: RedirectLayer::new() }
    }
}

impl<S, Y> Redirect<S, Y> {
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

impl<S, B, R, Y> Service<Request<B>> for Redirect<S, Y>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    R: Body,
    Y: Replay<B> + Clone,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = RedirectFuture<S, B, R, Y>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let kept = self.keep(&request);
        // The instance that is ready goes into the future, its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let calling = inner.call(request);
        RedirectFuture::new(calling, inner, self.layer.replay.clone(), kept)
    }
}

impl<S, Y> Redirect<S, Y> {
    /// What is needed to send the request again, unless no redirect of it will be followed.
    fn keep<B>(&self, request: &Request<B>) -> Option<Box<Kept<B>>>
    where
        B: Body,
        Y: Replay<B>,
    {
        let config = &self.layer.config;
        let extensions = request.extensions();
        let follow = extensions.get::<Follow>();
        let limit = extensions.get::<MaxRedirects>().map_or(config.limit, |limit| limit.count());
        let policy = follow.unwrap_or(&config.follow).policy()?;
        // CONNECT has no URL that could be resolved against.
        if limit == 0 || request.method() == Method::CONNECT {
            return None;
        }
        let body = request.body();
        let (content, copy) = if body.is_end_stream() {
            (Content::Empty, None)
        } else if !policy.may_resend(request.method()) {
            (Content::Once, None)
        } else {
            match self.layer.replay.copy(body) {
                Some(copy) => (Content::Again, Some(copy)),
                None if body.size_hint().exact() == Some(0) => (Content::Empty, None),
                None => (Content::Once, None),
            }
        };
        let chain = Chain::new(Arc::clone(config), follow.cloned(), limit, request, content);
        Some(Box::new(Kept { chain, body: copy }))
    }
}

impl<S: fmt::Debug, Y> fmt::Debug for Redirect<S, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
