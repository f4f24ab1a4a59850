//! The rows of the page on differences that no test beside the original plays.

use std::time::SystemTime;

use treq::Client;
use treq::options::Follow;
use treq_testing::{RawServer, Step};

async fn server(responses: &[&'static str]) -> RawServer {
    let steps = responses.iter().flat_map(|response| [Step::ReadRequest, Step::send(*response)]);
    RawServer::builder().connection(steps).repeat_last().start().await
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn persistent_false_holds_with_an_agent() {
    let (server, client) = (server(&[EMPTY]).await, Client::new());
    for _ in 0..2 {
        treq::get(server.url("/")).persistent(false).agent(&client).await.unwrap();
    }
    assert_eq!(server.connections(), 2);
    assert!(server.requests().iter().all(|request| request.header("connection") == Some("close")));
}

#[tokio::test]
async fn empty_pairs_on_get_have_a_type_and_no_length() {
    let (server, client) = (server(&[EMPTY, EMPTY]).await, Client::new());
    let none: [(&str, &str); 0] = [];
    client.get(server.url("/")).form(none).await.unwrap();
    client.get(server.url("/")).data(none).await.unwrap();
    for request in server.requests() {
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.header("content-length"), None);
    }
}

#[tokio::test]
async fn the_first_of_repeated_fields_is_found_by_name() {
    let server = server(&["HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\nX-A: 2\r\n\r\n"]).await;
    let response = Client::new().get(server.url("/")).await.unwrap();
    assert_eq!(response.headers()["x-a"], "1");
    assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
}

#[tokio::test]
async fn the_lines_of_a_folded_field_are_joined_by_one_space() {
    let server = server(&["HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n   c\r\n\r\n"]).await;
    let client = Client::builder().folded_fields(true).build().unwrap();
    assert_eq!(client.get(server.url("/")).await.unwrap().headers()["x-a"], "b c");
}

#[tokio::test]
async fn a_response_without_content_keeps_its_content_encoding() {
    for status in ["204 No Content", "304 Not Modified"] {
        let head: &'static str = format!("HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n\r\n").leak();
        let server = server(&[head]).await;
        let mut response = Client::new().get(server.url("/")).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.content().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_thousand_links_are_read_over_all_lines() {
    let line = format!("Link: {}\r\n", vec!["</a>; rel=next"; 600].join(", "));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{line}{line}\r\n");
    let server = server(&[head.leak()]).await;
    assert_eq!(Client::new().get(server.url("/")).await.unwrap().links().len(), 1000);
}

#[tokio::test]
async fn a_303_to_head_is_followed_as_head_unless_strict() {
    const OTHER: &str = "HTTP/1.1 303 See Other\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    for (follow, method) in [(Follow::Standard, "HEAD"), (Follow::Strict, "GET")] {
        let server = server(&[OTHER, EMPTY]).await;
        Client::new().head(server.url("/")).redirects(follow).await.unwrap();
        assert_eq!(server.requests()[1].method(), method);
    }
}

#[tokio::test]
async fn a_cookie_field_of_the_callers_goes_out_with_those_of_the_call_and_hides_the_jar() {
    let server = server(&[EMPTY, EMPTY, EMPTY]).await;
    let client = Client::new();
    let url = server.url("/").parse().unwrap();
    client.jar().unwrap().set_cookie(b"jar=1", &url);
    let sent = |at: usize| server.requests()[at].header("cookie").map(str::to_owned);
    client.get(server.url("/")).cookies([("call", "2")]).await.unwrap();
    client.get(server.url("/")).header("cookie", "own=3").await.unwrap();
    client.get(server.url("/")).header("cookie", "own=3").cookies([("call", "2")]).await.unwrap();
    assert_eq!(sent(0).as_deref(), Some("jar=1; call=2"));
    assert_eq!(sent(1).as_deref(), Some("own=3"));
    assert_eq!(sent(2).as_deref(), Some("own=3; call=2"));
}

#[tokio::test]
async fn secure_cookies_come_and_go_over_http_to_localhost_alone() {
    use treq::cookies::Store;

    let (jar, now) = (treq::Jar::new(), SystemTime::now());
    for (host, is_kept) in [("localhost", true), ("app.localhost", true), ("a.test", false), ("127.0.0.1", false)] {
        let url = format!("http://{host}/").parse().unwrap();
        jar.set_cookie(b"sid=7f; Secure", &url);
        assert_eq!(jar.cookie_field(&treq::cookies::StoreContext::new(&url, now)).is_some(), is_kept, "{host}");
    }
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_service_that_fails_behind_a_stub_breaks_the_connection() {
    let service = tower::service_fn(|_: http::Request<treq::Body>| async {
        Err::<http::Response<treq::Body>, _>(std::io::Error::other("no tea"))
    });
    let error = treq::testing::StubTreq::new(service).get("http://a.test/").await.unwrap_err();
    assert_eq!(error.kind(), treq::Kind::Connect);
}
