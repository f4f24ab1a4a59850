use std::error::Error as StdError;
use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use treq_core::BoxError;

use super::body::MockBody;
use super::future::MockFuture;
use super::probe::Probe;

/// The service around which [`check`](super::check) puts the layer.
///
/// Each instance has a readiness of its own, as tower demands: it is pending once before it is ready, ready for one
/// call, and its clones are not ready. It takes requests with any body.
#[derive(Debug)]
pub struct Mock {
    probe: Probe,
    instance: usize,
    readiness: Readiness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Unasked,
    Asked,
    Ready,
}

impl Mock {
    pub(super) fn new(probe: &Probe) -> Mock {
        Mock { probe: probe.clone(), instance: probe.instance(), readiness: Readiness::Unasked }
    }
}

impl Clone for Mock {
    fn clone(&self) -> Mock {
        Mock::new(&self.probe)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.probe.dropped(self.instance);
    }
}

impl<B> Service<Request<B>> for Mock
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<MockBody>;
    type Error = MockError;
    type Future = MockFuture<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), MockError>> {
        match self.readiness {
            Readiness::Ready => Poll::Ready(Ok(())),
            Readiness::Unasked => {
                self.readiness = Readiness::Asked;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Readiness::Asked if self.probe.plan().fail_ready => Poll::Ready(Err(MockError("the mock is never ready"))),
            Readiness::Asked => {
                self.readiness = Readiness::Ready;
                self.probe.became_ready(self.instance);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> MockFuture<B> {
        self.probe.called(self.instance);
        self.readiness = Readiness::Unasked;
        MockFuture::new(&self.probe, request)
    }
}

/// The error of the [`Mock`] and of its bodies.
#[derive(Debug)]
pub struct MockError(pub(super) &'static str);

impl MockError {
    pub(super) fn call() -> MockError {
        MockError("the mock fails as planned")
    }

    pub(super) fn body() -> MockError {
        MockError("the mock's body fails as planned")
    }
}

impl fmt::Display for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for MockError {}
