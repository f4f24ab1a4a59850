//! Unboxed over the services of others.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, ServiceExt as _};
use treq_decode::{Coding, Decode, DecodeBody, DecodeLayer, Decoder};
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

/// tower-http's timeout answers with an empty body of its own, so it needs a default of the body below.
#[tokio::test(start_paused = true)]
async fn under_tower_https_timeout() {
    use std::time::Duration;
    use tower_http::timeout::TimeoutLayer;

    let service = tower::service_fn(|request: Request<()>| async move {
        if request.uri() == "/slow" {
            std::future::pending::<()>().await;
        }
        Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(HELLO))
    });
    let limit = TimeoutLayer::with_status_code(http::StatusCode::REQUEST_TIMEOUT, Duration::from_secs(1));
    let service = tower::ServiceBuilder::new().layer(limit).layer(DecodeLayer::new()).service(service);
    for (path, status, content) in [("/", 200, "hello"), ("/slow", 408, "")] {
        let response = service.clone().oneshot(Request::get(path).body(()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), content);
    }
}

#[tokio::test]
async fn what_is_below_can_be_reached() {
    let body = DecodeBody::<Full<Bytes>>::default();
    assert!(http_body::Body::is_end_stream(&body));
    let mut service = Decode::new(7);
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.into_inner()), (8, 8));

    let function = tower::service_fn(|_: Request<()>| async {
        Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(HELLO))
    });
    let mut body = Decode::new(function).oneshot(Request::new(())).await.unwrap().into_body();
    assert_eq!(http_body::Body::size_hint(body.get_ref()).exact(), Some(HELLO.len() as u64));
    *body.get_mut() = Full::from(&HELLO[..9]);
    assert_eq!(body.into_inner().collect().await.unwrap().to_bytes(), HELLO[..9]);
}

#[tokio::test]
async fn a_boxed_decoder_is_one() {
    struct Upper;

    impl Decoder for Upper {
        fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<treq_decode::Progress, treq_core::BoxError> {
            let len = input.len().min(output.len());
            output[..len].copy_from_slice(&input[..len].to_ascii_uppercase());
            Ok(treq_decode::Progress::new(len, len))
        }

        fn finish(&mut self) -> Result<(), treq_core::BoxError> {
            Ok(())
        }
    }

    let coding = Coding::new("upper", || Box::new(Upper) as Box<dyn Decoder>);
    let (_, body) = crate::decode(&DecodeLayer::empty().coding(coding), &["upper"], b"tea", 9).await.unwrap();
    assert_eq!(body, "TEA");
}
