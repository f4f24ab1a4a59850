use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Body, Kind, Phase, TryClone};
use treq_timeout::{ByBody, TimeoutLayer, UploadProgress, WriteTimeout};

use crate::support::{secs, slow, timed};

/// Takes so many pieces, each after a pause, the rest of them never; answers that long after the end.
async fn take(body: Body, pieces: usize, pause: Duration, answer: Duration) -> Result<Response<Body>, Infallible> {
    let mut body = body;
    for _ in 0..pieces {
        tokio::time::sleep(pause).await;
        if body.frame().await.is_none() {
            tokio::time::sleep(answer).await;
            return Ok(Response::new(Body::empty()));
        }
    }
    std::future::pending().await
}

/// 256 KiB a piece.
fn large(pieces: usize) -> Body {
    Body::from(Bytes::from(vec![0; pieces * 256 * 1024]))
}

#[tokio::test(start_paused = true)]
async fn the_head_is_waited_for_from_the_end_of_the_request() {
    let layer = TimeoutLayer::new().uploads(ByBody);
    // Five minutes of upload, then an answer within its time, and one that is late.
    for (answer, took, ok) in
        [(secs(29), 10 * 30_000 + 30_000 + 29_000, true), (secs(3600), 10 * 30_000 + 60_000, false)]
    {
        let service =
            layer.layer(service_fn(move |request: Request<Body>| take(request.into_body(), 11, secs(30), answer)));
        let (took_it, outcome) = timed(service.oneshot(Request::new(large(10)))).await;
        assert_eq!(outcome.is_ok(), ok);
        // The end is known with the last piece, not with the look for one more.
        assert!(took_it == took, "{took_it}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), Kind::Timeout(Phase::Head));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_more_is_an_error_of_writing() {
    for (taken, write) in [(0, secs(60)), (3, secs(60)), (3, secs(7)), (3, Duration::from_millis(80))] {
        let service = TimeoutLayer::new()
            .uploads(ByBody)
            .layer(service_fn(move |request: Request<Body>| take(request.into_body(), taken, secs(0), secs(0))));
        let mut request = Request::new(large(10));
        request.extensions_mut().insert(WriteTimeout::new(Some(write)));
        let (took, outcome) = timed(service.oneshot(request)).await;
        assert_eq!(outcome.map(drop).unwrap_err().kind(), Kind::Timeout(Phase::Write));
        assert!(took.abs_diff(write.as_millis()) <= 2, "{took} {write:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_dries_up_is_an_error_of_writing_too() {
    let service = TimeoutLayer::new()
        .uploads(ByBody)
        .layer(service_fn(|request: Request<Body>| take(request.into_body(), 9, secs(0), secs(0))));
    let request = Request::new(Body::new(slow([secs(50), secs(50)]).0));
    let (took, outcome) = timed(service.oneshot(request)).await;
    assert_eq!((took, outcome.map(drop).unwrap_err().kind()), (160_000, Kind::Timeout(Phase::Write)));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_on_writes_only_the_head_has_one() {
    let layer = TimeoutLayer::new().write(None).uploads(ByBody);
    let service = layer.layer(service_fn(|request: Request<Body>| take(request.into_body(), 9, secs(500), secs(3600))));
    let (took, outcome) = timed(service.oneshot(Request::new(large(1)))).await;
    assert_eq!(outcome.map(drop).unwrap_err().kind(), Kind::Timeout(Phase::Head));
    assert!(took.abs_diff(560_000) <= 60_000, "{took}");
}

#[tokio::test]
async fn a_watched_body_is_the_same_body() {
    let service = TimeoutLayer::new().uploads(ByBody).layer(service_fn(|request: Request<Body>| async move {
        let body = request.into_body();
        let (hint, again) = (body.size_hint().exact(), body.try_clone().is_some());
        let first = body.collect().await.unwrap();
        let trailers = first.trailers().cloned();
        let mut response = Response::new(Body::from(first.to_bytes()));
        response.extensions_mut().insert((hint, again, trailers));
        Ok::<_, Infallible>(response)
    }));
    let text: Bytes = (0..700_000_u32).map(|n| n as u8).collect::<Vec<_>>().into();
    let trailers = http::HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("x"))]);
    let of_stream = Full::new(text.clone()).with_trailers(std::future::ready(Some(Ok(trailers.clone()))));
    let again = text.clone();
    for (body, known, again, with) in [
        (Body::from(text.clone()), true, true, None),
        (Body::from_fn(move || Body::from(again.clone())), true, true, None),
        (Body::new(of_stream), true, false, Some(trailers)),
    ] {
        let response = service.clone().oneshot(Request::new(body)).await.unwrap();
        let (hint, copied, seen) =
            response.extensions().get::<(Option<u64>, bool, Option<http::HeaderMap>)>().cloned().unwrap();
        assert_eq!((hint.is_some(), copied, seen), (known, again, with));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn any_body_is_watched_by_a_closure() {
    let watch = |body: Full<Bytes>, progress: UploadProgress| {
        // A body that is taken whole.
        progress.ended();
        body
    };
    let service = TimeoutLayer::new().uploads(watch).layer(service_fn(|_: Request<Full<Bytes>>| async {
        tokio::time::sleep(secs(100)).await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let (took, outcome) = timed(service.oneshot(Request::new("hello".into()))).await;
    assert_eq!((took, outcome.map(drop).unwrap_err().kind()), (60_000, Kind::Timeout(Phase::Head)));
}
