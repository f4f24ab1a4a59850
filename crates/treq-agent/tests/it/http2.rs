//! HTTP/2, with the frames of a server written by hand.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version};
use tower::ServiceExt as _;
use treq_core::{Body, Framing, HttpVersion, Kind, Resend};
use treq_testing::{MemoryServer, RawServer, Step};

use crate::errors::{Failing, Mine};
use crate::support::{OK, facts, get, plain, pooled, request, send, server, settle};

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat().into()
}

/// The server's settings and its word that it took ours.
pub(crate) fn greeting() -> Step {
    Step::Send([frame(4, 0, 0, &[]), frame(4, 1, 0, &[])].concat().into())
}

/// 200 without a body.
pub(crate) fn ok(stream: u32) -> Step {
    Step::Send(frame(1, 0x5, stream, &[0x88]))
}

fn interim(stream: u32) -> Bytes {
    frame(1, 0x4, stream, b"\x08\x03103")
}

pub(crate) fn reset(stream: u32, code: u32) -> Step {
    Step::Send(frame(3, 0, stream, &code.to_be_bytes()))
}

pub(crate) fn go_away(last: u32, code: u32) -> Step {
    Step::Send(frame(7, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat()))
}

/// How many requests came on all connections.
fn requests(server: &RawServer) -> usize {
    let count = |number| {
        let bytes = server.connection(number).extra;
        let mut rest = bytes.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let mut heads = 0;
        while let [a, b, c, kind, ..] = *rest {
            heads += usize::from(kind == 1);
            rest = &rest[(9 + u32::from_be_bytes([0, a, b, c]) as usize).min(rest.len())..];
        }
        heads
    };
    (0..server.connections()).map(count).sum()
}

pub(crate) fn wishing(mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(HttpVersion::Http2);
    request
}

