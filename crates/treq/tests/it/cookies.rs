//! Cookies through the whole client.

use treq::cookies::SessionCookies;
use treq::{Client, Cookie, Jar, Kind};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers in memory, for any host.
fn answering<S: Into<String>>(answers: impl IntoIterator<Item = S>) -> RawServer {
    let steps = answers.into_iter().flat_map(|answer| [Step::ReadRequest, Step::send(answer.into())]);
    // Each origin has a connection of its own: all of them play the same part.
    RawServer::builder().connection(steps).repeat_last().start_in_memory()
}

fn moved(to: &str, set_cookie: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nSet-Cookie: {set_cookie}\r\nContent-Length: 0\r\n\r\n")
}

#[tokio::test]
async fn a_client_is_a_session_and_free_functions_are_not() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let cookies = async |request: treq::RequestBuilder| {
        let json: serde_json::Value = request.await.unwrap().json().await.unwrap();
        json["cookies"].clone()
    };
    // Set by the redirect, sent at its target.
    assert_eq!(
        cookies(client.get(server.url("/cookies/set?a=1&b=2"))).await,
        serde_json::json!({ "a": "1", "b": "2" })
    );
    let json = cookies(client.clone().get(server.url("/cookies"))).await;
    assert_eq!(json, serde_json::json!({ "a": "1", "b": "2" }));
    assert_eq!(cookies(client.get(server.url("/cookies/delete?a"))).await, serde_json::json!({ "b": "2" }));
    assert_eq!(cookies(treq::get(server.url("/cookies/set?c=3"))).await, serde_json::json!({ "c": "3" }));
    assert_eq!(cookies(treq::get(server.url("/cookies"))).await, serde_json::json!({}));
    assert_eq!(cookies(Client::new().get(server.url("/cookies"))).await, serde_json::json!({}));
    // For one request: in the place of one of the same name, and not kept.
    let extra = client.get(server.url("/cookies")).cookies([("b", "9"), ("d", "4")]).cookies([("e", "5")]);
    assert_eq!(cookies(extra).await, serde_json::json!({ "b": "9", "d": "4", "e": "5" }));
    assert_eq!(cookies(client.get(server.url("/cookies"))).await, serde_json::json!({ "b": "2" }));
    // The caller's own field switches the jar off.
    let own = client.get(server.url("/cookies")).header("cookie", "mine=1");
    assert_eq!(cookies(own).await, serde_json::json!({ "mine": "1" }));
    // Another jar for one request, and none at all.
    let jar = Jar::new();
    assert_eq!(
        cookies(client.get(server.url("/cookies/set?f=6")).jar(jar.clone())).await,
        serde_json::json!({ "f": "6" })
    );
    assert_eq!((jar.len(), client.jar().unwrap().len()), (1, 1));
    let other = Client::new();
    for request in [treq::get(server.url("/cookies")), other.get(server.url("/cookies"))] {
        assert_eq!(cookies(request.jar(jar.clone()).agent(&client)).await, serde_json::json!({ "f": "6" }));
    }
    // That of the client, of which no more is said.
    assert_eq!(cookies(treq::get(server.url("/cookies")).agent(&client)).await, serde_json::json!({ "b": "2" }));
    let without = Client::builder().without_cookies().build().unwrap();
    assert_eq!(cookies(without.get(server.url("/cookies/set?g=7"))).await, serde_json::json!({}));
    assert_eq!(
        cookies(without.get(server.url("/cookies")).cookies([("h", "8")])).await,
        serde_json::json!({ "h": "8" })
    );
    assert!(without.jar().is_none());
}

