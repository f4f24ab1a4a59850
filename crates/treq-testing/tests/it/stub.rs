//! A closure as a server, and the agent that traverses it.

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use treq_core::Body;
use treq_testing::{Arrival, HasHeaders, IntoReply, MemoryServer, RequestTraversalAgent, StringStubbing, StubRequest};

async fn ask(agent: RequestTraversalAgent, request: Request<&'static str>) -> (http::response::Parts, String) {
    let (head, body) = agent.oneshot(request.map(Body::from)).await.unwrap().into_parts();
    (head, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn stub<R: IntoReply>(reply: impl Fn(&StubRequest) -> R + Send + Sync + 'static) -> RequestTraversalAgent {
    RequestTraversalAgent::new(StringStubbing::new(reply))
}

#[tokio::test(start_paused = true)]
async fn a_closure_sees_a_whole_request() {
    let agent = stub(|request| {
        let seen = format!("{} {} {:?} {}", request.method, request.url, request.params, request.text());
        (200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], seen)
    });
    let request = Request::put("http://Example.com:8080/a%2Fb?x=1&y=&x=0").body("whole").unwrap();
    let (head, seen) = ask(agent, request).await;
    assert_eq!(seen, r#"PUT http://example.com:8080/a%2Fb {"x": ["0", "1"], "y": [""]} whole"#);
    assert_eq!(head.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test(start_paused = true)]
async fn a_url_without_path_or_with_the_default_port_is_in_normal_form() {
    let agent = stub(|request| (200, (), request.url.clone()));
    for (url, seen) in [
        ("http://a.test", "http://a.test/"),
        ("http://a.test:80/x", "http://a.test/x"),
        ("https://a.test:443?q=1", "https://a.test/"),
        ("https://a.test:8443/", "https://a.test:8443/"),
        ("http://[::1]:99/x", "http://[::1]:99/x"),
    ] {
        assert_eq!(ask(agent.clone(), Request::get(url).body("").unwrap()).await.1, seen);
    }
    // The `Host` is what counts; one that is none does not.
    let with_host = |host: &str| Request::get("http://a.test/x").header("host", host).body("").unwrap();
    assert_eq!(ask(agent.clone(), with_host("b.test:81")).await.1, "http://b.test:81/x");
    assert_eq!(ask(agent, with_host("b/c d")).await.1, "http://a.test/x");
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_in_a_closure_is_a_500_that_says_what() {
    let get = || Request::get("http://a.test/").body("").unwrap();
    let refuse = |request: &StubRequest| -> Result<(u16, (), String), String> { Err(format!("no {}", request.method)) };
    let (head, said) = ask(stub(refuse), get()).await;
    assert_eq!((head.status.as_u16(), said.as_str()), (500, "the stub failed: no GET"));
    let explode = |request: &StubRequest| -> (u16, (), String) { panic!("{} is too much", request.url) };
    let (head, said) = ask(stub(explode), get()).await;
    assert_eq!((head.status.as_u16(), said.as_str()), (500, "the stub panicked: http://a.test/ is too much"));
    for (code, said) in [(100, "code 100"), (0, "code 0"), (1000, "code 1000")] {
        let (head, text) = ask(stub(move |_| (code, (), "")), get()).await;
        assert!(head.status == 500 && text.contains(said), "{text}");
    }
    let (head, text) = ask(stub(|_| (200, [("x", "a\nb")], "")), get()).await;
    assert!(head.status == 500 && text.contains("the header \"x\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_service_knows_how_a_request_came() {
    let service = service_fn(|request: Request<Body>| async move {
        let arrival = request.extensions().get::<Arrival>().unwrap();
        let seen = format!("{} {} {} {}", arrival.is_secure(), arrival.port(), arrival.client(), arrival.origin());
        Ok::<_, Infallible>(Response::new(Body::from(seen)))
    });
    let agent = RequestTraversalAgent::new(service);
    let get = |url: &str| ask(agent.clone(), Request::get(url).body("").unwrap());
    assert_eq!(get("https://a.test/").await.1, "true 443 127.0.0.1:31337 https://a.test");
    assert_eq!(get("http://a.test:81/").await.1, "false 81 127.0.0.1:31337 http://a.test:81");
}

#[tokio::test(start_paused = true)]
async fn an_agent_over_several_hosts_knows_no_other() {
    let named = |name: &'static str| StringStubbing::new(move |_| (200, (), name));
    let server = MemoryServer::default().host("a.test", named("a")).host("b.test:443", named("b"));
    let agent = RequestTraversalAgent::over(server);
    let get = |url: &str| agent.clone().oneshot(Request::get(url).body(Body::empty()).unwrap());
    assert!(get("http://a.test/").await.is_ok() && get("https://b.test/").await.is_ok());
    assert_eq!(get("http://b.test/").await.unwrap_err().kind(), treq_core::Kind::Resolve);
    assert_eq!(get("/relative").await.unwrap_err().kind(), treq_core::Kind::Builder);
    assert_eq!(agent.server().connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_outlives_the_agent_that_it_came_through() {
    let (head, body) = stub(|_| (200, (), "x".repeat(300_000)))
        .oneshot(Request::get("http://a.test/").body(Body::empty()).unwrap())
        .await
        .unwrap()
        .into_parts();
    assert_eq!(head.headers["content-length"], "300000");
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 300_000);
}

#[tokio::test(start_paused = true)]
async fn it_is_a_service_without_any_server_too() {
    let stub = StringStubbing::new(|request| (200, (), format!("{} {}", request.url, request.arrival.is_none())));
    let response = stub.oneshot(Request::get("https://a.test/x?y").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "https://a.test/x true");
}

#[test]
fn headers_that_are_looked_for_are_shown_sorted() {
    let wanted = HasHeaders::new([("B", "2"), ("a", "1"), ("b", "3")]);
    assert_eq!(format!("{wanted:?}"), r#"HasHeaders({"a": ["1"], "b": ["2", "3"]})"#);
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_not_the_bodys_is_told() {
    let agent = stub(|request| {
        let length = if request.url.ends_with("right") { "3" } else { "7" };
        (200, [("content-length", length)], "abc")
    });
    let get = |url: &str| Request::get(url).body("").unwrap();
    let (head, text) = ask(agent.clone(), get("http://a.test/wrong")).await;
    assert_eq!(head.status, 500);
    assert!(text.contains("Content-Length: \"7\" and a body of 3 bytes: leave the field out"), "{text}");
    assert_eq!(ask(agent, get("http://a.test/right")).await.1, "abc");
    // An answer to HEAD tells of a body that is not there.
    let head = stub(|_| (200, [("content-length", "7")], ""));
    let (head, _) = ask(head, Request::head("http://a.test/").body("").unwrap()).await;
    assert_eq!((head.status.as_u16(), &head.headers["content-length"]), (200, &"7".parse().unwrap()));
}