#[tokio::test(start_paused = true)]
async fn heads_have_an_authority_and_neither_host_nor_fields_of_the_connection() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let server = MemoryServer::new(tower::service_fn(move |request: Request<Body>| {
        note.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
        async { Ok::<_, Infallible>(Response::new(Body::from("ok"))) }
    }));
    for (url, host, uri) in [
        ("http://a.test", None, "http://a.test/"),
        ("http://a.test:80/p?q", None, "http://a.test/p?q"),
        ("http://user:secret@a.test:81/", None, "http://a.test:81/"),
        ("https://[::1]:443/", None, "https://[::1]/"),
        ("http://a.test/", Some("other.test:9"), "http://other.test:9/"),
    ] {
        let mut request = wishing(request("POST", url, Body::from("body")));
        for (name, value) in [("connection", "x-hop"), ("keep-alive", "5"), ("x-kept", "1"), ("expect", "100-continue")]
        {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        host.map(|host| request.headers_mut().insert("host", HeaderValue::from_static(host)));
        let response = send(&plain(server.connector()), request).await.unwrap();
        assert_eq!((response.version(), facts(&response).framing()), (Version::HTTP_2, Framing::Delimited));
        assert_eq!(facts(&response).connection().protocol, Version::HTTP_2);
        let (seen, headers) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(seen, uri);
        assert_eq!((headers["x-kept"].as_bytes(), headers["content-length"].as_bytes()), (&b"1"[..], &b"4"[..]));
        assert!(["host", "connection", "keep-alive"].iter().all(|name| !headers.contains_key(*name)), "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn interim_heads_are_skipped() {
    let heads = Step::Send([interim(1), interim(1)].concat().into());
    let server = server([Step::ReadBytes(24), greeting(), Step::sleep_ms(5), heads, ok(1)]);
    let response = send(&plain(server.connector()), wishing(get("http://a.test/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_where_the_peer_says_that_it_did_not_look_at_it() {
    const REFUSED: u32 = 7;
    const INTERNAL: u32 = 2;
    for (end, steps, looked_at) in [
        ("refuses the stream", vec![reset(3, REFUSED)], false),
        ("goes away before it", vec![go_away(1, 0)], false),
        ("goes away before it and closes", vec![go_away(1, 0), Step::HalfClose], false),
        ("fails the stream", vec![reset(3, INTERNAL)], true),
        ("goes away after it and closes", vec![go_away(3, 0), Step::sleep_ms(1), Step::HalfClose], true),
        ("goes away in anger", vec![go_away(1, INTERNAL), Step::HalfClose], true),
        ("sends an interim head and closes", vec![Step::Send(interim(3)), Step::HalfClose], true),
    ] {
        for method in ["GET", "POST"] {
            let script = [Step::ReadBytes(24), greeting(), Step::sleep_ms(5), ok(1), Step::sleep_ms(50)];
            let server = RawServer::builder()
                .connection(script.clone().into_iter().chain(steps.clone()))
                .connection(script)
                .start_in_memory();
            let (agent, pool) = pooled(server.connector());
            send(&agent, wishing(get("http://a.test/"))).await.unwrap();
            let done = send(&agent, wishing(request(method, "http://a.test/", Body::from("body")))).await;
            let case = format!("{method}, the server {end}");
            match &done {
                Ok(_) => assert!(!looked_at, "{case}"),
                Err(error) => {
                    let verdict = if looked_at { Resend::MaybeProcessed } else { Resend::Safe };
                    assert_eq!(error.resend(), verdict, "{case}: {error:?}");
                    assert!(looked_at, "{case}: {error}");
                }
            }
            assert_eq!(pool.stats().in_use(), 0, "{case}");
            drop((agent, pool));
            server.wait_closed().await;
            assert_eq!(requests(&server), if done.is_ok() { 3 } else { 2 }, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_over_http2_that_was_meant_for_http1() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    let (agent, _pool) = pooled(server.connector());
    let mut request = get("http://a.test/");
    request.extensions_mut().insert(HttpVersion::Http1);
    assert_eq!(send(&agent, request).await.unwrap().version(), Version::HTTP_11);
    // `Any` in the clear is HTTP/1.1 too, yet another kind of connection.
    assert_eq!(send(&agent, get("http://a.test/")).await.unwrap().version(), Version::HTTP_11);
    assert_eq!(server.connections(), 2);
}

/// A body that is never done.
struct Endless {
    _held: Arc<()>,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_ends_with_its_answer() {
    for dropped in [false, true] {
        let end = if dropped { 0x4 } else { 0x5 };
        let answer = Step::Send(frame(1, end, 1, &[0x88]));
        let server = server([Step::ReadBytes(24), greeting(), Step::sleep_ms(5), answer, Step::ReadToEnd]);
        let (agent, pool) = pooled(server.connector());
        let held = Arc::new(());
        let body = Body::new(Endless { _held: Arc::clone(&held) });
        let response = agent.clone().oneshot(wishing(request("POST", "http://a.test/", body))).await.unwrap();
        settle().await;
        assert_eq!(Arc::strong_count(&held), 2, "while the answer is held the body goes on");
        drop(response);
        settle().await;
        assert_eq!(Arc::strong_count(&held), 1, "dropped: {dropped}");
        // The connection serves others meanwhile, and ends with the last that holds it.
        assert_eq!((pool.stats().open, pool.stats().idle), (1, 1));
        drop((agent, pool));
        server.wait_closed().await;
        // CANCEL, not a fault.
        assert!(server.connection(0).extra.windows(13).any(|bytes| *bytes == *frame(3, 0, 1, &[0, 0, 0, 8])));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_told_in_its_own_words() {
    let failing = || Body::new(http_body_util::StreamBody::new(Failing(false)));
    let announced = |mut request: Request<Body>| {
        request.headers_mut().insert("content-length", HeaderValue::from_static("20"));
        request
    };
    for early in [false, true] {
        let mut script = vec![Step::ReadBytes(24), greeting(), Step::sleep_ms(5)];
        if early {
            script.push(Step::Send(frame(1, 0x4, 1, &[0x88])));
        }
        let server = server(script);
        for (request, why, own) in [
            (request("POST", "http://a.test/", failing()), "the request's body could not be read", Some(7)),
            (announced(request("POST", "http://a.test/", crate::support::stream(&["piece"]))), "shorter than", None),
        ] {
            let (agent, _pool) = pooled(server.connector());
            let error = send(&agent, wishing(request)).await.unwrap_err();
            assert_eq!((error.kind(), error.resend()), (Kind::Body, Resend::MaybeProcessed), "{error:?}");
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.find::<Mine>().map(|mine| mine.0), own);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_reset_before_its_length_is_cut() {
    let head = |length: &str| [&[0x88, 0x0f, 0x0d, 1][..], length.as_bytes()].concat();
    for (length, cut) in [("9", true), ("2", false)] {
        let bytes =
            [frame(1, 0x4, 1, &head(length)), frame(0, if cut { 0 } else { 1 }, 1, b"ok"), frame(3, 0, 1, &[0; 4])];
        let server = server([Step::ReadBytes(24), greeting(), Step::sleep_ms(5), Step::Send(bytes.concat().into())]);
        let (agent, _pool) = pooled(server.connector());
        let done = send(&agent, wishing(get("http://a.test/"))).await;
        match done {
            Ok(response) => assert!(!cut && response.body() == "ok"),
            Err(error) => assert!(cut && error.kind() == Kind::Body && error.to_string().contains("cut"), "{error:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_have_no_body_has_none() {
    // 204 and 304 as the table of HPACK has them, and a Content-Length of two.
    const LENGTH: &[u8] = b"\x0f\x0d\x012";
    for (status, length, body, fails) in [
        (0x89, &b""[..], &b"ok"[..], true),
        (0x8b, LENGTH, b"ok", true),
        (0x8b, LENGTH, b"", false),
        (0x89, b"", b"", false),
    ] {
        let head = [&[status], length].concat();
        let bytes = match body {
            b"" => frame(1, 0x5, 1, &head),
            body => [frame(1, 0x4, 1, &head), frame(0, 1, 1, body)].concat().into(),
        };
        let server = server([Step::ReadBytes(24), greeting(), Step::sleep_ms(5), Step::Send(bytes)]);
        let (agent, _pool) = pooled(server.connector());
        match send(&agent, wishing(get("http://a.test/"))).await {
            Ok(response) => assert!(!fails && response.body().is_empty(), "{status}"),
            Err(error) => {
                assert!(fails && error.kind() == Kind::Body && error.to_string().contains("no body"), "{error:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_ended_an_exchange_and_why_is_said() {
    // A field of 2 KiB, taken from the table forty times more.
    let once = [&[0x88, 0x40, 1, b'x', 0x7f, 0xf1, 0x0e][..], &[b'y'; 2032]].concat();
    let large = frame(1, 0x5, 1, &[&once[..], &[0xbe; 40]].concat());
    for (step, why) in [
        (reset(1, 2), "the server reset the HTTP/2 stream: unexpected internal error"),
        (go_away(0, 1), "the server ended the HTTP/2 connection: unspecific protocol error"),
        (Step::Send(large), "over the limit on its size: unspecific protocol error"),
        (Step::Send(frame(0, 0, 0, b"x")), "the server broke the rules of HTTP/2: unspecific protocol error"),
    ] {
        let server = server([Step::ReadBytes(24), greeting(), Step::sleep_ms(5), step]);
        let (agent, _pool) = pooled(server.connector());
        let error = send(&agent, wishing(get("http://a.test/"))).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
        assert!(error.to_string().contains(why), "{error}");
    }
}
