//! Connections that leave HTTP.

use http::{HeaderValue, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt as _;
use treq_agent::upgrade;
use treq_core::{Body, Kind};
use treq_testing::Step;

use crate::support::{OK, get, pooled, request, send, server, settle};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

fn asking() -> Request<Body> {
    let mut request = get("http://a.test/");
    request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    request.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
    request
}

#[tokio::test(start_paused = true)]
async fn early_bytes_come_first_wherever_they_are_cut() {
    let wire = format!("{SWITCH}early");
    for at in [10, SWITCH.len() - 1, SWITCH.len(), SWITCH.len() + 2, wire.len() - 1] {
        let split = Step::send_split(wire.clone(), [at]);
        let server = server([Step::ReadRequest, split, Step::ReadBytes(4), Step::send(" pong"), Step::Close]);
        let (agent, pool) = pooled(server.connector());
        let mut io = upgrade(agent.oneshot(asking()).await.unwrap()).await.unwrap();
        io.write_all(b"ping").await.unwrap();
        let mut text = String::new();
        io.read_to_string(&mut text).await.unwrap();
        // It has its place until it is let go of, though HTTP is over.
        assert_eq!((text.as_str(), pool.stats().open), ("early pong", 1), "cut at {at}");
        drop(io);
        assert_eq!(pool.stats().open, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_behind_an_interim_head_is_handed_out_too() {
    let early = Step::send("HTTP/1.1 103 Early Hints\r\n\r\n");
    let server = server([Step::ReadRequest, early, Step::send(SWITCH), Step::send("hello"), Step::Close]);
    let (agent, _pool) = pooled(server.connector());
    let mut text = String::new();
    upgrade(agent.oneshot(asking()).await.unwrap()).await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_begins_right_behind_the_head() {
    let open = Step::send("HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\nearly");
    let server = server([Step::ReadHead, open, Step::ReadBytes(4), Step::Close]);
    let (agent, pool) = pooled(server.connector());
    let response = agent.oneshot(request("CONNECT", "http://a.test", Body::empty())).await.unwrap();
    let mut io = upgrade(response).await.unwrap();
    io.write_all(b"ping").await.unwrap();
    let mut text = String::new();
    io.read_to_string(&mut text).await.unwrap();
    // The length has no meaning there: RFC 9110, section 9.3.6.
    assert_eq!((text.as_str(), pool.stats().open), ("early", 1));
    drop(io);
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_take_it_closes_it() {
    let server = server([Step::ReadRequest, Step::send(SWITCH), Step::ReadToEnd]);
    let (agent, pool) = pooled(server.connector());
    drop(agent.clone().oneshot(asking()).await.unwrap());
    server.wait_closed().await;
    // Nor does one who began to and left.
    let response = agent.clone().oneshot(asking()).await.unwrap();
    let mut taking = Box::pin(upgrade(response));
    let _ = futures_poll(&mut taking).await;
    drop(taking);
    server.wait_closed().await;
    // Nor one who took it and let it go.
    drop(upgrade(agent.oneshot(asking()).await.unwrap()).await.unwrap());
    server.wait_closed().await;
    settle().await;
    assert_eq!((pool.stats().open, server.connections()), (0, 3));
}

/// Looks once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_upgrades_nothing_says_so_and_its_connection_goes_on() {
    let server = server([Step::ReadRequest, Step::send(OK), Step::Again]);
    let (agent, _pool) = pooled(server.connector());
    let error = upgrade(agent.clone().oneshot(asking()).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    settle().await;
    assert_eq!(send(&agent, get("http://a.test/")).await.unwrap().into_body(), "ok");
}

/// Only HTTP/1.1 upgrades: a request that asks for it goes out over that, or not at all.
#[tokio::test]
async fn what_asks_for_an_upgrade_chooses_http1() {
    use tower::ServiceExt as _;
    use treq_core::{Error, HttpVersion, Kind, Target};

    for (http_version, chosen) in [
        (HttpVersion::Any, Some(HttpVersion::Http1)),
        (HttpVersion::Http1, Some(HttpVersion::Http1)),
        (HttpVersion::Http2, None),
    ] {
        let told = std::sync::Arc::new(std::sync::Mutex::new(None));
        let log = std::sync::Arc::clone(&told);
        let connector = tower::service_fn(move |target: Target| {
            *log.lock().unwrap() = Some(target.http_version);
            async { Err::<treq_core::Connected<treq_testing::Pipe>, _>(Error::new(Kind::Connect, "none")) }
        });
        let mut request = asking();
        *request.uri_mut() = "https://a.test/".parse().unwrap();
        request.extensions_mut().insert(http_version);
        let agent = treq_agent::Agent::new(treq_agent::HttpHandshake::new(connector));
        let error = agent.oneshot(request).await.unwrap_err();
        assert_eq!(*told.lock().unwrap(), chosen, "{http_version:?}: {error}");
        assert_eq!(error.kind(), if chosen.is_some() { Kind::Connect } else { Kind::Builder }, "{error}");
    }
}
