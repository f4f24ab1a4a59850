//! Through proxies, chosen by the client and by the request.

use treq::auth::Digest;
use treq::{Client, Kind, Proxies, Proxy};
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn proxy() -> RawServer {
    RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await
}

fn through(server: &RawServer) -> Client {
    let proxy = Proxy::try_from(&format!("http://ada:s3cret@{}", server.addr())).unwrap();
    Client::builder().proxy(Proxies::all(proxy).no_proxy("direct.test")).build().unwrap()
}

#[tokio::test]
async fn one_connection_to_a_forward_proxy_serves_every_origin() {
    let server = proxy().await;
    let client = through(&server);
    for url in ["http://a.test/x?y", "http://b.test:8080/", "http://[::1]:81/z"] {
        assert_eq!(client.get(url).await.unwrap().text().await.unwrap(), "ok");
    }
    let requests = server.requests();
    let heads: Vec<_> =
        requests.iter().map(|request| (request.line.as_str(), request.header("host").unwrap())).collect();
    assert_eq!(
        heads,
        [
            ("GET http://a.test/x?y HTTP/1.1", "a.test"),
            ("GET http://b.test:8080/ HTTP/1.1", "b.test:8080"),
            ("GET http://[::1]:81/z HTTP/1.1", "[::1]:81"),
        ]
    );
    assert!(requests.iter().all(|request| request.header("proxy-authorization") == Some("Basic YWRhOnMzY3JldA==")));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_has_the_last_word_on_its_proxy() {
    let (server, other) = (proxy().await, proxy().await);
    let client = through(&server);
    client.get("http://a.test/").proxy(format!("http://{}", other.addr())).await.unwrap();
    client.get(other.url("/direct")).without_proxy().await.unwrap();
    treq::get("http://c.test/").proxy(format!("http://{}", other.addr())).await.unwrap();
    assert_eq!(server.requests().len(), 0);
    let lines: Vec<_> = other.requests().iter().map(|request| request.line.clone()).collect();
    assert_eq!(lines, ["GET http://a.test/ HTTP/1.1", "GET /direct HTTP/1.1", "GET http://c.test/ HTTP/1.1"]);
    assert!(other.requests().iter().all(|request| request.header("proxy-authorization").is_none()));

    let error = treq::get("http://a.test/").proxy("ftp://ada:s3cret@p.test").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_407_is_answered_by_digest_and_the_body_sent_again() {
    const CHALLENGE: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\
                             Content-Length: 4\r\n\r\nnope";
    let steps = [Step::ReadRequest, Step::send(CHALLENGE), Step::ReadRequest, Step::send(OK)];
    let server = RawServer::builder().connection(steps).start().await;
    let digest = Digest::new("ada", "s3cret");
    let proxy = Proxy::try_from(&format!("http://{}", server.addr())).unwrap().auth(digest);
    let client = Client::builder().proxy(Proxies::all(proxy)).build().unwrap();
    let response = client.post("http://a.test/").body("tea").await.unwrap();
    assert_eq!(response.status(), 200);
    let requests = server.requests();
    assert_eq!(requests[0].header("proxy-authorization"), None);
    let answer = requests[1].header("proxy-authorization").unwrap();
    assert!(answer.starts_with("Digest ") && answer.contains("uri=\"http://a.test/\""), "{answer}");
    assert_eq!((&requests[0].body[..], &requests[1].body[..]), (&b"tea"[..], &b"tea"[..]));
}

#[tokio::test]
async fn a_tunnel_that_is_refused_is_no_answer_of_the_origin() {
    const NO: &str = "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nevil";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(NO)]).start().await;
    let error = through(&server).get("https://a.test/").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    let request = &server.requests()[0];
    assert_eq!((request.line.as_str(), request.header("host")), ("CONNECT a.test:443 HTTP/1.1", Some("a.test:443")));
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_takes_addresses_is_given_those_of_the_client() {
    let grant = Step::send(&b"\x05\x00\x00\x01\0\0\0\0\0\0"[..]);
    let greet = [Step::ReadBytes(3), Step::send(&b"\x05\x00"[..]), Step::ReadBytes(10)];
    let steps = greet.into_iter().chain([grant, Step::ReadRequest, Step::send(OK)]);
    let server = RawServer::builder().connection(steps).start().await;
    // The resolver would find the proxy nowhere, so it is named by its address.
    let tcp = treq::connect::TcpConnect::new().resolve_to("exämple.test", ["203.0.113.7:0".parse().unwrap()]);
    let client = Client::builder().tcp(tcp).build().unwrap();
    let request = client.get("http://EXÄMPLE.test.:81/").proxy(format!("socks5://{}", server.addr()));
    assert_eq!(request.await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(server.connection(0).extra[3..], [5, 1, 0, 1, 203, 0, 113, 7, 0, 81]);
}

#[tokio::test]
async fn names_below_localhost_are_this_machine() {
    let server = proxy().await;
    let nowhere = treq::connect::resolve_fn(|name| async move { panic!("{name:?} is looked up") });
    let tcp = treq::connect::TcpConnect::new().resolver(nowhere);
    let client = Client::builder().tcp(tcp).build().unwrap();
    let port = server.addr().port();
    for host in ["app.localhost", "a.b.LocalHost", "app.localhost."] {
        let response = client.get(format!("http://{host}:{port}/")).await.unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn values_that_no_system_takes_are_taken_for_the_nearest() {
    use std::time::Duration;
    use treq::connect::Keepalive;

    let server = proxy().await;
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(500), Duration::MAX] {
        for probes in [0, 3, 200, u32::MAX] {
            let tcp = treq::connect::TcpConnect::new().keepalive(Keepalive::after(time).every(time).probes(probes));
            let client = Client::builder().tcp(tcp.user_timeout(time)).build().unwrap();
            let response = client.get(server.url("/")).await;
            assert!(response.is_ok(), "{time:?} {probes}: {response:?}");
        }
    }
}
