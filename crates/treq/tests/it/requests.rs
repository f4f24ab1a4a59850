//! What goes out.

use std::collections::BTreeMap;

use treq::{Body, Client};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn echo() -> RawServer {
    RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await
}

#[tokio::test]
async fn params_are_appended_in_order_and_encoded() {
    #[derive(serde::Serialize)]
    struct Page {
        page: u32,
        tags: Vec<&'static str>,
    }

    let server = echo().await;
    let url = server.url("/p?own=1+2");
    treq::get(&url).params([("a", "b c"), ("a", "d&e=f#g")]).await.unwrap();
    treq::get(&url).params(Page { page: 2, tags: vec!["x", "y"] }).await.unwrap();
    treq::get(&url).params(BTreeMap::from([("k", "é~*-._")])).params([("flag", true)]).await.unwrap();
    treq::get(&url).params::<[(&str, &str); 0]>([]).await.unwrap();
    treq::get(server.url("")).params([("n", 1.5)]).await.unwrap();
    let targets: Vec<_> = server.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(
        targets,
        [
            "/p?own=1+2&a=b+c&a=d%26e%3Df%23g",
            "/p?own=1+2&page=2&tags=x&tags=y",
            "/p?own=1+2&k=%C3%A9~%2A-._&flag=true",
            "/p?own=1+2",
            "/?n=1.5",
        ]
    );
}

