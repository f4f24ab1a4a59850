//! `Expect: 100-continue`.

use std::time::Duration;

use http::{HeaderValue, Request};
use tokio::time::Instant;
use treq_agent::{Agent, HttpConnector};
use treq_core::Body;
use treq_testing::Step;

use crate::support::{OK, plain, pooled, request, send, server, settle, stream};

fn expecting(body: Body) -> Request<Body> {
    let mut request = request("POST", "http://a.test/", body);
    request.headers_mut().insert("expect", HeaderValue::from_static("100-Continue"));
    request
}

#[tokio::test(start_paused = true)]
async fn a_final_answer_keeps_the_body_back_and_ends_the_connection() {
    for status in ["417 Expectation Failed", "200 OK", "413 Content Too Large"] {
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
        let connector = HttpConnector::new(server.connector()).expect_wait(Duration::from_secs(3));
        let begun = Instant::now();
        let body = Body::stream(Noting(begun, seconds, Some("the body")));
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
