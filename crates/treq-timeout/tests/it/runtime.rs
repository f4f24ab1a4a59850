//! Polled where no runtime is.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Body, Error, Kind};
use treq_timeout::{ConnectTimeoutLayer, DeadlineLayer, TimeoutLayer};

use crate::support::{secs, slow};

type Nothing = Result<Response<Body>, Infallible>;

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn says_so(error: &Error) {
    assert_eq!(error.kind(), Kind::Other);
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
}

#[test]
fn what_waits_fails() {
    let get = || Request::new(Body::empty());
    let silent = || service_fn(|_: Request<Body>| pending::<Nothing>());
    for limit in [1, 60_000].map(std::time::Duration::from_millis) {
        says_so(&at_once(TimeoutLayer::new().head(limit).layer(silent()).oneshot(get())).map(drop).unwrap_err());
    }
    says_so(&at_once(DeadlineLayer::new().total(secs(9)).layer(silent()).oneshot(get())).map(drop).unwrap_err());
    let connect = service_fn(|(): ()| pending::<Result<(), Infallible>>());
    says_so(&at_once(ConnectTimeoutLayer::new().layer(connect).oneshot(())).unwrap_err());
}

#[test]
fn a_body_that_waits_fails_and_is_given_up() {
    let get = || Request::new(Body::empty());
    let slowly = || service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(slow([]).0)) });
    let mut body = at_once(TimeoutLayer::new().layer(slowly()).oneshot(get())).unwrap().into_body();
    says_so(&at_once(body.frame()).unwrap().unwrap_err());
    assert!(body.get_ref().is_none());
    let mut body = at_once(DeadlineLayer::new().total(secs(9)).layer(slowly()).oneshot(get())).unwrap().into_body();
    says_so(&at_once(body.frame()).unwrap().unwrap_err());
    assert!(body.get_ref().is_none());
}
