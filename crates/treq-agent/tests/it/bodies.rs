//! Bodies of any kind, both ways, over a connection for each request and over kept ones.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::{Layer as _, ServiceExt as _};
use treq_agent::{Agent, HttpHandshake};
use treq_pool::PoolLayer;
use treq_testing::{RawServer, Step};

use crate::support::{OK, get, plain, pooled, request, send, server, settle, stream};

#[tokio::test(start_paused = true)]
async fn without_a_pool_each_request_says_close_and_has_a_connection_of_its_own() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    let agent = plain::<treq_core::Body>(server.connector());
    for n in 1..=3 {
        let response = agent.clone().oneshot(get("http://a.test/")).await.unwrap();
        assert_eq!(server.connections(), n);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
        // The server would have gone on: it is the client that closes, once the body is read.
        settle().await;
        assert!(server.connection(n - 1).client_closed);
    }
    assert!(server.requests().iter().all(|request| request.header("connection") == Some("close")));
}

#[tokio::test(start_paused = true)]
async fn without_a_pool_a_callers_own_connection_field_stays() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    let mut request = get("http://a.test/");
    request.headers_mut().insert("connection", HeaderValue::from_static("keep-alive"));
    send(&plain(server.connector()), request).await.unwrap();
    assert_eq!(server.requests()[0].header("connection"), Some("keep-alive"));
    settle().await;
    assert_eq!(server.open(), 0);
}

/// Two pieces, and no way to copy it.
struct Foreign(u8);

impl http_body::Body for Foreign {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0 += 1;
        Poll::Ready(match self.0 {
            1 => Some(Ok(Frame::data(Bytes::from_static(b"for")))),
            2 => Some(Ok(Frame::data(Bytes::from_static(b"eign")))),
            _ => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(7)
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_bodies_go_out_and_are_copied_as_told() {
    fn put<B>(body: B) -> http::Request<B> {
        request("PUT", "http://a.test/", body)
    }
    let warm_then_dead = || {
        RawServer::builder()
            .connection([Step::ReadRequest, Step::send(OK), Step::ReadRequest, Step::Close])
            .connection([Step::ReadRequest, Step::send(OK), Step::Again])
            .start_in_memory()
    };
    // `Full` is `Clone`: nothing need be said.
    let server = warm_then_dead();
    let agent = Agent::new(PoolLayer::new().layer(HttpHandshake::new(server.connector()).for_body()));
    for _ in 0..2 {
        let response = agent.clone().oneshot(put(Full::new(Bytes::from_static(b"full")))).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
    let seen = server.requests();
    assert!(seen.len() == 3 && seen.iter().all(|request| request.body == "full"), "{seen:?}");

    let server = warm_then_dead();
    let agent = Agent::new(PoolLayer::new().layer(HttpHandshake::new(server.connector()).for_body()))
        .replay(|_: &Foreign| Some(Foreign(0)));
    for _ in 0..2 {
        let response = agent.clone().oneshot(put(Foreign(0))).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
    let seen = server.requests();
    assert!(seen.len() == 3 && seen.iter().all(|request| request.body == "foreign"), "{seen:?}");

    let server = warm_then_dead();
    let agent = Agent::new(PoolLayer::new().layer(HttpHandshake::new(server.connector()).for_body())).without_replay();
    let response = agent.clone().oneshot(put(Foreign(0))).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert!(agent.clone().oneshot(put(Foreign(0))).await.is_err());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn trailers_go_up_and_come_down() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Down: 1\r\n\r\n";
    let server = server([Step::ReadRequest, Step::send(answer), Step::Again]);
    let (agent, pool) = pooled(server.connector());
    for _ in 0..2 {
        let trailers = HeaderMap::from_iter([("x-up".parse().unwrap(), HeaderValue::from_static("2"))]);
        let frames = [Frame::data(Bytes::from_static(b"body")), Frame::trailers(trailers)].map(Ok::<_, std::io::Error>);
        let body = treq_core::Body::new(StreamBody::new(Frames(frames.into())));
        let mut up = request("POST", "http://a.test/", body);
        up.headers_mut().insert("trailer", HeaderValue::from_static("x-up"));
        let down = agent.clone().oneshot(up).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(down.trailers().unwrap()["x-down"], "1");
    }
    assert!(server.requests().iter().all(|request| request.trailers == [("x-up".to_owned(), "2".to_owned())]));
    // A body that ended with trailers leaves its connection as good as any.
    assert_eq!((server.connections(), pool.stats().idle), (1, 1));
}

struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, std::io::Error>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test(start_paused = true)]
async fn the_size_and_the_end_of_an_answer_are_known_as_early_as_they_can_be() {
    for (method, wire, exact, ended) in [
        ("GET", OK, Some(2), false),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Some(0), true),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", Some(0), true),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", Some(0), true),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Some(0), true),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Some(0), true),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None, false),
        ("GET", "HTTP/1.1 200 OK\r\n\r\n", None, false),
    ] {
        let server = server([Step::ReadRequest, Step::send(wire), Step::Close]);
        for body in [
            plain(server.connector())
                .oneshot(request(method, "http://a.test/", stream(&[])))
                .await
                .unwrap()
                .into_body(),
            plain(server.connector())
                .oneshot(request(method, "http://a.test/", treq_core::Body::empty()))
                .await
                .unwrap()
                .into_body(),
        ] {
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (exact, ended), "{method} {wire:?}");
            let body = body.collect().await.unwrap().to_bytes();
            assert_eq!(body.len() as u64, exact.unwrap_or(0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_length_of_nothing_is_said_where_a_body_is_expected() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    let (agent, _pool) = pooled(server.connector());
    let expected = [("GET", None), ("POST", Some("0")), ("PUT", Some("0")), ("PATCH", Some("0")), ("DELETE", None)];
    for (method, _) in expected {
        send(&agent, request(method, "http://a.test/", "".into())).await.unwrap();
    }
    for (request, (method, length)) in server.requests().iter().zip(expected) {
        assert_eq!((request.method(), request.header("content-length")), (method, length));
        assert_eq!(request.header("transfer-encoding"), None);
    }
}
