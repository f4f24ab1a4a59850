//! Promises that are easily broken at the edges.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use http::{HeaderValue, Version};
use tokio::io::AsyncReadExt as _;
use tower::ServiceExt as _;
use treq_agent::{Agent, HttpHandshake, upgrade};
use treq_core::{Body, Error, Forward, Framing, Kind, Resend, Target};
use treq_testing::{RawServer, Step};

use crate::resend::post_to_a_dead_one;
use crate::support::{OK, facts, get, plain, pooled, request, send, server, stream};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n";

fn upgrading() -> http::Request<treq_core::Body> {
    let mut request = get("http://a.test/");
    request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    request.headers_mut().insert("upgrade", HeaderValue::from_static("raw"));
    request
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_nobody_asked_for_is_an_error() {
    let server = server([Step::ReadRequest, Step::send(SWITCH), Step::ReadToEnd]);
    let (agent, pool) = pooled(server.connector());
    let error = agent.oneshot(get("http://a.test/")).await.unwrap_err();
    assert_eq!(error.kind(), treq_core::Kind::Protocol);
    drop(pool);
    server.wait_closed().await;
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_is_not_taken_for_interim_heads() {
    // The tenth byte is where the status of a next head would stand.
    let stream = format!("123456789{}", "1".repeat(100 * 1024));
    let server = server([Step::ReadRequest, Step::send(SWITCH), Step::send(stream.clone()), Step::Close]);
    let (agent, _pool) = pooled(server.connector());
    let mut io = upgrade(agent.oneshot(upgrading()).await.unwrap()).await.unwrap();
    let mut text = String::new();
    io.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.len(), stream.len());
}

#[tokio::test(start_paused = true)]
async fn credentials_of_a_proxy_do_not_go_to_the_origin_when_a_request_goes_out_again() {
    let heads = post_to_a_dead_one(|number| {
        let mut forward = Forward::default();
        forward.authorization = Some(HeaderValue::from_static("Basic dTpw"));
        (number == 0).then_some(forward)
    })
    .await;
    assert!(heads[0].contains("proxy-authorization: Basic dTpw"), "{heads:?}");
    assert!(heads[1].starts_with("POST /once "), "{heads:?}");
    assert!(!heads[1].contains("proxy-authorization"), "{heads:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_has_no_body() {
    let server = server([Step::ReadRequest, Step::send(SWITCH), Step::ReadToEnd]);
    let response = plain(server.connector()).oneshot(upgrading()).await.unwrap();
    assert_eq!(facts(&response).framing(), Framing::None);
}

#[tokio::test(start_paused = true)]
async fn the_verdict_on_a_repeated_request_remembers_the_first_try() {
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(OK), Step::ReadRequest, Step::Close])
        .start_in_memory();
    let (connector, made) = (server.connector(), AtomicUsize::new(0));
    let made = std::sync::Arc::new(made);
    let once = tower::service_fn(move |target: Target| {
        let first = made.fetch_add(1, SeqCst) == 0;
        let connector = connector.clone();
        async move {
            let refused = Error::new(Kind::Connect, "refused").with_resend(Resend::Safe);
            if first { connector.oneshot(target).await } else { Err(refused) }
        }
    });
    let pool = tower::Layer::layer(&treq_pool::PoolLayer::new(), HttpHandshake::new(once));
    let agent = Agent::new(pool);
    send(&agent, get("http://a.test/warm")).await.unwrap();
    let error = send(&agent, request("PUT", "http://a.test/", Body::from("body"))).await.unwrap_err();
    // The server has read it all.
    assert_eq!((server.requests().len(), &server.requests()[1].body[..]), (2, &b"body"[..]));
    assert_eq!(error.resend(), Resend::MaybeProcessed, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_http_1_0_cannot_carry_is_an_error_and_not_left_out() {
    let server = server([Step::ReadRequest, Step::send(OK)]);
    let mut old = request("POST", "http://a.test/", stream(&["the ", "body"]));
    *old.version_mut() = Version::HTTP_10;
    let done = send(&plain(server.connector()), old).await;
    let seen = server.requests();
    assert!(done.is_err(), "the caller is told 200, the server saw {:?} and {:?}", seen[0].headers, seen[0].body);
}

#[tokio::test(start_paused = true)]
async fn exactly_64_kib_of_interim_heads_are_within_the_limit() {
    let start = "HTTP/1.1 103 Early Hints\r\nX: ";
    let half = format!("{start}{}\r\n\r\n", "x".repeat(32 * 1024 - start.len() - 4));
    let server = server([Step::ReadRequest, Step::send(half.repeat(2) + OK)]);
    let done = send(&plain(server.connector()), get("http://a.test/")).await;
    assert!(done.is_ok(), "{:?}", done.unwrap_err());
}

#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn a_connect_over_http2_names_its_port() {
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = treq_testing::MemoryServer::new(tower::service_fn(move |request: http::Request<Body>| {
        sender.send(request.uri().to_string()).unwrap();
        async { Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty())) }
    }));
    let mut request = request("CONNECT", "https://a.test/", Body::empty());
    request.extensions_mut().insert(treq_core::HttpVersion::Http2);
    let _answer = plain(server.connector()).oneshot(request).await.unwrap();
    // RFC 9113, section 8.5: the host and port to connect to.
    assert_eq!(seen.recv().await.unwrap(), "a.test:443");
}
