//! What the agent puts on the wire.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use treq_core::Body;
use treq_testing::{MemoryServer, RequestTraversalAgent};

/// The framing and the body of a request, as they reach the service.
async fn sent(request: Request<Body>) -> (HeaderMap, String) {
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let service = tower::service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            sender.send((head.headers, String::from_utf8_lossy(&body).into_owned())).unwrap();
            Ok::<_, treq_core::BoxError>(http::Response::new(Body::empty()))
        }
    });
    RequestTraversalAgent::over(MemoryServer::new(service)).oneshot(request).await.unwrap();
    seen.recv().await.unwrap()
}

/// A body that does not say how long it is.
fn unsized_body(text: &'static str) -> Body {
    Body::new(Full::new(Bytes::from(text)).map_frame(|frame| frame))
}

#[tokio::test]
async fn sends_a_body_of_unknown_length_with_any_method() {
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::POST] {
        let request = Request::builder().method(method.clone()).uri("http://a.test/");
        let (headers, body) = sent(request.body(unsized_body("tea")).unwrap()).await;
        assert_eq!((&headers[TRANSFER_ENCODING], body.as_str()), (&"chunked".parse().unwrap(), "tea"), "{method}");
    }
}

#[tokio::test]
async fn frames_nothing_that_is_framed_or_empty() {
    let request = Request::get("http://a.test/").header(CONTENT_LENGTH, 3);
    let (headers, body) = sent(request.body(unsized_body("tea")).unwrap()).await;
    assert_eq!((headers.get(TRANSFER_ENCODING), body.as_str()), (None, "tea"));
    let (headers, body) = sent(Request::get("http://a.test/").body(Body::from("tea")).unwrap()).await;
    assert_eq!((headers.get(TRANSFER_ENCODING), body.as_str()), (None, "tea"));
    let (headers, body) = sent(Request::get("http://a.test/").body(Body::empty()).unwrap()).await;
    assert!(!headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(CONTENT_LENGTH) && body.is_empty());
}
