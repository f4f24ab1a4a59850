//! What a caller reads when things go wrong.

use std::fmt;

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use tower::{Layer as _, ServiceExt as _};
use treq_agent::{Agent, HttpHandshake};
use treq_core::{Body, Kind, Resend};
use treq_testing::{Faults, MemoryServer, Step};

use crate::support::{OK, get, plain, pooled, request, send, server};

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_an_error_of_its_kind_and_safe_to_repeat() {
    let server = MemoryServer::default();
    let error = send(&plain(server.connector()), get("http://user:secret@nowhere.test/p?token")).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe));
    assert_eq!(error.url(), Some("http://nowhere.test/p?…"));
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_none_are_errors_of_protocol() {
    let fields = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(count));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(70 * 1024));
    for (wire, word) in [
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "not HTTP"),
        ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), "not HTTP"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(), "not HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), "not HTTP"),
        ("\0\0\u{12}\u{4}\0\0\0\0\0".to_owned(), "not HTTP"),
        (fields(101), "over the limit"),
        (long, "over the limit"),
    ] {
        let server = server([Step::ReadRequest, Step::send(wire.clone()), Step::Close]);
        let (agent, pool) = pooled(server.connector());
        let error = send(&agent, get("http://a.test/")).await.unwrap_err();
        let start = &wire[..wire.len().min(40)];
        assert_eq!((error.kind(), error.resend()), (Kind::Protocol, Resend::MaybeProcessed), "{start:?}: {error}");
        assert!(error.to_string().contains(word), "{start:?}: {error}");
        assert_eq!(pool.stats().open, 0);
    }
    let server = server([Step::ReadRequest, Step::send(fields(99)), Step::Close]);
    assert!(send(&plain(server.connector()), get("http://a.test/")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_before_the_head_is_whole_is_one_kind_of_error_however_it_ends() {
    for sent in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nX"] {
        for (end, is_reset) in [(Step::Close, false), (Step::Reset, true)] {
            let server = server([Step::ReadRequest, Step::send(sent), end]);
            let (agent, pool) = pooled(server.connector());
            let error = send(&agent, get("http://a.test/")).await.unwrap_err();
            assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::MaybeProcessed), "{error}");
            assert_eq!(error.find::<std::io::Error>().is_some(), is_reset);
            assert_eq!(pool.stats().open, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_is_told_from_one_that_is_wrong() {
    for (wire, end, word) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Step::Close, "cut"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Step::Reset, "cut"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Step::Close, "cut"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", Step::Close, "framing"),
    ] {
        let server = server([Step::ReadRequest, Step::SendPieces(vec![wire.into()]), Step::sleep_ms(1), end]);
        let (agent, pool) = pooled(server.connector());
        let mut body = agent.oneshot(get("http://a.test/")).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ok");
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), Kind::Body, "{wire:?}");
        assert!(error.to_string().contains(word), "{wire:?}: {error}");
        assert_eq!(pool.stats().open, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_a_body_that_ends_with_it_was_cut() {
    let (mut cut, answer) = (0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
    for call in 0.. {
        let server = server([Step::ReadRequest, Step::send(answer), Step::sleep_ms(1), Step::send("and more")]);
        let faults = Faults::nth(call);
        let agent = Agent::new(HttpHandshake::new(faults.layer(server.connector())));
        let outcome = send(&agent, get("http://a.test/")).await;
        if let Some(error) = outcome.err().filter(|error| error.kind() == Kind::Body) {
            assert!(error.to_string().contains("was cut"), "{:?}: {error}", faults.list());
            cut += 1;
        }
        if faults.injected() == 0 {
            break;
        }
    }
    assert!(cut >= 2, "{cut}");
}

#[derive(Debug)]
pub(crate) struct Mine(pub(crate) u32);

impl fmt::Display for Mine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mine")
    }
}

impl std::error::Error for Mine {}

/// One piece, then the caller's own error.
pub(crate) struct Failing(pub(crate) bool);

impl futures_core::Stream for Failing {
    type Item = Result<http_body::Frame<Bytes>, Mine>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let failed = std::mem::replace(&mut self.0, true);
        std::task::Poll::Ready(Some(if failed { Err(Mine(7)) } else { Ok(http_body::Frame::data("piece".into())) }))
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_error_is_found_where_its_body_failed() {
    for piece in [false, true] {
        let server = server([Step::ReadHead, Step::ReadToEnd]);
        let (agent, pool) = pooled(server.connector());
        let body = Body::new(StreamBody::new(Failing(!piece)));
        let error = send(&agent, request("POST", "http://a.test/", body)).await.unwrap_err();
        assert_eq!((error.kind(), error.find::<Mine>().map(|mine| mine.0)), (Kind::Body, Some(7)), "{error:?}");
        assert_eq!(pool.stats().open, 0);
        server.wait_closed().await;
        // The server can tell that this is not the whole.
        assert!(!String::from_utf8_lossy(&server.connection(0).extra).contains("0\r\n\r\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn no_number_of_fields_is_more_than_a_task_can_bear() {
    for (fields, most, fits) in [(3, usize::MAX, true), (24_000, usize::MAX, true), (25_000, usize::MAX, false)] {
        let names: String = (0..fields).map(|n| format!("x{n}: y\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{names}\r\n");
        let server = server([Step::ReadRequest, Step::send(answer)]);
        let agent = Agent::new(HttpHandshake::new(server.connector()).max_headers(most).max_head_size(1 << 20));
        match send(&agent, get("http://a.test/")).await {
            Ok(response) => assert!(fits && response.headers().len() == fields + 1),
            Err(error) => assert!(!fits && error.to_string().contains("over the limit"), "{fields}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_nobody_asked_for_spoil_an_idle_connection() {
    let server = server([Step::ReadRequest, Step::send(format!("{OK}junk")), Step::ReadToEnd]);
    let (agent, pool) = pooled(server.connector());
    for connection in 1..=2 {
        assert_eq!(send(&agent, get("http://a.test/")).await.unwrap().into_body(), "ok");
        crate::support::settle().await;
        assert_eq!((pool.stats().open, server.connections()), (0, connection));
    }
}
