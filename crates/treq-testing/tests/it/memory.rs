use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Body, Error, Kind, Peer, Resend};
use treq_testing::{MemoryServer, NetworkBan};

use crate::support::{ask, connect, pipe, says, target, to_end};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

async fn text(server: &MemoryServer, url: &str) -> String {
    let mut io = connect(&server.connector(), url).await.unwrap().io;
    ask(&mut io, GET).await;
    let answer = to_end(&mut io).await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn echo() -> MemoryServer {
    MemoryServer::new(tower::service_fn(|request: Request<Body>| async move {
        let version = request.version();
        let mut response = Response::new(request.into_body());
        response.extensions_mut().insert(version);
        response.headers_mut().insert("x-version", format!("{version:?}").parse().unwrap());
        Ok::<_, Infallible>(response)
    }))
}

#[tokio::test]
async fn finds_hosts_by_name_and_port() {
    let server = MemoryServer::default().host("a.test", says("a")).host("A.test:8080", says("a at 8080"));
    assert_eq!(text(&server, "http://a.test").await, "a");
    assert_eq!(text(&server, "http://a.test:8080").await, "a at 8080");
    assert_eq!(text(&server, "https://A.TEST:81").await, "a");
    let error = connect(&server.connector(), "http://b.test").await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe));
    assert!(error.to_string().contains("b.test:80"), "{error}");
}

#[tokio::test]
async fn answers_for_every_host() {
    let server = MemoryServer::new(says("any")).host("b.test", says("b"));
    assert_eq!(text(&server, "http://a.test").await, "any");
    assert_eq!(text(&server, "http://b.test").await, "b");
    let peer = connect(&server.connector(), "http://c.test:81").await.unwrap().peer;
    assert_eq!(peer, Peer::Memory("c.test".into()));
}

#[tokio::test]
async fn speaks_http1_and_keeps_the_connection() {
    let server = echo();
    let io = TokioIo::new(pipe(&server.connector()).await);
    let (mut sender, connection) = http1::handshake(io).await.unwrap();
    let driver = tokio::spawn(connection);
    for text in ["one", "two"] {
        let request = Request::post("/").header("host", "a.test").body(Full::new(Bytes::from(text))).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()["x-version"], "HTTP/1.1");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), text);
    }
    assert_eq!((server.connections(), server.open()), (1, 1));
    drop(sender);
    driver.await.unwrap().unwrap();
    server.wait_closed().await;
    assert_eq!((server.connections(), server.open()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn speaks_http2_to_who_begins_with_it() {
    let server = echo().capacity(1000);
    let io = TokioIo::new(pipe(&server.connector()).await);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let big = Bytes::from(vec![7; 300_000]);
    let exchange = |mut sender: http2::SendRequest<Full<Bytes>>, body: Bytes| async move {
        let request = Request::post("http://a.test/").body(Full::new(body)).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        response.into_body().collect().await.unwrap().to_bytes()
    };
    let (a, b) = tokio::join!(exchange(sender.clone(), big.clone()), exchange(sender, Bytes::from("small")));
    assert_eq!((a, b), (big, Bytes::from("small")));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn hands_on_upgrades() {
    let server = MemoryServer::new(tower::service_fn(|request: Request<Body>| async move {
        tokio::spawn(async move {
            let mut io = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
            let mut word = [0; 4];
            io.read_exact(&mut word).await.unwrap();
            word.reverse();
            io.write_all(&word).await.unwrap();
        });
        let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).header("upgrade", "back");
        response.header("connection", "upgrade").body(Empty::<Bytes>::new())
    }));
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: back\r\n\r\nabcd").await;
    assert!(to_end(&mut io).await.ends_with("\r\n\r\ndcba"));
}

#[tokio::test]
async fn refuses_as_often_as_told() {
    let server = MemoryServer::new(says("late"));
    server.refuse_next(2);
    for _ in 0..2 {
        let error = connect(&server.connector(), "http://a.test").await.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::Safe));
        assert_eq!(error.find::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(text(&server, "http://a.test").await, "late");
}

#[tokio::test(start_paused = true)]
async fn delays_connecting_in_paused_time() {
    let server = MemoryServer::new(says("slow")).connect_delay(Duration::from_secs(30));
    let begun = Instant::now();
    assert_eq!(text(&server, "http://a.test").await, "slow");
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_failing_service_cuts_the_connection() {
    let server = MemoryServer::new(tower::service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(std::io::Error::other("broken"))
    }));
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, GET).await;
    assert_eq!(to_end(&mut io).await, "");
}

/// Told by the process that it is to play the service that fails.
const INNER: &str = "TREQ_TESTING_INNER";

