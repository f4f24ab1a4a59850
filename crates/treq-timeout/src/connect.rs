use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Error, Phase};

use crate::{Elapsed, clock};

/// A limit on connecting: for whatever makes a connection of a target, so name resolution, TCP, a proxy's tunnel, TLS and
/// HTTP/2's preface where the service does all of them. 10 seconds unless set.
///
/// A pool goes around it, so that a kept connection costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct ConnectTimeoutLayer {
    limit: Option<Duration>,
}

impl ConnectTimeoutLayer {
    /// 10 seconds.
    #[must_use]
    pub fn new() -> ConnectTimeoutLayer {
        ConnectTimeoutLayer { limit: Some(Duration::from_secs(10)) }
    }

    /// How long connecting may take; `None`: as long as it takes.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<Option<Duration>>) -> ConnectTimeoutLayer {
        self.limit = limit.into();
        self
    }
}

impl Default for ConnectTimeoutLayer {
    fn default() -> ConnectTimeoutLayer {
        ConnectTimeoutLayer::new()
    }
}

impl<S> Layer<S> for ConnectTimeoutLayer {
    type Service = ConnectTimeout<S>;

    fn layer(&self, inner: S) -> ConnectTimeout<S> {
        ConnectTimeout { inner, limit: self.limit }
    }
}

/// The service of a [`ConnectTimeoutLayer`].
#[derive(Clone, Debug)]
pub struct ConnectTimeout<S> {
    inner: S,
    limit: Option<Duration>,
}

impl<S> ConnectTimeout<S> {
    /// Limits the connections that `inner` makes as a plain [`ConnectTimeoutLayer`] does: to 10 seconds. The layer has a
    /// setting.
    pub fn new(inner: S) -> ConnectTimeout<S> {
        ConnectTimeoutLayer::new().layer(inner)
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

impl<S, T> Service<T> for ConnectTimeout<S>
where
    S: Service<T>,
    S::Error: Into<BoxError> + 'static,
{
    type Response = S::Response;
    type Error = Error;
    type Future = ConnectTimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: T) -> Self::Future {
        // An end that no clock reaches is none.
        let end = self.limit.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?)));
        ConnectTimeoutFuture { future: self.inner.call(target), end, sleep: None }
    }
}

pin_project! {
    /// The future of a [`ConnectTimeout`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ConnectTimeoutFuture<F> {
        #[pin]
        future: F,
        end: Option<(Duration, Instant)>,
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<F, C, E> Future for ConnectTimeoutFuture<F>
where
    F: Future<Output = Result<C, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<C, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.future.poll(cx) {
            return Poll::Ready(outcome.map_err(Error::from_boxed));
        }
        let Some((limit, end)) = *this.end else { return Poll::Pending };
        let sleep = match this.sleep {
            Some(sleep) => sleep,
            None => this.sleep.insert(clock::sleep(end)?),
        };
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(Elapsed::error(Phase::Connect, limit)))
    }
}

impl<F> fmt::Debug for ConnectTimeoutFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectTimeoutFuture").field("end", &self.end).finish_non_exhaustive()
    }
}
