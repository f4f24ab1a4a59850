//! Unboxed over the services of others.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, ServiceExt as _};
use treq_decode::DecodeLayer;
use treq_testing::{RawServer, Step};

/// "hello", gzipped.
const HELLO: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";

#[tokio::test]
async fn over_hyper_utils_client() {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", HELLO.len()).into_bytes();
    answer.extend_from_slice(HELLO);
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(answer)]).start().await;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = Request::get(server.url("/")).body(Empty::new()).unwrap();
    let response = DecodeLayer::new().layer(client).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    assert!(server.requests()[0].header("accept-encoding").unwrap().starts_with("gzip"));
}

#[tokio::test]
async fn over_an_axum_router() {
    let router =
        axum::Router::new().route("/", axum::routing::get(|| async { ([("content-encoding", "gzip")], HELLO) }));
    let request = Request::get("/").body(axum::body::Body::empty()).unwrap();
    let response = DecodeLayer::new().layer(router).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test]
async fn over_an_infallible_function() {
    let function = tower::service_fn(|_: Request<()>| async {
        let response = Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(HELLO)).unwrap();
        Ok::<_, Infallible>(response)
    });
    let response = DecodeLayer::new().layer(function).oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}