#[tokio::test]
async fn the_error_of_a_failing_service_is_printed_with_its_causes() {
    if std::env::var_os(INNER).is_some() {
        let server = MemoryServer::new(tower::service_fn(|_: Request<Body>| async {
            let error = Error::new(Kind::Other, "no tea").with_source(std::io::Error::other("no water"));
            Err::<Response<Body>, _>(error)
        }));
        let mut io = pipe(&server.connector()).await;
        ask(&mut io, GET).await;
        assert_eq!(to_end(&mut io).await, "");
        return;
    }
    let name = "memory::the_error_of_a_failing_service_is_printed_with_its_causes";
    let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
    let output = itself.args(["--exact", name, "--nocapture"]).env(INNER, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the service behind the memory server failed: no tea: no water\n"), "{said}");
}

#[tokio::test]
async fn what_came_before_a_body_s_error_is_sent() {
    let server = MemoryServer::new(tower::service_fn(|_: Request<Body>| async {
        let error = std::future::ready(Some(Err(std::io::Error::other("late"))));
        let part = Full::new(Bytes::from("part")).map_err(|never| match never {}).with_trailers(error);
        // Through the map, which leaves out its length.
        Ok::<_, Infallible>(Response::new(Body::new(part.map_frame(|frame| frame))))
    }));
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, GET).await;
    let answer = to_end(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n4\r\npart\r\n"), "{answer:?}");
}

#[tokio::test]
async fn disconnects_all_and_serves_again() {
    let server = MemoryServer::new(says("again"));
    let mut idle = pipe(&server.connector()).await;
    server.disconnect();
    assert_eq!(to_end(&mut idle).await, "");
    assert_eq!(text(&server, "http://a.test").await, "again");
}

#[tokio::test]
async fn ends_everything_when_dropped() {
    let server = MemoryServer::new(says("gone"));
    let connector = server.connector();
    let mut idle = pipe(&connector).await;
    drop(server);
    assert_eq!(to_end(&mut idle).await, "");
    let error = connect(&connector, "http://a.test").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
}

#[tokio::test]
async fn leaves_no_task_behind() {
    let (held, released) = tokio::sync::mpsc::channel::<()>(1);
    let server = MemoryServer::new(tower::service_fn(move |_: Request<Body>| {
        let held = held.clone();
        async move {
            let _held = held;
            std::future::pending::<Result<Response<Body>, Infallible>>().await
        }
    }));
    let io = TokioIo::new(pipe(&server.connector()).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://a.test/").body(Empty::<Bytes>::new()).unwrap();
    let waiting = tokio::spawn(async move { sender.send_request(request).await });
    while released.sender_strong_count() < 2 && !waiting.is_finished() {
        tokio::task::yield_now().await;
    }
    drop(server);
    assert!(waiting.await.unwrap().is_err());
    while released.sender_strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hosts_are_named_as_urls_name_them() {
    let server = MemoryServer::default().host("[::1]:82", says("port")).host("::1", says("host"));
    let server = server.host("B\u{fc}cher.test", says("books"));
    for (url, want) in [("http://[::1]:82", "port"), ("http://[::1]", "host"), ("http://xn--bcher-kva.test:8", "books")]
    {
        assert_eq!(text(&server, url).await, want, "{url}");
    }
    for name in ["http://a.test", "*.a.test", ""] {
        let panic = std::panic::catch_unwind(|| MemoryServer::default().host(name, says("")).open()).unwrap_err();
        let said = panic.downcast_ref::<String>().unwrap();
        assert!(
            said.ends_with("is no host: name it as \"a.test\", or as \"a.test:8080\" for one port of it"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_ban_says_how_to_name_what_it_refuses() {
    let server = MemoryServer::new(says("any"));
    let ban = NetworkBan::but(["[::1]:82", "b\u{fc}cher.test", "::2"]);
    let mut connector = ban.layer().layer(server.connector());
    for url in ["http://[::1]:82", "https://xn--bcher-kva.test", "http://[::2]:8"] {
        connector.call(target(url)).await.unwrap();
    }
    for (url, name) in [("http://a.test", "a.test:80"), ("https://[::1]", "[::1]:443")] {
        let error = connector.call(target(url)).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the test's network ban does not allow {url}: name it in NetworkBan::but, as {name:?}")
        );
        connector = NetworkBan::but([name]).layer().layer(server.connector());
        connector.call(target(url)).await.unwrap();
        connector = ban.layer().layer(server.connector());
    }
    assert_eq!(ban.take_refused(), ["http://a.test", "https://[::1]"]);
    let panic = std::panic::catch_unwind(|| NetworkBan::but(["http://a.test"])).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("\"http://a.test\" is no host"));
}
