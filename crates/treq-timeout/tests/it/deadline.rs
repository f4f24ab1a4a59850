use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Body, Kind, Phase};
use treq_timeout::{DeadlineLayer, Elapsed, TotalTimeout};

use crate::support::{Slow, secs, slow, timed};

fn asking(total: Option<Duration>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(TotalTimeout::new(total));
    request
}

/// The head after so long, then a body.
async fn after(head: Duration, body: Slow) -> Result<Response<Slow>, Infallible> {
    tokio::time::sleep(head).await;
    Ok(Response::new(body))
}

#[tokio::test(start_paused = true)]
async fn head_and_body_share_one_deadline() {
    let layer = DeadlineLayer::new().total(secs(10));
    let service = layer.layer(service_fn(|_: Request<Body>| after(secs(4), slow([secs(2); 9]).0)));
    let (took, outcome) = timed(async {
        let mut body = service.oneshot(Request::new(Body::empty())).await?.into_body();
        let mut pieces = 0;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => pieces += 1,
                Err(error) => return Ok((pieces, error, body.frame().await.is_none())),
            }
        }
        Err(treq_core::Error::new(Kind::Other, "the body ended"))
    })
    .await;
    let (pieces, error, ended) = outcome.unwrap();
    // At ten seconds the third piece is there too, and too late.
    assert_eq!((took, pieces, ended), (10_000, 2, true));
    assert_eq!(error.kind(), Kind::Timeout(Phase::Total));
    assert_eq!(error.find::<Elapsed>().unwrap().limit, secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_request_overrides_the_deadline_or_does_without() {
    let service =
        DeadlineLayer::new().total(secs(10)).layer(service_fn(|_: Request<Body>| after(secs(60), slow([]).0)));
    for (total, took, ok) in [
        (Some(secs(3)), 3000, false),
        (Some(secs(61)), 60_000, true),
        (None, 60_000, true),
        (Some(Duration::MAX), 60_000, true),
        (Some(Duration::ZERO), 0, false),
    ] {
        let (took_it, outcome) = timed(service.clone().oneshot(asking(total))).await;
        assert_eq!((took_it, outcome.is_ok()), (took, ok), "{total:?}");
    }
    assert!(DeadlineLayer::new().layer(service).oneshot(asking(None)).await.is_ok());
}

/// Always has a piece, so that no timer is ever asked.
struct Flood;

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_lets_one_wait_does_not_get_past_its_deadline() {
    let service = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Flood)) });
    let mut body = DeadlineLayer::new().layer(service).oneshot(asking(Some(secs(1)))).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    tokio::time::advance(secs(1)).await;
    assert_eq!(body.frame().await.unwrap().unwrap_err().kind(), Kind::Timeout(Phase::Total));
}

#[tokio::test(start_paused = true)]
async fn what_is_under_a_late_body_is_given_up_at_once() {
    let (body, dropped) = slow([]);
    let body = std::sync::Mutex::new(Some(body));
    let service = service_fn(move |_: Request<Body>| after(secs(0), body.lock().unwrap().take().unwrap()));
    let mut body = DeadlineLayer::new().layer(service).oneshot(asking(Some(secs(1)))).await.unwrap().into_body();
    assert!(body.get_ref().is_some());
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(body.get_ref().is_none());
}
