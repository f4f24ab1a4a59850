use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use treq_core::BoxError;

use super::bench::{Mark, NUMBER};
use super::body::MockBody;
use super::mock::MockError;
use super::observe::Observed;
use super::probe::{Probe, Token};

/// The answer of a [`Mock`](super::Mock) on its way: it is pending, reads the request's body, is pending again.
pub struct MockFuture<B> {
    probe: Probe,
    headers: HeaderMap,
    /// The request's place among those that the mock saw.
    place: usize,
    body: Pin<Box<B>>,
    observed: Option<Observed>,
    /// How often it was polled.
    polls: usize,
    waited: bool,
    done: bool,
    _token: Token,
}

impl<B: Body> MockFuture<B> {
    pub(super) fn new(probe: &Probe, request: Request<B>) -> MockFuture<B> {
        let (head, body) = request.into_parts();
        MockFuture {
            place: probe.requested(head.extensions),
            observed: Some(Observed::of(&body)),
            probe: probe.clone(),
            headers: head.headers,
            body: Box::pin(body),
            polls: 0,
            waited: false,
            done: false,
            _token: probe.token(),
        }
    }
}

impl<B> Future for MockFuture<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<MockBody>, MockError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let plan = this.probe.plan();
        if this.done {
            this.probe.fault("polls the inner future again after it was done");
            return Poll::Ready(Err(MockError("the mock's future was polled again after it was done")));
        }
        if plan.stall_at.is_some_and(|at| this.polls >= at) {
            this.probe.stall();
            return Poll::Pending;
        }
        this.polls += 1;
        if this.polls == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(observed) = &mut this.observed {
            ready!(observed.poll_end(this.body.as_mut(), cx));
        }
        if let Some(observed) = this.observed.take() {
            this.probe.read(this.place, observed);
        }
        if !this.waited {
            this.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.done = true;
        if plan.fail_call {
            return Poll::Ready(Err(MockError::call()));
        }
        let mut response = Response::new(plan.answer.clone().counted(&this.probe));
        if let Some(number) = this.headers.remove(NUMBER) {
            response.headers_mut().insert(NUMBER, number);
        }
        response.extensions_mut().insert(Mark("response"));
        Poll::Ready(Ok(response))
    }
}

impl<B> fmt::Debug for MockFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockFuture").field("place", &self.place).finish_non_exhaustive()
    }
}
