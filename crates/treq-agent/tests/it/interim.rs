//! 1xx heads: skipped, seen by who wants to, and limited.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use treq_agent::{OnInformational, TooManyInterim};
use treq_core::{Error, Kind};
use treq_testing::Step;

use crate::support::{OK, get, plain, pooled, send, server};

const EARLY: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

async fn answer(wire: String) -> Result<http::Response<bytes::Bytes>, Error> {
    let server = server([Step::ReadRequest, Step::send(wire)]);
    send(&plain(server.connector()), get("http://a.test/")).await
}

#[tokio::test(start_paused = true)]
async fn sixteen_are_skipped_and_a_seventeenth_is_an_error_that_says_so() {
    let response = answer(EARLY.repeat(16) + OK).await.unwrap();
    assert_eq!(response.into_body(), "ok");
    let error = answer(EARLY.repeat(17) + OK).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert_eq!(error.find::<TooManyInterim>().map(|limit| (limit.heads, limit.bytes)), Some((16, 64 * 1024)));
    assert!(error.to_string().contains("16 interim"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn their_bytes_are_limited_too() {
    let head = |length: usize| {
        let start = "HTTP/1.1 103 Early Hints\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4))
    };
    // Below the limit, in heads none of which is too long.
    let below = head(32 * 1024) + &head(32 * 1024 - 10);
    assert_eq!(answer(below + OK).await.unwrap().into_body(), "ok");
    let error = answer(head(32 * 1024) + &head(32 * 1024 + 1) + OK).await.unwrap_err();
    assert!(error.find::<TooManyInterim>().is_some(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_row_of_them_ends() {
    let server = server([Step::ReadRequest, Step::send(EARLY), Step::send(EARLY.repeat(1000)), Step::Stall]);
    let error = send(&plain(server.connector()), get("http://a.test/")).await.unwrap_err();
    assert!(error.find::<TooManyInterim>().is_some(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_count_begins_anew_with_each_exchange_however_the_bytes_are_cut() {
    let wire = EARLY.repeat(9) + OK;
    for every in [1, 2, 7, 61, wire.len()] {
        let pieces = Step::send_split(wire.clone(), (every..wire.len()).step_by(every));
        let server = server([Step::ReadRequest, pieces, Step::Again]);
        let (agent, _pool) = pooled(server.connector());
        for _ in 0..4 {
            let seen = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&seen);
            let mut request = get("http://a.test/");
            request.extensions_mut().insert(OnInformational::new(move |interim| {
                assert_eq!((interim.status().as_u16(), &interim.headers()["link"]), (103, &"</a>".parse().unwrap()));
                count.fetch_add(1, SeqCst);
            }));
            assert_eq!(send(&agent, request).await.unwrap().into_body(), "ok");
            assert_eq!(seen.load(SeqCst), 9);
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_cut_at_any_byte_is_skipped_all_the_same() {
    let wire = format!("{EARLY}{OK}");
    for at in 1..wire.len() {
        let server = server([Step::ReadRequest, Step::send_split(wire.clone(), [at])]);
        let response = send(&plain(server.connector()), get("http://a.test/")).await.unwrap();
        assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"ok"[..]), "cut at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_looks_like_interim_heads_is_a_body() {
    let body = EARLY.repeat(40);
    let wire = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = server([Step::ReadRequest, Step::send_split(wire, [5, 40, 500]), Step::Again]);
    let (agent, _pool) = pooled(server.connector());
    for _ in 0..3 {
        assert_eq!(send(&agent, get("http://a.test/")).await.unwrap().into_body(), body);
    }
    assert_eq!(server.connections(), 1);
}
