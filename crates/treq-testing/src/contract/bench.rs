use std::any::type_name;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::BoxError;

use super::body::MockBody;
use super::mock::{Mock, MockError};
use super::observe::Observed;
use super::probe::{Plan, Probe};

/// How long anything may take before the layer counts as hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// The field by which an answer is told from another.
pub(super) const NUMBER: &str = "x-contract-number";

/// The extension that must be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(pub(super) &'static str);

/// The bounds of [`check`](super::check) under one name.
pub(super) trait Subject {
    type Service: Service<Request<MockBody>, Response = Response<Self::Body>, Error = Self::Error> + Clone;
    type Error: Into<BoxError>;
    type Body: Body<Data = Bytes, Error = Self::BodyError>;
    type BodyError: Into<BoxError>;

    fn service(&self, mock: Mock) -> Self::Service;
}

/// A layer under test.
pub(super) struct Bench<L>(L);

impl<L> Bench<L> {
    pub(super) fn new(layer: L) -> Bench<L> {
        Bench(layer)
    }

    /// Reports a broken rule.
    pub(super) fn fault(&self, fault: &str) -> ! {
        panic!("contract::check of `{}`: the layer {fault}", type_name::<L>())
    }
}

impl<L, S, B> Subject for Bench<L>
where
    L: Layer<Mock, Service = S>,
    S: Service<Request<MockBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Service = S;
    type Error = S::Error;
    type Body = B;
    type BodyError = B::Error;

    fn service(&self, mock: Mock) -> S {
        self.0.layer(mock)
    }
}

/// The future, the answer and the error of a layer's service.
pub(super) type Sending<L> = <<Bench<L> as Subject>::Service as Service<Request<MockBody>>>::Future;
pub(super) type Answer<L> = Response<<Bench<L> as Subject>::Body>;
pub(super) type Fault<L> = <Bench<L> as Subject>::Error;

impl<L> Bench<L>
where
    Bench<L>: Subject,
{
    /// The layer around a mock that follows `plan`.
    pub(super) fn set_up(&self, plan: Plan) -> (Probe, <Bench<L> as Subject>::Service) {
        let probe = Probe::new(plan);
        let service = self.service(Mock::new(&probe));
        (probe, service)
    }

    /// Waits for `future`, but not for ever.
    pub(super) async fn patiently<F: Future>(&self, future: F, what: &str) -> F::Output {
        tokio::select! {
            // First, since the timer polls the future too: one that nobody has woken is not to be found ready by that.
            biased;
            () = tokio::time::sleep(PATIENCE) => self.fault(&format!("hangs: {what}")),
            output = future => output,
        }
    }

    pub(super) async fn ready(&self, service: &mut <Bench<L> as Subject>::Service) -> Result<(), Fault<L>> {
        self.patiently(poll_fn(|cx| service.poll_ready(cx)), "its poll_ready stays pending while the inner is ready")
            .await
    }

    /// Makes the service ready and calls it.
    pub(super) async fn call(
        &self,
        service: &mut <Bench<L> as Subject>::Service,
        request: Request<MockBody>,
    ) -> Sending<L> {
        match self.ready(service).await {
            Ok(()) => service.call(request),
            Err(error) => self.unplanned(error, "fails in poll_ready"),
        }
    }

    /// Waits for the answer to a call.
    pub(super) async fn answer(&self, sending: Sending<L>) -> Answer<L> {
        match self.patiently(sending, "its future stays pending though the inner one is done").await {
            Ok(answer) => answer,
            Err(error) => self.unplanned(error, "fails a request"),
        }
    }

    /// One exchange from end to end.
    pub(super) async fn exchange(
        &self,
        service: &mut <Bench<L> as Subject>::Service,
        request: Request<MockBody>,
    ) -> Answer<L> {
        let sending = self.call(service, request).await;
        self.answer(sending).await
    }

    /// Reads a body to its end.
    pub(super) async fn read(&self, body: <Bench<L> as Subject>::Body) -> Observed {
        let mut observed = Observed::of(&body);
        let mut body: Pin<Box<_>> = Box::pin(body);
        let end = poll_fn(|cx| observed.poll_end(body.as_mut(), cx));
        self.patiently(end, "the response body stays pending though the inner one is not").await;
        observed
    }

    /// Reports what the mock noticed by itself.
    pub(super) fn settle(&self, probe: &Probe) {
        if let Some(fault) = probe.first_fault() {
            self.fault(&fault);
        }
    }

    /// Reports parts of an exchange that outlive it. A few turns of the scheduler are granted to what must be told of
    /// the end first.
    pub(super) async fn nothing_lives(&self, probe: &Probe, after: &str) {
        for _ in 0..64 {
            if probe.live() == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
        let live = probe.live();
        self.fault(&format!("leaks {after}: {live} of the exchange's futures and bodies are still alive"));
    }

    fn unplanned(&self, error: Fault<L>, what: &str) -> ! {
        let error: BoxError = error.into();
        self.fault(&format!("{what}, though the inner service does not: {error}"))
    }
}

/// A request with its number and its mark.
pub(super) fn request(number: u16, body: MockBody) -> Request<MockBody> {
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static("http://contract.test/path");
    request.headers_mut().insert(NUMBER, HeaderValue::from(number));
    request.extensions_mut().insert(Mark("request"));
    request
}

/// Whether the mock's error stands in the chain of sources.
pub(super) fn stems_from_mock(error: &BoxError) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(&**error);
    while let Some(error) = next {
        if error.is::<MockError>() {
            return true;
        }
        next = error.source();
    }
    false
}
