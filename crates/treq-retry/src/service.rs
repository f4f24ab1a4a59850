use std::fmt;
use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, Error, Replay};

use crate::future::RetryFuture;
use crate::kept::Kept;
use crate::{Attempts, IdempotencyKey, RetryLayer, key};

/// A service that sends requests again; see the [crate's page](crate).
#[derive(Clone)]
pub struct Retry<S, Y = treq_core::ByTryClone> {
    pub(crate) inner: S,
    pub(crate) layer: RetryLayer<Y>,
}

impl<S, Y> Retry<S, Y> {
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

impl<S, B, R, Y> Service<Request<B>> for Retry<S, Y>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    R: Body,
    Y: Replay<B> + Clone,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = RetryFuture<S, B, R, Y>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let config = &self.layer.config;
        let extensions = request.extensions();
        let attempts = extensions.get::<Attempts>().map_or(config.attempts, |attempts| attempts.count());
        let keyed = extensions.get::<IdempotencyKey>().map_or(config.idempotency_key, |key| key.is_on());
        if keyed && key::is_for(request.method()) {
            if let Err(error) = key::add(request.headers_mut()) {
                return RetryFuture::failed(error);
            }
        }
        let limit = config.attempt_timeout;
        if attempts <= 1 {
            return RetryFuture::new(self.inner.call(request), limit, None);
        }
        if let Some(budget) = &config.budget {
            budget.deposit(tokio::time::Instant::now().into_std());
        }
        let Some(kept) = Kept::of(&self.layer, attempts, &request) else {
            return RetryFuture::new(self.inner.call(request), limit, None);
        };
        // The instance that is ready goes into the future, its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let calling = inner.call(request);
        RetryFuture::new(calling, limit, Some((inner, kept)))
    }
}

impl<S: fmt::Debug, Y> fmt::Debug for Retry<S, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
