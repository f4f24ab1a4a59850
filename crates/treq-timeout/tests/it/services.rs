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
use treq_timeout::{DeadlineLayer, TimeoutLayer};

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
