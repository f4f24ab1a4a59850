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
use treq_core::{BoxError, Error, InFlight, Phase};

use crate::limit::{Limits, Shared};
use crate::timer::Timer;
use crate::{Elapsed, TimeoutBody, Unwatched, UploadProgress, Uploads};

/// What a part may take where nobody says anything else.
const USUAL: Duration = Duration::from_secs(60);

/// Limits on the parts of an exchange. See the [crate's page](crate).
///
/// Best next to what reaches the network, where each hop of a redirect and each attempt is an exchange of its own.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Empty, Full};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use treq_core::{Kind, Phase};
/// use treq_timeout::{HeadTimeout, TimeoutLayer};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any service of `http` requests: hyper-util's client, axum's router, a mock. This one thinks for two seconds.
/// let service = service_fn(|_: Request<Empty<Bytes>>| async {
///     tokio::time::sleep(Duration::from_secs(2)).await;
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("tea"))))
/// });
///
/// let timeout = TimeoutLayer::new().head(Duration::from_secs(1)).read(Duration::from_secs(10));
/// let client = ServiceBuilder::new().layer(timeout).service(service);
///
/// let request = Request::get("http://a.test/").body(Empty::new())?;
/// let error = client.clone().oneshot(request).await.unwrap_err();
/// assert_eq!(error.kind(), Kind::Timeout(Phase::Head));
///
/// // This request may take longer.
/// let patient = HeadTimeout::new(Some(Duration::from_secs(30)));
/// let request = Request::get("http://a.test/").extension(patient).body(Empty::new())?;
/// let response = client.oneshot(request).await?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "tea");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TimeoutLayer<W = Unwatched, G = FromCall> {
    limits: Limits,
    uploads: W,
    begins: G,
}

/// The time from which the limits count, as the future of the inner service tells it.
pub trait Begins<F> {
    /// Returns true if the limits count already.
    fn has_begun(&self, future: &F) -> bool;
}

/// Counts the limits from the call on.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromCall;

impl<F> Begins<F> for FromCall {
    fn has_begun(&self, _: &F) -> bool {
        true
    }
}

/// Counts the limits while the request is [in flight](InFlight): connecting has its own limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct WhenInFlight;

impl<F: InFlight> Begins<F> for WhenInFlight {
    fn has_begun(&self, future: &F) -> bool {
        future.is_in_flight()
    }
}

impl TimeoutLayer {
    /// 60 seconds for the head, between two reads and between two writes.
    #[must_use]
    pub fn new() -> TimeoutLayer {
        let limits = Limits { head: Some(USUAL), read: Some(USUAL), write: Some(USUAL) };
        TimeoutLayer { limits, uploads: Unwatched, begins: FromCall }
    }

    /// No limits but those that a request brings along.
    #[must_use]
    pub fn unlimited() -> TimeoutLayer {
        TimeoutLayer { limits: Limits::NONE, uploads: Unwatched, begins: FromCall }
    }
}

impl Default for TimeoutLayer {
    fn default() -> TimeoutLayer {
        TimeoutLayer::new()
    }
}

impl<W, G> TimeoutLayer<W, G> {
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
    pub fn uploads<T>(self, uploads: T) -> TimeoutLayer<T, G> {
        TimeoutLayer { limits: self.limits, uploads, begins: self.begins }
    }

    /// Counts the limits only while a request is in flight, for inner services whose future says so, such as treq's agent:
    /// connecting has its own limit, and nothing has been sent by then.
    #[must_use]
    pub fn when_in_flight(self) -> TimeoutLayer<W, WhenInFlight> {
        TimeoutLayer { limits: self.limits, uploads: self.uploads, begins: WhenInFlight }
    }
}

impl<S, W: Clone, G: Clone> Layer<S> for TimeoutLayer<W, G> {
    type Service = Timeout<S, W, G>;

    fn layer(&self, inner: S) -> Timeout<S, W, G> {
        let shared = Shared { limits: self.limits, ticker: Arc::default() };
        Timeout { inner, shared: Arc::new(shared), uploads: self.uploads.clone(), begins: self.begins.clone() }
    }
}

/// The service of a [`TimeoutLayer`].
#[derive(Clone)]
pub struct Timeout<S, W = Unwatched, G = FromCall> {
    inner: S,
    shared: Arc<Shared>,
    uploads: W,
    begins: G,
}

impl<S> Timeout<S> {
    /// Limits the exchanges of `inner` as a plain [`TimeoutLayer`] does. The layer has settings.
    pub fn new(inner: S) -> Timeout<S> {
        TimeoutLayer::new().layer(inner)
    }
}

impl<S, W, G> Timeout<S, W, G> {
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

impl<S, W, G, B, R> Service<Request<B>> for Timeout<S, W, G>
where
    G: Begins<S::Future> + Clone,
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    W: Uploads<B>,
    B: Body,
    R: Body,
{
    type Response = Response<TimeoutBody<R>>;
    type Error = Error;
    type Future = TimeoutFuture<S::Future, G>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let timer = Timer::new(self.shared.of(request.extensions()));
        // Most requests have no body. The head is waited for from the start then, and if nobody watches the body.
        // One of no bytes, such as an empty file, is not asked for any over HTTP/1.1.
        let is_empty = request.body().is_end_stream() || request.body().size_hint().exact() == Some(0);
        if is_empty || !self.uploads.watches() {
            return TimeoutFuture::new(self.inner.call(request), timer, None, self.begins.clone());
        }
        let (head, body) = request.into_parts();
        let upload = UploadProgress::new();
        let body = self.uploads.watch(body, upload.clone());
        let future = self.inner.call(Request::from_parts(head, body));
        TimeoutFuture::new(future, timer, Some(upload), self.begins.clone())
    }
}

impl<S: fmt::Debug, W, G> fmt::Debug for Timeout<S, W, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("inner", &self.inner).field("limits", &self.shared.limits).finish()
    }
}

pin_project! {
    /// The future of a [`Timeout`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TimeoutFuture<F, G = FromCall> {
        #[pin]
        future: F,
        timer: Timer,
        upload: Option<UploadProgress>,
        begins: G,
        begun: bool,
    }
}

impl<F, G> TimeoutFuture<F, G> {
    fn new(future: F, timer: Timer, upload: Option<UploadProgress>, begins: G) -> Self {
        TimeoutFuture { future, timer, upload, begins, begun: false }
    }
}

impl<F, G, R, E> Future for TimeoutFuture<F, G>
where
    G: Begins<F>,
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Response<TimeoutBody<R>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(outcome) = this.future.as_mut().poll(cx) {
            let timer = this.timer.take();
            return Poll::Ready(
                outcome.map(|head| head.map(|body| TimeoutBody::new(body, timer))).map_err(Error::from_boxed),
            );
        }
        let begun = this.begins.has_begun(&this.future);
        if begun != std::mem::replace(this.begun, begun) {
            // Each connection that the request is tried on has the whole limit.
            this.timer.progress();
            match this.upload {
                Some(upload) if begun => upload.stamp(),
                Some(upload) => upload.resume(),
                None => {}
            }
        }
        if !begun {
            return Poll::Pending;
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

impl<F, G> fmt::Debug for TimeoutFuture<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture").field("timer", &self.timer).finish_non_exhaustive()
    }
}
