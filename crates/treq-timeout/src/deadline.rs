use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::runtime::Id;
use tokio::time::{Instant, Sleep};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Error, Phase};

use crate::{DeadlineBody, Elapsed, TotalTimeout, clock};

/// One deadline for a request as a whole: all hops and attempts of the layers below, and the body of the answer. None
/// unless set, here or by the request's [`TotalTimeout`]. See the [crate's page](crate).
///
/// Best around everything else, so that nothing escapes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer {
    total: Option<Duration>,
}

impl DeadlineLayer {
    /// No deadline but that which a request brings along.
    #[must_use]
    pub fn new() -> DeadlineLayer {
        DeadlineLayer::default()
    }

    /// How long a request may take from the call to the end of the answer's body; `None`: as long as it takes.
    #[must_use]
    pub fn total(mut self, limit: impl Into<Option<Duration>>) -> DeadlineLayer {
        self.total = limit.into();
        self
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, total: self.total }
    }
}

/// The service of a [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    total: Option<Duration>,
}

impl<S> Deadline<S> {
    /// Keeps the deadlines that requests to `inner` bring along. A [`DeadlineLayer`] has one of its own.
    pub fn new(inner: S) -> Deadline<S> {
        DeadlineLayer::new().layer(inner)
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

impl<S, B, R> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    R: http_body::Body,
{
    type Response = Response<DeadlineBody<R>>;
    type Error = Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let total = request.extensions().get::<TotalTimeout>().map_or(self.total, |total| total.limit());
        let countdown = total.and_then(Countdown::new);
        DeadlineFuture { future: self.inner.call(request), countdown }
    }
}

pin_project! {
    /// The future of a [`Deadline`].
    #[must_use = "futures do nothing unless polled"]
    pub struct DeadlineFuture<F> {
        #[pin]
        future: F,
        // Boxed, since most requests have none.
        countdown: Option<Box<Countdown>>,
    }
}

impl<F, R, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Response<DeadlineBody<R>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.future.poll(cx) {
            let countdown = this.countdown.take();
            let outcome = outcome.map(|head| head.map(|body| DeadlineBody::new(body, countdown)));
            return Poll::Ready(outcome.map_err(Error::from_boxed));
        }
        let Some(countdown) = this.countdown else { return Poll::Pending };
        countdown.poll(cx).map(Err)
    }
}

impl<F> fmt::Debug for DeadlineFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineFuture").field("countdown", &self.countdown).finish_non_exhaustive()
    }
}

/// From the call on.
pub(crate) struct Countdown {
    limit: Duration,
    end: Instant,
    /// Set up at the first wait, and again on another runtime: the first may never run again.
    sleep: Option<(Pin<Box<Sleep>>, Id)>,
}

impl Countdown {
    /// `None` for an end that no clock reaches.
    fn new(limit: Duration) -> Option<Box<Countdown>> {
        let end = Instant::now().checked_add(limit)?;
        Some(Box::new(Countdown { limit, end, sleep: None }))
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    pub(crate) fn error(&self) -> Error {
        Elapsed::error(Phase::Total, self.limit)
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let now = match clock::runtime() {
            Ok(handle) => handle.id(),
            Err(error) => return Poll::Ready(error),
        };
        let (sleep, _) = match self.sleep.take().filter(|(_, runtime)| *runtime == now) {
            Some(sleep) => self.sleep.insert(sleep),
            None => match clock::sleep(self.end) {
                Ok(sleep) => self.sleep.insert((sleep, now)),
                Err(error) => return Poll::Ready(error),
            },
        };
        sleep.as_mut().poll(cx).map(|()| self.error())
    }
}

impl fmt::Debug for Countdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Countdown").field("limit", &self.limit).finish_non_exhaustive()
    }
}
