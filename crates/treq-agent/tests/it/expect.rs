//! `Expect: 100-continue`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::{HeaderValue, Request};
use tokio::time::Instant;
use treq_agent::{Agent, HttpHandshake, OnInformational};
use treq_core::Body;
use treq_testing::{RawServer, Step};

use crate::support::{OK, plain, pooled, request, send, server, settle, stream};

fn expecting(body: Body) -> Request<Body> {
    let mut request = request("POST", "http://a.test/", body);
    request.headers_mut().insert("expect", HeaderValue::from_static("100-Continue"));
    request
}

#[tokio::test(start_paused = true)]
async fn a_final_answer_keeps_the_body_back_and_ends_the_connection() {
    for status in ["200 OK", "413 Content Too Large"] {
        let refusal = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nno!");
        let server = server([Step::ReadHead, Step::send(refusal)]);
        let (agent, pool) = pooled(server.connector());
        for connection in 0..2 {
            let response = send(&agent, expecting(Body::from("the body"))).await.unwrap();
            assert_eq!((response.status().as_str(), &response.body()[..]), (&status[..3], &b"no!"[..]));
            // Longer than the body would have waited.
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!((server.open(), server.connection(connection).extra.len()), (0, 0), "{status}");
        }
        assert_eq!(pool.stats().open, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_expectation_fails_goes_out_again_without_it() {
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 3\r\n\r\nno!";
    let server = RawServer::builder()
        .connection([Step::ReadHead, Step::send(refusal)])
        .connection([Step::ReadRequest, Step::send(OK), Step::Again])
        .start_in_memory();
    let (agent, _pool) = pooled(server.connector());
    let response = send(&agent, expecting(Body::from("the body"))).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"ok"[..]));
    let requests = server.requests();
    assert_eq!((requests[0].body.as_ref(), requests[1].body.as_ref()), (&b""[..], &b"the body"[..]));
    assert!(!String::from_utf8_lossy(&requests[1].head).to_lowercase().contains("expect"));

    // A body that cannot be had again: the response is the caller's.
    let server = self::server([Step::ReadHead, Step::send(refusal)]);
    let response = send(&plain(server.connector()), expecting(stream(&["the body"]))).await.unwrap();
    assert_eq!(response.status().as_u16(), 417);
}

#[tokio::test(start_paused = true)]
async fn who_observes_interim_responses_does_so_too_when_the_request_goes_out_again() {
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(OK), Step::ReadHead, Step::Close])
        .connection([Step::ReadHead, Step::send("HTTP/1.1 100 Continue\r\n\r\n"), Step::ReadBody, Step::send(OK)])
        .start_in_memory();
    let (agent, _pool) = pooled(server.connector());
    send(&agent, request("PUT", "http://a.test/", Body::empty())).await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let mut request = expecting(Body::from("the body"));
    *request.method_mut() = http::Method::PUT;
    request.extensions_mut().insert(OnInformational::new(move |_| _ = count.fetch_add(1, SeqCst)));
    assert!(send(&agent, request).await.is_ok());
    assert_eq!((seen.load(SeqCst), server.connections()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_body_goes_out_on_the_word_or_when_the_wait_is_over() {
    for (word_after, seconds) in [(0, 0), (2, 2), (60, 3)] {
        let word = [
            Step::ReadHead,
            Step::Sleep(Duration::from_secs(word_after)),
            Step::send("HTTP/1.1 100 Continue\r\n\r\n"),
            Step::ReadBody,
            Step::send(OK),
            Step::Again,
        ];
        let server = server(word);
        let connector = HttpHandshake::new(server.connector()).expect_wait(Duration::from_secs(3));
        let begun = Instant::now();
        let body = Body::new(Noting(begun, seconds, Some("the body")));
        assert!(send(&Agent::new(connector), expecting(body)).await.is_ok());
        assert_eq!(server.requests()[0].body, "the body");
    }
}

/// Notes when it is first read.
struct Noting(Instant, u64, Option<&'static str>);

impl http_body::Body for Noting {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        assert_eq!(self.0.elapsed().as_secs(), self.1);
        std::task::Poll::Ready(self.2.take().map(|text| Ok(http_body::Frame::data(text.into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_the_word_was_given_is_kept() {
    let word = Step::send("HTTP/1.1 100 Continue\r\n\r\n");
    let server = server([Step::ReadHead, word, Step::ReadBody, Step::send(OK), Step::Again]);
    let (agent, pool) = pooled(server.connector());
    for _ in 0..3 {
        send(&agent, expecting(stream(&["the ", "body"]))).await.unwrap();
        settle().await;
    }
    assert_eq!((server.connections(), pool.stats().idle), (1, 1));
    assert!(server.requests().iter().all(|request| request.body == "the body"));
}

#[tokio::test(start_paused = true)]
async fn one_who_leaves_while_the_body_waits_leaves_nothing_behind() {
    let server = server([Step::ReadHead, Step::ReadToEnd]);
    let exchange = async { send(&plain(server.connector()), expecting(Body::from("the body"))).await };
    assert!(tokio::time::timeout(Duration::from_millis(500), exchange).await.is_err());
    server.wait_closed().await;
    assert_eq!(server.connection(0).extra, "");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_expected_for_a_body_that_is_not_there() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    for body in [Body::empty(), Body::from("")] {
        assert!(send(&plain(server.connector()), expecting(body)).await.is_ok());
    }
    assert!(server.requests().iter().all(|request| request.header("expect").is_none()), "{:?}", server.requests());
}
