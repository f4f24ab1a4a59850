use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Error, Phase};

use crate::limit::{Limits, Shared};
use crate::timer::Timer;
use crate::{Elapsed, Sent, TimeoutBody, Unwatched, Uploads};

/// What a part may take where nobody says anything else.
const USUAL: Duration = Duration::from_secs(60);

/// Limits on the parts of an exchange. See the [crate's page](crate).
///
/// Best next to what reaches the network, where each hop of a redirect and each attempt is an exchange of its own.
#[derive(Clone, Debug)]
pub struct TimeoutLayer<W = Unwatched> {
    limits: Limits,
    uploads: W,
}

impl TimeoutLayer {
    /// 60 seconds for the head, between two reads and between two writes.
    #[must_use]
    pub fn new() -> TimeoutLayer {
        TimeoutLayer { limits: Limits { head: Some(USUAL), read: Some(USUAL), write: Some(USUAL) }, uploads: Unwatched }
    }

    /// No limits but those that a request brings along.
    #[must_use]
    pub fn unlimited() -> TimeoutLayer {
        TimeoutLayer { limits: Limits::NONE, uploads: Unwatched }
    }
}

impl Default for TimeoutLayer {
    fn default() -> TimeoutLayer {
        TimeoutLayer::new()
    }
}

impl<W> TimeoutLayer<W> {
    /// How long the head of the response may take from the end of the request; `None`: as long as it takes. Interim
    /// (1xx) responses are no head.
    #[must_use]
    pub fn head(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.head = limit.into();
        self
    }

    /// How long each piece of the response's body may take; `None`: as long as it takes. Time in which the caller does
    /// not ask for one does not count.
    #[must_use]
    pub fn read(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.read = limit.into();
        self
    }

    /// How long the request's body may stand still, for want of a peer that takes it or of data to send; `None`: as long
    /// as it takes. Works where [uploads](TimeoutLayer::uploads) are watched.
    #[must_use]
    pub fn write(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.write = limit.into();
        self
    }

    /// How the layer learns that a request's body goes out: [`ByBody`](crate::ByBody) for treq's, a closure for any
    /// other. Without, the head is waited for from the call on.
    #[must_use]
    pub fn uploads<T>(self, uploads: T) -> TimeoutLayer<T> {
        TimeoutLayer { limits: self.limits, uploads }
    }
}

impl<S, W: Clone> Layer<S> for TimeoutLayer<W> {
    type Service = Timeout<S, W>;

    fn layer(&self, inner: S) -> Timeout<S, W> {
        let shared = Shared { limits: self.limits, ticker: Arc::default() };
        Timeout { inner, shared: Arc::new(shared), uploads: self.uploads.clone() }
    }
}

/// The service of a [`TimeoutLayer`].
#[derive(Clone)]
pub struct Timeout<S, W = Unwatched> {
    inner: S,
    shared: Arc<Shared>,
    uploads: W,
}

impl<S, W, B, R> Service<Request<B>> for Timeout<S, W>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    W: Uploads<B>,
    B: Body,
    R: Body,
{
    type Response = Response<TimeoutBody<R>>;
    type Error = Error;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::adopt)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let timer = Timer::new(self.shared.of(request.extensions()));
        // Most requests have no body, and then the head is waited for from the start.
        if request.body().is_end_stream() {
            return TimeoutFuture { future: self.inner.call(request), timer, upload: None };
        }
        let (head, body) = request.into_parts();
        let sent = Sent::new();
        let (body, upload) = match self.uploads.watch(body, sent.clone()) {
            Ok(body) => (body, Some(sent)),
            Err(body) => (body, None),
        };
        TimeoutFuture { future: self.inner.call(Request::from_parts(head, body)), timer, upload }
    }
}

impl<S: fmt::Debug, W> fmt::Debug for Timeout<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("inner", &self.inner).field("limits", &self.shared.limits).finish()
    }
}

pin_project! {
    /// The future of a [`Timeout`].
    pub struct TimeoutFuture<F> {
        #[pin]
        future: F,
        timer: Timer,
        upload: Option<Sent>,
    }
}

impl<F, R, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Response<TimeoutBody<R>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(outcome) = this.future.poll(cx) {
            let timer = this.timer.take();
            return Poll::Ready(
                outcome.map(|head| head.map(|body| TimeoutBody::new(body, timer))).map_err(Error::adopt),
            );
        }
        let Some(upload) = this.upload else {
            let Some(limit) = this.timer.limits().head else { return Poll::Pending };
            ready!(this.timer.poll(cx, limit))?;
            return Poll::Ready(Err(Elapsed::error(Phase::Head, limit)));
        };
        let Some(shortest) = this.timer.limits().sending() else { return Poll::Pending };
        loop {
            ready!(this.timer.poll(cx, shortest))?;
            match upload.overdue(this.timer.limits()) {
                Ok((phase, limit)) => return Poll::Ready(Err(Elapsed::error(phase, limit))),
                Err(end) => this.timer.arm(end)?,
            }
        }
    }
}

impl<F> fmt::Debug for TimeoutFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture").field("timer", &self.timer).finish_non_exhaustive()
    }
}
