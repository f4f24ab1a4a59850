//! Which requests go out a second time, and how often the server sees them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower::{Layer as _, ServiceExt as _, service_fn};
use treq_agent::{Agent, HttpHandshake};
use treq_core::{Body, Connected, Error, Forward, Peer, Resend, Target};
use treq_pool::PoolLayer;
use treq_testing::{RawServer, Step};

use crate::support::{IntoBytes as _, OK, facts, get, pooled, request, send, settle, stream};

fn body(kind: &str) -> Body {
    match kind {
        "empty" => Body::empty(),
        "bytes" => Body::from("body"),
        "factory" => Body::from_fn(|| Body::from("body")),
        // There once, with nothing in it: as a proxy has it of a request that it hands on.
        "ended" => Body::new(http_body_util::Empty::<Bytes>::new()),
        _ => stream(&["body"]),
    }
}

/// How the server breaks an exchange off, and whether nothing of an answer had come.
fn ends() -> [(&'static str, Vec<Step>, bool); 6] {
    let sends = |wire: &'static str| vec![Step::ReadRequest, Step::SendPieces(vec![wire.into()]), Step::Close];
    [
        ("closes", vec![Step::ReadRequest, Step::Close], true),
        ("resets", vec![Step::ReadRequest, Step::Reset], true),
        ("sends one byte", sends("H"), false),
        ("sends part of a status line", sends("HTTP/1.1 20"), false),
        ("sends an interim head", sends("HTTP/1.1 103 Early Hints\r\n\r\n"), false),
        ("sends half a head", sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), false),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_once_where_the_connection_was_used_nothing_came_and_it_may_be() {
    for (end, steps, silent) in ends() {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"] {
            for kind in ["empty", "bytes", "factory", "ended", "stream"] {
                let warm = [Step::ReadRequest, Step::send(OK)].into_iter().chain(steps.clone());
                let answer = if method == "HEAD" { "HTTP/1.1 200 OK\r\n\r\n" } else { OK };
                let server = RawServer::builder()
                    .connection(warm)
                    .connection([Step::ReadRequest, Step::send(answer), Step::ReadToEnd])
                    .start_in_memory();
                let (agent, pool) = pooled(server.connector());
                send(&agent, get("http://a.test/warm")).await.unwrap();
                let done = send(&agent, request(method, "http://a.test/again", body(kind))).await;
                let seen: Vec<_> = server.requests().into_iter().filter(|seen| seen.target() == "/again").collect();
                let may = !matches!(method, "POST" | "PATCH") && kind != "stream";
                let case = format!("{method} with {kind}, the server {end}");
                assert_eq!(seen.len(), if silent && may { 2 } else { 1 }, "{case}");
                let content = if ["empty", "ended"].contains(&kind) { "" } else { "body" };
                assert!(seen.iter().all(|seen| seen.body == content), "{case}: {seen:?}");
                match done {
                    Ok(response) => assert!(silent && may && !facts(&response).is_reused(), "{case}"),
                    Err(error) => {
                        assert!(!(silent && may), "{case}: {error}");
                        assert_eq!(error.resend(), Resend::MaybeProcessed, "{case}");
                    }
                }
                assert_eq!(pool.stats().in_use(), 0, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_repeated_that_went_out_on_a_new_connection() {
    for (end, steps, _) in ends() {
        let server = RawServer::builder().connection(steps).repeat_last().start_in_memory();
        let (agent, _pool) = pooled(server.connector());
        let error = send(&agent, get("http://a.test/")).await.unwrap_err();
        assert_eq!((server.requests().len(), error.resend()), (1, Resend::MaybeProcessed), "the server {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_once_and_no_more() {
    let dies = [Step::ReadRequest, Step::send(OK), Step::ReadRequest, Step::Close];
    let server = RawServer::builder()
        .connection(dies)
        .connection([Step::ReadRequest, Step::Close])
        .repeat_last()
        .start_in_memory();
    let (agent, _pool) = pooled(server.connector());
    send(&agent, get("http://a.test/warm")).await.unwrap();
    let error = send(&agent, get("http://a.test/again")).await.unwrap_err();
    assert_eq!((server.connections(), server.requests().len()), (2, 3));
    assert_eq!(error.resend(), Resend::MaybeProcessed);
}

#[tokio::test(start_paused = true)]
async fn a_whole_head_is_an_answer_whatever_comes_then() {
    let cut = Step::SendPieces(vec!["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".into()]);
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(OK), Step::ReadRequest, cut, Step::Close])
        .start_in_memory();
    let (agent, _pool) = pooled(server.connector());
    send(&agent, get("http://a.test/warm")).await.unwrap();
    let response = agent.oneshot(get("http://a.test/again")).await.unwrap();
    assert!(response.into_bytes().await.is_err());
    assert_eq!(server.requests().len(), 2);
}

/// Servers' ends of connections, to be closed at a moment of the test's choice.
type Ends = Arc<Mutex<Vec<Option<DuplexStream>>>>;

/// Reads a head and answers, on the connection with this number.
async fn serve(ends: &Ends, number: usize) -> String {
    let mut end = loop {
        let end = ends.lock().unwrap().get_mut(number).and_then(Option::take);
        match end {
            Some(end) => break end,
            None => tokio::task::yield_now().await,
        }
    };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(end.read_u8().await.unwrap());
    }
    end.write_all(OK.as_bytes()).await.unwrap();
    ends.lock().unwrap()[number] = Some(end);
    String::from_utf8(head).unwrap()
}

/// Warms a connection up, closes it so that nobody has noticed, and sends a POST. `forward` says what the connection
/// with each number is.
pub(crate) async fn post_to_a_dead_one(forward: fn(usize) -> Option<Forward>) -> Vec<String> {
    let ends = Ends::default();
    let made = Arc::clone(&ends);
    let connector = service_fn(move |_: Target| {
        let (client, server) = tokio::io::duplex(4096);
        let mut ends = made.lock().unwrap();
        ends.push(Some(server));
        let mut connected = Connected::new(client, Peer::Memory("a.test".into()));
        connected.forward = forward(ends.len() - 1);
        std::future::ready(Ok::<_, Error>(connected))
    });
    let pool = PoolLayer::new().layer(HttpHandshake::new(connector));
    let agent = Agent::new(pool.clone());
    let (warm, first) = tokio::join!(send(&agent, get("http://a.test/warm")), serve(&ends, 0));
    assert_eq!(warm.unwrap().into_body(), "ok");
    settle().await;
    // Between this line and the next nobody else runs.
    ends.lock().unwrap()[0] = None;
    let mut post: Request<Body> = request("POST", "http://a.test/once", stream(&["body"]));
    post.headers_mut().insert("x-mine", HeaderValue::from_static("kept"));
    let (done, second) = tokio::join!(send(&agent, post), serve(&ends, 1));
    assert_eq!(done.unwrap().into_body(), Bytes::from("ok"));
    vec![first, second]
}

#[tokio::test(start_paused = true)]
async fn what_was_never_written_goes_out_again_whatever_it_is() {
    let heads = post_to_a_dead_one(|_| None).await;
    assert!(heads[1].starts_with("POST /once HTTP/1.1\r\n"), "{heads:?}");
    assert_eq!(heads[1].matches("host:").count(), 1, "{heads:?}");
    assert!(heads[1].contains("x-mine: kept") && heads[1].contains("transfer-encoding: chunked"), "{heads:?}");
}
