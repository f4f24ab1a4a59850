//! A cassette on the connections of a whole client.

use std::time::Duration;

use http::{Request, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tower::ServiceExt;
use tower_service::Service;
use treq_core::{Body, BoxError, Connected, Error, HttpVersion, Kind, Origin, Target};
use treq_httpbin::Httpbin;
use treq_testing::{Cassette, MemoryServer, Mode, RawServer, Step};

use super::{Seen, Shelf, get, gone, seen, send};
use crate::support::{ask, target, to_end};

/// A client of one connection: one request after the other.
async fn session<C, IO>(mut connect: C, requests: Vec<Request<Body>>) -> Vec<Seen>
where
    C: Service<Target, Response = Connected<IO>, Error = Error>,
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let connected = connect.ready().await.unwrap().call(target("http://bin.test")).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(connected.io)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut all = Vec::new();
    for request in requests {
        sender.ready().await.unwrap();
        let response: Response<_> = sender.send_request(request).await.unwrap();
        all.push(seen(response).await.unwrap());
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    all
}

fn requests() -> Vec<Request<Body>> {
    let paths = ["/get?a=1", "/stream-bytes/100?seed=1", "/status/204", "/gzip", "/redirect/1", "/bytes/3000?seed=2"];
    let with_host = |request: http::request::Builder| request.header("host", "bin.test");
    let mut all: Vec<_> =
        paths.into_iter().map(|path| with_host(Request::get(path)).body(Body::empty()).unwrap()).collect();
    all.push(with_host(Request::head("/get")).body(Body::empty()).unwrap());
    all.push(with_host(Request::post("/post")).header("content-type", "text/plain").body(Body::from("tea")).unwrap());
    all
}

#[tokio::test]
async fn what_is_said_on_connections_is_recorded_and_played() {
    let shelf = Shelf::new();
    let server = MemoryServer::new(Httpbin::new());
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    let recorded = session(cassette.connect(server.connector()), requests()).await;
    assert_eq!(server.connections(), 1);
    server.wait_closed().await;
    cassette.finish().unwrap();
    drop(server);

    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    let played = session(cassette.offline(), requests()).await;
    assert_eq!(played, recorded);
    cassette.assert_played();

    // The layer of another client plays the same.
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    assert_eq!(send(&cassette, gone(), get("http://bin.test/get?a=1")).await.unwrap().body, recorded[0].body);
}

#[tokio::test]
async fn new_connects_only_for_what_is_not_there() {
    let shelf = Shelf::new();
    for (count, connections) in [(3, 1), (3, 0), (4, 1)] {
        let server = MemoryServer::new(Httpbin::new());
        let cassette = Cassette::open(shelf.path(), Mode::New).unwrap();
        session(cassette.connect(server.connector()), requests().into_iter().take(count).collect()).await;
        assert_eq!(server.connections(), connections);
        cassette.finish().unwrap();
    }
}

#[tokio::test]
async fn a_request_that_is_not_there_is_answered_by_the_report() {
    let cassette = Cassette::options().parse("{\"log\":{\"entries\":[]}}").unwrap();
    let mut io = cassette.offline().call(target("http://a.test")).await.unwrap().io;
    ask(&mut io, "GET /tea HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    let answer = to_end(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("asked       http://a.test/tea"), "{answer}");
    assert!(cassette.finish().is_err());
}

#[tokio::test]
async fn what_it_cannot_do_it_refuses() {
    let cassette = Cassette::options().parse("{\"log\":{\"entries\":[]}}").unwrap();
    let error = cassette.offline().call(target("https://a.test")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    assert!(error.to_string().ends_with("use its layer"), "{error}");
    let mut h2 = Target::new(Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap());
    h2.http_version = HttpVersion::Http2;
    assert_eq!(cassette.offline().call(h2).await.unwrap_err().kind(), Kind::Builder);
    let recording = Cassette::open(Shelf::new().path(), Mode::Once).unwrap();
    let error = recording.offline().call(target("http://a.test")).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("is offline")), (Kind::Connect, true));
    // What the connector below says passes.
    let server = MemoryServer::new(Httpbin::new());
    server.refuse_next(1);
    let error = recording.connect(server.connector()).call(target("http://a.test")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.to_string().contains("as it was told to"), "{error}");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let server = MemoryServer::new(tower::service_fn(|_: Request<Body>| {
        std::future::pending::<Result<Response<Body>, BoxError>>()
    }));
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let mut io = cassette.connect(server.connector()).call(target("http://a.test")).await.unwrap().io;
    ask(&mut io, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    tokio::task::yield_now().await;
    drop(io);
    tokio::time::timeout(Duration::from_secs(20), server.wait_closed()).await.unwrap();
    assert!(cassette.is_empty());
    cassette.finish().unwrap();
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_so_again() {
    let shelf = Shelf::new();
    let steps = [Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), Step::Close];
    let server = RawServer::builder().connection(steps).start_in_memory();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    let recorded = broken(cassette.connect(server.connector())).await;
    cassette.finish().unwrap();
    drop(server);
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    assert_eq!(broken(cassette.offline()).await, recorded);
    assert!(recorded.contains("content-length: 9\r\n") && recorded.ends_with("\r\n\r\nhalf"), "{recorded}");
    cassette.assert_played();
}

/// The client's own connection stays open, as it is one to the server that records.
#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_made_anew() {
    let answer = |body: &str| Step::send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{body}"));
    for mode in [Mode::Always, Mode::New] {
        let server = RawServer::builder()
            .connection([Step::ReadRequest, answer("a"), Step::Close])
            .connection([Step::ReadRequest, answer("b"), Step::ReadToEnd])
            .start_in_memory();
        let cassette = Cassette::open(Shelf::new().path(), mode).unwrap();
        let seen = session(cassette.connect(server.connector()), requests().into_iter().take(2).collect()).await;
        assert_eq!((&seen[0].body[..], &seen[1].body[..]), (&b"a"[..], &b"b"[..]));
        assert_eq!(server.connections(), 2);
    }
}

/// What comes until the connection breaks, but for the date, which the server in front adds.
async fn broken<C, IO>(mut connect: C) -> String
where
    C: Service<Target, Response = Connected<IO>, Error = Error>,
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut io = connect.call(target("http://a.test")).await.unwrap().io;
    ask(&mut io, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let answer = to_end(&mut io).await;
    answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}