#[tokio::test]
async fn fields_of_the_request_win_over_those_of_the_client() {
    let server = echo().await;
    let client = Client::builder().header("x-a", "client").header("x-b", "client").build().unwrap();
    client.get(server.url("/")).header("x-a", "one").header("x-a", "two").await.unwrap();
    let request = &server.requests()[0];
    let named = |name: &str| {
        let headers = request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| String::from_utf8_lossy(value.as_ref()).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!((named("x-a"), named("x-b")), (vec!["one".to_owned(), "two".to_owned()], vec!["client".to_owned()]));
    assert_eq!(named("host"), [server.addr().to_string()]);
}

#[tokio::test]
async fn bodies_carry_their_type_and_length() {
    let server = echo().await;
    let url = server.url("/");
    treq::post(&url).json(serde_json::json!({"a": [1, null], "b": "é"})).await.unwrap();
    treq::post(&url).form([("a", "b c"), ("d", "é&*~")]).await.unwrap();
    treq::post(&url).header("content-type", "application/vnd.api+json").json(1).await.unwrap();
    treq::put(&url).body("text").await.unwrap();
    treq::patch(&url).body(Body::from_fn(|| Body::from(vec![1, 2, 3]))).await.unwrap();
    treq::post(&url).await.unwrap();
    treq::get(&url).await.unwrap();
    let seen = server.requests();
    let seen: Vec<_> = seen
        .iter()
        .map(|request| {
            let text = String::from_utf8_lossy(&request.body).into_owned();
            (request.method(), request.header("content-type"), request.header("content-length"), text)
        })
        .collect();
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        seen,
        [
            ("POST", Some(json), Some("23"), r#"{"a":[1,null],"b":"é"}"#.to_owned()),
            ("POST", Some(form), Some("21"), "a=b+c&d=%C3%A9%26*%7E".to_owned()),
            ("POST", Some("application/vnd.api+json"), Some("1"), "1".to_owned()),
            ("PUT", None, Some("4"), "text".to_owned()),
            ("PATCH", None, Some("3"), "\u{1}\u{2}\u{3}".to_owned()),
            ("POST", None, Some("0"), String::new()),
            ("GET", None, None, String::new()),
        ]
    );
}

#[tokio::test]
async fn every_verb_is_sent_as_it_is_named() {
    let server = Server::start().await.unwrap();
    let url = server.url("/anything");
    let sent = [
        (treq::get(&url), "GET"),
        (treq::post(&url), "POST"),
        (treq::put(&url), "PUT"),
        (treq::patch(&url), "PATCH"),
        (treq::delete(&url), "DELETE"),
    ];
    for (request, method) in sent {
        let json: serde_json::Value = request.await.unwrap().json().await.unwrap();
        assert_eq!(json["method"], method);
    }
    assert_eq!(treq::head(&url).await.unwrap().status(), 200);
    let options = treq::options(&url).await.unwrap();
    assert!(options.headers().contains_key("allow"));
}

#[tokio::test]
async fn hosts_of_every_kind_are_reached() {
    let server = echo().await;
    let (addr, port) = (server.addr(), server.addr().port());
    let tcp = treq::connect::TcpConnect::new();
    let tcp = ["my_host.test", "xn--bcher-kva.test"].iter().fold(tcp, |tcp, host| tcp.resolve_to(host, [addr]));
    let client = Client::builder().tcp(tcp).build().unwrap();
    for (host, sent) in [
        ("my_host.test", format!("my_host.test:{port}")),
        ("Bücher.test", format!("xn--bcher-kva.test:{port}")),
        ("127.0.0.1", format!("127.0.0.1:{port}")),
        ("user:secret@127.0.0.1", format!("127.0.0.1:{port}")),
    ] {
        client.get(format!("http://{host}:{port}/")).await.unwrap();
        let requests = server.requests();
        let last = requests.last().unwrap();
        assert_eq!(last.header("host"), Some(&*sent));
        // What stands before an `@` is for this field and nothing else.
        assert_eq!(last.header("authorization"), (host.contains('@')).then_some("Basic dXNlcjpzZWNyZXQ="));
    }
    let v6 =
        RawServer::builder().ip(std::net::Ipv6Addr::LOCALHOST).connection([Step::ReadRequest, Step::send(OK)]).start();
    let v6 = v6.await;
    let url = format!("http://[::1]:{}/", v6.addr().port());
    assert_eq!(treq::get(&url).await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(v6.requests()[0].header("host"), Some(&url[7..url.len() - 1]));
}

#[tokio::test]
async fn a_fragment_stays_here() {
    let server = echo().await;
    treq::get(server.url("/page?q#part")).await.unwrap();
    assert_eq!(server.requests()[0].target(), "/page?q");
}

/// Each on the client, and the request's own word wins.
#[tokio::test]
async fn client_and_request_are_told_the_same_in_the_same_words() {
    use std::time::Duration;

    let server = Server::start().await.unwrap();
    let client = |builder: treq::ClientBuilder| builder.build().unwrap();
    let none = client(Client::builder().redirects(treq::options::Follow::None));
    assert_eq!(none.get(server.url("/redirect/1")).await.unwrap().status(), 302);
    let one = client(Client::builder().max_redirects(1));
    assert!(one.get(server.url("/redirect/2")).await.is_err());
    assert!(one.get(server.url("/redirect/2")).max_redirects(2).await.is_ok());
    let raw = client(Client::builder().decoding(false));
    assert!(raw.get(server.url("/gzip")).await.unwrap().headers().contains_key("content-encoding"));
    let twice = client(Client::builder().attempts(2));
    let response = twice.get(server.url("/status/503")).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&treq::retry::Attempted::new(2)));
    let keyed = client(Client::builder().idempotency_key(true));
    assert!(keyed.post(server.url("/post")).await.unwrap().text().await.unwrap().contains("Idempotency-Key"));
    let quick = client(Client::builder().head_timeout(Duration::from_millis(20)));
    assert!(quick.get(server.url("/delay/9")).await.unwrap_err().is_timeout());
    assert!(quick.get(server.url("/delay/1")).head_timeout(None).await.is_ok());
    let named = client(Client::builder().headers([("x-a", "1"), ("x-b", "2")]));
    let text = named.get(server.url("/headers")).header("x-b", "3").await.unwrap().text().await.unwrap();
    assert!(text.contains("\"X-A\": \"1\"") && text.contains("\"X-B\": \"3\""), "{text}");
    let bad = Client::builder().headers([("bad name", "1")]).build().unwrap_err();
    assert!(bad.is_builder());
}