#[tokio::test]
async fn an_answer_tells_what_it_and_its_redirects_set() {
    let server = answering([
        moved("/2", "a=1; Path=/"),
        moved("/3", "a=2; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"),
        "HTTP/1.1 401 No\r\nSet-Cookie: b=3\r\nSet-Cookie: gone=; Max-Age=0\r\nContent-Length: 0\r\n\r\n".to_owned(),
    ]);
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let response = client.get("http://a.test/1").await.unwrap();
    assert_eq!(response.status(), 401);
    let cookies = response.cookies();
    let shown: Vec<_> =
        cookies.iter().map(|cookie| (cookie.name_str().unwrap(), cookie.value_str().unwrap())).collect();
    // A Secure cookie of http is refused, so the first one stands.
    assert_eq!(shown, [("a", "1"), ("b", "3")]);
    assert_eq!(client.jar().unwrap().len(), 2);
    assert_eq!(client.jar().unwrap().get("b").unwrap().unwrap().value(), b"3");
    let sent: Vec<_> = server.requests().iter().map(|it| it.header("cookie").unwrap_or("-").to_owned()).collect();
    assert_eq!(sent, ["-", "a=1", "a=1"]);
}

#[tokio::test]
async fn cookies_of_one_request_do_not_come_back_on_a_chain_that_left_their_origin() {
    let server = answering([
        moved("http://b.test/2", "kept=1; Path=/"),
        moved("http://a.test/3", "other=1; Path=/"),
        OK.to_owned(),
        OK.to_owned(),
    ]);
    let client = Client::builder().connector(server.connector()).build().unwrap();
    // Each host begins the script anew: A, B, B, A and on.
    let _ = client.get("http://a.test/1").cookies([("extra", "secret")]).await;
    let requests = server.requests();
    let sent: Vec<_> =
        requests.iter().map(|it| (it.header("host").unwrap(), it.header("cookie").unwrap_or("-"))).collect();
    assert_eq!(sent[0], ("a.test", "extra=secret"));
    assert!(sent[1..].iter().all(|(_, cookie)| !cookie.contains("extra")), "{sent:?}");
    assert!(sent[1..].iter().any(|(host, cookie)| *host == "a.test" && cookie.contains("kept=1")), "{sent:?}");
}

#[tokio::test]
async fn clients_share_a_jar_that_outlives_them() {
    let server = Server::start().await.unwrap();
    let jar = Jar::new();
    let client = || Client::builder().jar(jar.clone()).build().unwrap();
    client().get(server.url("/cookies/set?a=1")).await.unwrap();
    let text = client().get(server.url("/cookies")).await.unwrap().text().await.unwrap();
    assert!(text.contains("\"a\": \"1\""), "{text}");
    let mut saved = Vec::new();
    jar.save_json(&mut saved, SessionCookies::Include).unwrap();
    let loaded = Jar::new();
    assert_eq!(loaded.load_json(&saved[..]).unwrap(), 1);
    loaded.insert(Cookie::builder(server.url("/"), "b", "2").build().unwrap());
    let later = Client::builder().jar(loaded).build().unwrap();
    let json: serde_json::Value = later.get(server.url("/cookies")).await.unwrap().json().await.unwrap();
    assert_eq!(json["cookies"], serde_json::json!({ "a": "1", "b": "2" }));
}

