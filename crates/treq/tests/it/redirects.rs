//! Redirects through the whole client.

use std::time::Duration;

use treq::error::TooManyRedirects;
use treq::options::Follow;
use treq::redirect::RedirectLayer;
use treq::{Body, Client, Kind};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

fn moved(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 4\r\n\r\nover")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_chain_is_followed_on_one_connection_and_told() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    for path in ["/redirect/5", "/relative-redirect/5", "/absolute-redirect/5"] {
        let mut response = client.get(server.url(path)).await.unwrap();
        assert_eq!((response.status().as_u16(), response.url().path()), (200, "/get"));
        assert_eq!(response.history().len(), 5);
        assert_eq!(response.history()[0].url.path(), path);
        assert!(response.history().iter().all(|hop| hop.status == 302 && hop.headers.contains_key("location")));
        response.content().await.unwrap();
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn twenty_are_followed_and_twenty_one_are_an_error_with_the_way() {
    let server = Server::start().await.unwrap();
    assert_eq!(treq::get(server.url("/redirect/20")).await.unwrap().history().len(), 20);
    let error = treq::get(server.url("/redirect/21")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Redirect);
    let cause = error.find::<TooManyRedirects>().unwrap();
    assert_eq!((cause.limit(), cause.history().len()), (20, 21));
    let off = treq::get(server.url("/redirect/1")).redirects(Follow::None).await.unwrap();
    assert_eq!((off.status().as_u16(), off.history().len()), (302, 0));
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let there = RawServer::builder().connection([Step::ReadRequest, Step::send(OK)]).start().await;
    let to = there.url("/in");
    let here = RawServer::builder().connection([Step::ReadRequest, Step::send(moved(302, &to))]).start().await;
    let request = treq::get(here.url("/out")).headers([
        ("authorization", "Basic secret"),
        ("cookie", "a=secret"),
        ("x-api-key", "secret"),
        ("x-plain", "kept"),
    ]);
    let mut response = request.await.unwrap();
    assert_eq!((response.url().to_string(), response.text().await.unwrap()), (to, "ok".to_owned()));
    let (first, second) = (&here.requests()[0], &there.requests()[0]);
    assert!(["authorization", "cookie", "x-api-key", "x-plain"].iter().all(|name| first.header(name).is_some()));
    assert!(["authorization", "cookie", "x-api-key"].iter().all(|name| second.header(name).is_none()));
    assert_eq!(second.header("x-plain"), Some("kept"));
    assert_eq!(second.header("host"), Some(&*there.addr().to_string()));
}

#[tokio::test]
async fn bodies_are_sent_again_where_the_status_says_so() {
    for (status, method, body) in [(307, "POST", "body"), (308, "PUT", "body"), (303, "GET", ""), (302, "GET", "")] {
        let server = RawServer::builder()
            .connection([Step::ReadRequest, Step::send(moved(status, "/next")), Step::ReadRequest, Step::send(OK)])
            .start()
            .await;
        let first = if method == "PUT" { "PUT" } else { "POST" };
        treq::request(first, server.url("/")).header("content-type", "text/plain").body("body").await.unwrap();
        let next = &server.requests()[1];
        assert_eq!((next.method(), &next.body[..], next.target()), (method, body.as_bytes(), "/next"), "{status}");
        assert_eq!(next.header("content-type").is_some(), !body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_an_error_that_says_why() {
    let once = || Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"once")));
    for (status, to, part) in [
        (307, "/next", "once"),
        (302, "ftp://a.test/x", "\"ftp\""),
        (302, "http://[::1", "[::1"),
        (302, "javascript:alert(1)", "javascript"),
    ] {
        let server = RawServer::builder().connection([Step::ReadRequest, Step::send(moved(status, to))]).start().await;
        let error = treq::post(server.url("/")).body(once()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Redirect, "{to}: {error}");
        assert!(crate::chain(&error).contains(part), "{to}: {}", crate::chain(&error));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn policy_and_limit_are_set_for_a_client_and_for_a_request() {
    let server = Server::start().await.unwrap();
    let client =
        Client::builder().redirect_layer(RedirectLayer::new().policy(Follow::Strict).limit(2)).build().unwrap();
    assert_eq!(client.get(server.url("/redirect/3")).await.unwrap_err().kind(), Kind::Redirect);
    assert!(client.get(server.url("/redirect/3")).max_redirects(3).await.is_ok());
    let to = server.url("/redirect-to?url=/get");
    assert_eq!(client.post(&to).await.unwrap_err().kind(), Kind::Redirect);
    assert_eq!(client.post(&to).redirects(Follow::Standard).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_redirect_is_waited_for_as_long_as_its_layer_says() {
    let (usual, long) = (Duration::from_millis(50), Duration::from_millis(400));
    for (redirect, wait) in [(RedirectLayer::new(), usual), (RedirectLayer::new().drain_timeout(long), long)] {
        let late = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 4\r\n\r\n";
        let server = RawServer::builder()
            .connection([Step::ReadHead, Step::send(late), Step::Stall])
            .connection([Step::ReadHead, Step::send(OK)])
            .start_in_memory();
        let client = Client::builder().connector(server.connector()).redirect_layer(redirect).build().unwrap();
        let begin = tokio::time::Instant::now();
        assert_eq!(client.get(server.url("/")).await.unwrap().status(), 200);
        assert!(begin.elapsed().abs_diff(wait) <= Duration::from_millis(2), "{:?}", begin.elapsed());
    }
}
