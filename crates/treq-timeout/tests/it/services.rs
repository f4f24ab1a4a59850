use std::convert::Infallible;
use std::time::Duration;

use axum::routing::get;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Kind, Phase};
use treq_testing::{RawServer, Step};
use treq_timeout::{ConnectTimeout, Deadline, DeadlineBody, DeadlineLayer, Timeout, TimeoutBody, TimeoutLayer};

const SHORT: Duration = Duration::from_millis(60);

#[tokio::test]
async fn works_over_hyper_utils_client() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let server = RawServer::builder()
        .connection([
            Step::ReadRequest,
            Step::send(ok),
            Step::send("ok"),
            Step::ReadRequest,
            Step::send(ok),
            Step::Stall,
        ])
        .connection([Step::ReadRequest, Step::Stall])
        .start()
        .await;
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(HttpConnector::new());
    let client = TimeoutLayer::new().head(SHORT).read(SHORT).layer(client);
    let request = || Request::get(server.url("/")).body(Empty::new()).unwrap();
    let body = client.clone().oneshot(request()).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
    let body = client.clone().oneshot(request()).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap_err().kind(), Kind::Timeout(Phase::Read));
    let error = client.oneshot(request()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(Phase::Head));
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        "slow"
    };
    let router = axum::Router::<()>::new().route("/", get(|| async { "hello" })).route("/slow", get(slow));
    let service = DeadlineLayer::new().total(SHORT).layer(TimeoutLayer::new().layer(router));
    let request = |path: &str| Request::get(path).body(Full::<Bytes>::default()).unwrap();
    let body = service.clone().oneshot(request("/")).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    assert_eq!(service.oneshot(request("/slow")).await.unwrap_err().kind(), Kind::Timeout(Phase::Total));
}

#[tokio::test]
async fn works_over_a_service_that_cannot_fail() {
    let service =
        service_fn(
            |request: Request<String>| async move { Ok::<_, Infallible>(http::Response::new(request.into_body())) },
        );
    let service = DeadlineLayer::new().layer(TimeoutLayer::new().layer(service));
    let answer = service.oneshot(Request::new("hello".to_owned())).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
}

/// tower-http's timeout answers with an empty body of its own, so it needs a default of the bodies below.
#[tokio::test(start_paused = true)]
async fn works_under_tower_https_timeout() {
    let service = service_fn(|request: Request<String>| async move {
        if request.uri() == "/slow" {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(http::Response::new(request.into_body()))
    });
    let limit = tower_http::timeout::TimeoutLayer::with_status_code(http::StatusCode::REQUEST_TIMEOUT, SHORT);
    let layers = tower::ServiceBuilder::new().layer(limit).layer(DeadlineLayer::new()).layer(TimeoutLayer::new());
    let service = layers.service(service);
    for (path, status, content) in [("/", 200, "hello"), ("/slow", 408, "")] {
        let request = Request::get(path).body("hello".to_owned()).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), content);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_below_can_be_reached() {
    let (mut timeout, mut deadline, mut connect) = (Timeout::new(7), Deadline::new(7), ConnectTimeout::new(7));
    *timeout.get_mut() += 1;
    *deadline.get_mut() += 2;
    *connect.get_mut() += 3;
    assert_eq!((*timeout.get_ref(), *deadline.get_ref(), *connect.get_ref()), (8, 9, 10));
    assert_eq!((timeout.into_inner(), deadline.into_inner(), connect.into_inner()), (8, 9, 10));

    let mut body = TimeoutBody::<DeadlineBody<Full<Bytes>>>::default();
    *body.get_mut().and_then(DeadlineBody::get_mut).unwrap() = Full::from("tea");
    assert!(body.get_ref().and_then(DeadlineBody::get_ref).is_some());
    let body = body.into_inner().and_then(DeadlineBody::into_inner).unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "tea");
}