/// A store of one's own: one cookie for all, and a note of what came.
#[derive(Clone, Default)]
struct Notes(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl treq::cookies::Store for Notes {
    fn cookie_field(&self, context: &treq::cookies::StoreContext<'_>) -> Option<http::HeaderValue> {
        Some(format!("at={}", context.url().path()).parse().unwrap())
    }

    fn set_cookies(&self, _: &treq::cookies::StoreContext<'_>, headers: &http::HeaderMap) {
        self.0.lock().unwrap().push(headers["set-cookie"].to_str().unwrap().to_owned());
    }
}

#[tokio::test]
async fn any_store_will_do() {
    let server = answering([moved("/2", "a=1"), OK.to_owned()]);
    let notes = Notes::default();
    let client = Client::builder().connector(server.connector()).cookie_store(notes.clone()).build().unwrap();
    client.get("http://a.test/1").await.unwrap();
    assert_eq!(*notes.0.lock().unwrap(), ["a=1"]);
    assert_eq!(server.requests()[1].header("cookie"), Some("at=/2"));
}

#[tokio::test]
async fn bad_cookies_are_left_out_and_the_answer_stays() {
    let long = format!("HTTP/1.1 200 OK\r\nSet-Cookie: l={}\r\nContent-Length: 2\r\n\r\nok", "x".repeat(60_000));
    let control = b"HTTP/1.1 200 OK\r\nSet-Cookie: c=\x01bad\r\nSet-Cookie: \xff=\xfe\r\nContent-Length: 2\r\n\r\nok";
    let megabyte = format!("HTTP/1.1 200 OK\r\nSet-Cookie: m={}\r\nContent-Length: 2\r\n\r\nok", "x".repeat(1 << 20));
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(long), Step::ReadRequest, Step::send(&control[..]), Step::Close])
        .connection([Step::ReadRequest, Step::send(megabyte)])
        .connection([Step::ReadRequest, Step::send(OK), Step::Close])
        .start_in_memory();
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let get = async || client.get("http://a.test/").await;
    assert_eq!(get().await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(client.jar().unwrap().len(), 0);
    // A control byte in a head is either left alone with its cookie, or the head is refused: never a bad cookie kept.
    if let Ok(mut response) = get().await {
        assert_eq!(response.text().await.unwrap(), "ok");
    }
    let kept: Vec<_> = client.jar().unwrap().iter().map(|cookie| cookie.name().to_vec()).collect();
    assert!(kept.iter().all(|name| name == b"\xff"), "{kept:?}");
    // A head of more than 64 KiB is refused as a head, whatever fills it.
    let error = get().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
    assert_eq!(get().await.unwrap().text().await.unwrap(), "ok");
    // With larger heads allowed, the cookie is too large and the answer fine.
    let server =
        answering([format!("HTTP/1.1 200 OK\r\nSet-Cookie: m={}\r\nContent-Length: 2\r\n\r\nok", "x".repeat(1 << 20))]);
    let client = Client::builder().connector(server.connector()).max_head_size(2 << 20).build().unwrap();
    assert_eq!(client.get("http://a.test/").await.unwrap().text().await.unwrap(), "ok");
    assert!(client.jar().unwrap().is_empty());
}

#[tokio::test]
async fn a_cookie_that_cannot_be_sent_is_refused_by_name() {
    for (name, value) in [("a", "x\r\ny: z"), ("a;b", "x"), ("", "x"), ("a", "x;y"), ("a", "\u{1}"), ("a=b", "x")] {
        let error = treq::get("http://127.0.0.1:1/").cookies([(name, value)]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{name:?} {value:?}");
        assert!(!error.to_string().contains("x\r"), "{error}");
    }
}

/// A template for the clients of several users.
#[tokio::test]
async fn clients_of_one_builder_share_no_session() {
    let server = Server::start().await.unwrap();
    let template = Client::builder().header("user-agent", "shop/1.0");
    let (ada, bob) = (template.clone().build().unwrap(), template.clone().build().unwrap());
    let eve = template.clone().into_stack().unwrap().build();
    ada.get(server.url("/cookies/set?session=of-ada")).await.unwrap();
    for other in [&bob, &eve] {
        assert!(!other.get(server.url("/cookies")).await.unwrap().text().await.unwrap().contains("of-ada"));
    }
    // One that is given is shared.
    let jar = treq::Jar::new();
    let template = template.jar(jar.clone());
    let (ada, bob) = (template.clone().build().unwrap(), template.build().unwrap());
    ada.get(server.url("/cookies/set?session=of-ada")).await.unwrap();
    assert!(bob.get(server.url("/cookies")).await.unwrap().text().await.unwrap().contains("of-ada"));
    assert_eq!(jar.len(), 1);
}
