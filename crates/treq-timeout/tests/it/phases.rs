use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Body, Kind, Phase, Resend};
use treq_timeout::{ConnectTimeoutLayer, Elapsed, HeadTimeout, ReadTimeout, TimeoutLayer};

use crate::support::{secs, slow, timed};

fn get() -> Request<Body> {
    Request::new(Body::empty())
}

/// Answers after so long.
async fn after(wait: Duration) -> Result<Response<Body>, Infallible> {
    tokio::time::sleep(wait).await;
    Ok(Response::new(Body::from("ok")))
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_an_error_to_the_millisecond() {
    for limit in [1, 30, 499, 500, 501, 1000, 60_000, 86_400_000].map(Duration::from_millis) {
        let service = TimeoutLayer::new().head(limit).layer(service_fn(|_: Request<Body>| after(Duration::MAX)));
        let (took, outcome) = timed(service.oneshot(get())).await;
        let error = outcome.map(drop).unwrap_err();
        assert_eq!((took, error.kind()), (limit.as_millis(), Kind::Timeout(Phase::Head)));
        assert_eq!(error.resend(), Resend::MaybeProcessed);
        let elapsed = error.find::<Elapsed>().unwrap();
        assert_eq!((elapsed.phase, elapsed.limit), (Phase::Head, limit));
        assert!(elapsed.to_string().contains(&format!("{limit:?}")), "{elapsed}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_may_jump_past_the_limit_before_anybody_looks() {
    let service = TimeoutLayer::new().layer(service_fn(|_: Request<Body>| after(Duration::MAX)));
    let call = tokio::spawn(service.oneshot(get()));
    tokio::task::yield_now().await;
    tokio::time::advance(secs(60)).await;
    let (took, outcome) = timed(call).await;
    assert_eq!((took, outcome.unwrap().map(drop).unwrap_err().kind()), (0, Kind::Timeout(Phase::Head)));
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_time_is_left_alone() {
    for wait in [0, 99, 100, 101, 499, 59_999].map(Duration::from_millis) {
        let service = TimeoutLayer::new().layer(service_fn(move |_: Request<Body>| after(wait)));
        let body = service.oneshot(get()).await.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn each_piece_of_a_body_has_its_time_while_it_is_asked_for() {
    let (body, dropped) = slow([secs(0), secs(59), secs(59), secs(59)]);
    let body = std::sync::Mutex::new(Some(body));
    let service = TimeoutLayer::new().layer(service_fn(move |_: Request<Body>| {
        let body = body.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    }));
    let mut body = service.oneshot(get()).await.unwrap().into_body();
    for _ in 0..4 {
        assert!(body.frame().await.unwrap().is_ok());
        // The caller's own time does not count.
        tokio::time::sleep(secs(300)).await;
    }
    let (took, error) = timed(body.frame()).await;
    let error = error.unwrap().unwrap_err();
    assert_eq!((took, error.kind()), (60_000, Kind::Timeout(Phase::Read)));
    assert!(error.find::<Elapsed>().unwrap().to_string().contains("60s"));
    // What was under it is given up at once, and there is nothing more.
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(body.get_ref().is_none() && http_body::Body::is_end_stream(&body));
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_request_may_set_limits_of_its_own_or_none() {
    let service = TimeoutLayer::new().layer(service_fn(|_: Request<Body>| after(secs(600))));
    let mut request = get();
    request.extensions_mut().insert(HeadTimeout::new(Some(secs(2))));
    assert_eq!(timed(service.clone().oneshot(request)).await.0, 2000);
    let mut request = get();
    request.extensions_mut().insert(HeadTimeout::new(None));
    request.extensions_mut().insert(ReadTimeout::new(Some(secs(1))));
    let (took, outcome) = timed(service.clone().oneshot(request)).await;
    assert_eq!((took, outcome.is_ok()), (600_000, true));
    for forever in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let mut request = get();
        request.extensions_mut().insert(HeadTimeout::new(Some(forever)));
        assert!(service.clone().oneshot(request).await.is_ok());
    }
    let unlimited = TimeoutLayer::unlimited().layer(service_fn(|_: Request<Body>| after(secs(86_400))));
    assert!(unlimited.oneshot(get()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn connecting_has_its_time_and_is_safe_to_try_again() {
    let connect = |wait: Duration| {
        service_fn(move |target: &'static str| async move {
            tokio::time::sleep(wait).await;
            Ok::<_, Infallible>(target)
        })
    };
    assert_eq!(ConnectTimeoutLayer::new().layer(connect(secs(9))).oneshot("a").await.unwrap(), "a");
    let (took, error) = timed(ConnectTimeoutLayer::default().layer(connect(secs(11))).oneshot("a")).await;
    let error = error.unwrap_err();
    assert_eq!((took, error.kind(), error.resend()), (10_000, Kind::Timeout(Phase::Connect), Resend::Safe));
    for limit in [None, Some(Duration::MAX)] {
        let patient = ConnectTimeoutLayer::new().limit(limit).layer(connect(secs(1000)));
        assert!(patient.oneshot("a").await.is_ok());
    }
}
