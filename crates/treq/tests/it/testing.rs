//! `treq::testing`: code that uses the client, tested in memory.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use tower::{Layer, service_fn};
use treq::error::BoxError;
use treq::testing::{
    ANY, Arrival, Faults, HasCookies, HasForm, HasHeaders, HasParts, InMemory, MemoryServer, NetworkBan,
    RequestSequence, RequestTraversalAgent, StringStubbing, StubTreq,
};
use treq::{Body, Client, Error, Kind, Part, Proxies, Proxy};

/// The manual's example.
async fn make_a_request(treq: &Client) -> Result<serde_json::Value, BoxError> {
    let request = treq.get("http://an.example/foo").params([("a", "b")]).header("accept", "application/json");
    let mut response = request.await?;
    if response.status() == 200 {
        Ok(response.json().await?)
    } else {
        Err(format!("Got an error from the server: {}", response.text().await?).into())
    }
}

fn sequence(code: u16, kind: &'static str, body: &'static str) -> RequestSequence {
    let fields = HasHeaders::new([("Accept", "application/json")]);
    RequestSequence::new()
        .expect(("get", "http://an.example/foo", [("a", "b")], fields, ""), (code, [("Content-Type", kind)], body))
}

/// What a test would fail with.
fn panics(what: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(what)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap()
}

#[tokio::test]
async fn testing_seq_passes_on_200_ok() {
    let sequence = sequence(200, "application/json", r#"{"status": "ok"}"#);
    let treq = StubTreq::new(sequence.stub());

    let _consume = sequence.consume();
    assert_eq!(make_a_request(treq.client()).await.unwrap(), serde_json::json!({"status": "ok"}));
}

#[tokio::test]
async fn testing_seq_passes_on_418_teapot() {
    let sequence = sequence(418, "text/plain", "I'm a teapot!");
    let treq = StubTreq::new(sequence.stub());

    let _consume = sequence.consume();
    let error = make_a_request(treq.client()).await.unwrap_err();
    assert_eq!(error.to_string(), "Got an error from the server: I'm a teapot!");
}

#[tokio::test]
async fn testing_seq_fails_where_another_request_is_made() {
    let sequence = sequence(200, "application/json", "{}");
    let treq = StubTreq::new(sequence.stub());
    let guard = sequence.consume();
    // The error is swallowed, and the test fails all the same.
    let _ = treq.get("http://an.example/foo").params([("a", "c")]).header("accept", "application/json").await;
    let said = panics(|| drop(guard));
    for line in ["it differs in params.", "! params   expected    a = b\n           received    a = c\n", "testing.rs:"]
    {
        assert!(said.contains(line), "{said}");
    }
}

#[tokio::test]
async fn testing_seq_fails_where_a_request_is_not_made() {
    let sequence = sequence(200, "application/json", "{}");
    let treq = StubTreq::new(sequence.stub());
    let guard = sequence.consume();
    drop(treq);
    let said = panics(|| drop(guard));
    assert!(said.contains("Still expecting:\n- GET http://an.example/foo, to be answered by 200 (2 bytes)"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn https_is_https_to_the_server_and_plain_http_is_not() {
    let seen = StringStubbing::new(|request| {
        let arrival = request.arrival.as_ref().unwrap();
        let host = request.headers.get("host").map(|host| host.to_str().unwrap().to_owned());
        (200, (), format!("{} {} {} {host:?}", request.url, arrival.is_secure(), arrival.port()))
    });
    let stub = StubTreq::new(seen);
    for (url, seen) in [
        ("https://a.test/x?q", "https://a.test/x true 443 Some(\"a.test\")"),
        ("http://a.test:443/x", "http://a.test:443/x false 443 Some(\"a.test:443\")"),
        ("https://a.test:8443", "https://a.test:8443/ true 8443 Some(\"a.test:8443\")"),
        ("http://a.test/", "http://a.test/ false 80 Some(\"a.test\")"),
        ("https://[::1]/", "https://[::1]/ true 443 Some(\"[::1]\")"),
    ] {
        let mut response = stub.get(url).await.unwrap();
        assert_eq!(response.url().scheme_str(), url.split(':').next());
        assert_eq!(response.text().await.unwrap(), seen, "{url}");
    }
    // What is secure shares no connection with what is not.
    assert_eq!(stub.agent().server().connections(), 5);
    stub.get("https://a.test/").await.unwrap();
    assert_eq!(stub.agent().server().connections(), 5);
}

#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn http2_is_spoken_where_it_is_wished_for() {
    let stub = StubTreq::new(service_fn(|request: Request<Body>| async move {
        let secure = request.extensions().get::<Arrival>().unwrap().is_secure();
        Ok::<_, Infallible>(Response::new(Body::from(format!("{:?} {secure}", request.version()))))
    }));
    let mut response = stub.get("https://a.test/").http_version(treq::options::HttpVersion::Http2).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "HTTP/2.0 true");
}

#[tokio::test(start_paused = true)]
async fn redirects_cookies_and_secure_cookies_work_as_on_the_network() {
    let sequence = RequestSequence::new()
        .expect(
            ("get", "https://a.test/", (), ANY, ""),
            (302, [("set-cookie", "sid=7f; Secure"), ("set-cookie", "b=1"), ("location", "/in")], ""),
        )
        .expect(
            ("get", "https://a.test/in", (), HasCookies::new([("sid", "7f"), ("b", "1")]), ""),
            (302, [("location", "http://b.test:81/")], ""),
        )
        .expect(("get", "http://b.test:81/", (), ANY, ""), (200, (), "there"));
    let stub = StubTreq::new(sequence.stub());
    let mut response = stub.get("https://a.test/").await.unwrap();
    assert_eq!((response.text().await.unwrap().as_str(), response.history().len()), ("there", 2));
}

#[tokio::test(start_paused = true)]
async fn forms_and_files_are_read_by_matchers() {
    let parts = HasParts::new().text("tea", "green").file("notes", "n.txt", "two sugars");
    let sequence = RequestSequence::new()
        .expect(("post", ANY, [("tea", "0")], ANY, HasForm::new([("tea", "1")])), (201, (), ""))
        .expect(("put", ANY, ANY, ANY, parts), (201, (), ""));
    let stub = StubTreq::new(sequence.stub());
    assert_eq!(stub.post("http://a.test/").params([("tea", "0")]).form([("tea", "1")]).await.unwrap().status(), 201);
    let notes = Part::text("two sugars").file_name("n.txt");
    let request = stub.put("https://a.test/").data([("tea", "green")]).files([("notes", notes)]);
    assert_eq!(request.await.unwrap().status(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_there_after_a_flush() {
    let (tell, told) = tokio::sync::watch::channel(false);
    let stub = StubTreq::new(service_fn(move |_: Request<Body>| {
        let mut told = told.clone();
        async move {
            told.wait_for(|told| *told).await.unwrap();
            Ok::<_, Infallible>(Response::new(Body::from("late")))
        }
    }));
    let mut request = stub.get("https://a.test/").into_future();
    let mut cx = Context::from_waker(Waker::noop());
    let mut poll = || std::pin::Pin::new(&mut request).poll(&mut cx);
    for _ in 0..8 {
        assert!(poll().is_pending());
        stub.flush().await;
    }
    tell.send(true).unwrap();
    stub.flush().await;
    let Poll::Ready(Ok(response)) = poll() else { panic!("nothing came") };
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_closes_its_connection() {
    let stub =
        StubTreq::new(service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>()));
    let outcome = tokio::time::timeout(Duration::from_secs(5), stub.get("http://a.test/").into_future()).await;
    assert!(outcome.is_err());
    stub.agent().server().wait_closed().await;
    let error = stub.get("http://a.test/").timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(treq::error::Phase::Total));
}

#[tokio::test(start_paused = true)]
async fn a_client_with_settings_and_layers_of_its_own_runs_in_memory() {
    let agent = RequestTraversalAgent::new(StringStubbing::new(|request| {
        (200, (), request.headers["user-agent"].to_str().unwrap().to_owned())
    }));
    let stub = StubTreq::with(Client::builder().header("user-agent", "shop/1"), agent.clone()).unwrap();
    assert_eq!(stub.get("http://a.test/").await.unwrap().text().await.unwrap(), "shop/1");

    let client = Client::builder().header("user-agent", "shop/2").connector(agent.connector()).agent_layer(InMemory);
    let client = client.layer(tower::layer::util::Identity::new()).build().unwrap();
    assert_eq!(client.get("https://a.test/").await.unwrap().text().await.unwrap(), "shop/2");

    // A proxy is passed by.
    let proxies = Proxies::all(Proxy::try_from("http://127.0.0.1:1").unwrap());
    let stub = StubTreq::with(Client::builder().proxy(proxies).header("user-agent", "shop/3"), agent).unwrap();
    for url in ["http://a.test/", "https://a.test/"] {
        assert_eq!(stub.get(url).await.unwrap().text().await.unwrap(), "shop/3");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_outlives_its_stub_says_so() -> Result<(), Error> {
    let stub = StubTreq::over(RequestTraversalAgent::over(MemoryServer::new(StringStubbing::new(|_| (200, (), "")))));
    let client = stub.client().clone();
    client.get("https://a.test/").await?;
    drop(stub);
    let error = client.get("https://b.test/").await.unwrap_err();
    assert!(super::chain(&error).contains("was dropped"), "{}", super::chain(&error));
    Ok(())
}

/// What is done while one call of IO after the other fails: a redirect, a body up, a body down, a kept connection.
async fn session(faults: &Faults) -> Result<usize, Error> {
    let agent = RequestTraversalAgent::new(StringStubbing::new(|request| match request.url.as_str() {
        "http://a.test/" => (302, vec![("location", "https://b.test/big")], Vec::new()),
        "https://b.test/big" => (200, vec![], vec![b'x'; 200_000]),
        _ => (200, vec![], request.data.to_vec()),
    }));
    let client = Client::builder().connector(faults.layer(agent.connector())).agent_layer(InMemory).build()?;
    let outcome = async {
        let big = client.get("http://a.test/").await?.content().await?.len();
        let echo = client.post("https://b.test/echo").body(vec![b'y'; 100_000]).await?.content().await?.len();
        Ok(big + echo)
    }
    .await;
    drop(client);
    // Nothing is left open, whatever has failed.
    agent.server().wait_closed().await;
    outcome
}

#[tokio::test(start_paused = true)]
async fn whichever_call_of_io_fails_there_is_an_error_or_an_answer() {
    let all = Faults::none();
    assert_eq!(session(&all).await.unwrap(), 300_000);
    let (mut failed, mut injected) = (0, 0);
    // Where one fails there may be more calls than in the run without faults.
    for n in 0..all.calls() + 40 {
        let faults = Faults::nth(n);
        let outcome = tokio::time::timeout(Duration::from_secs(600), session(&faults)).await;
        injected += faults.injected();
        match outcome.unwrap_or_else(|_| panic!("it hangs after {:?}", faults.list())) {
            Ok(bytes) => assert_eq!(bytes, 300_000, "{:?}", faults.list()),
            Err(error) => {
                failed += 1;
                let kind = error.kind();
                assert!(matches!(kind, Kind::Connect | Kind::Protocol | Kind::Body), "{kind:?} {:?}", faults.list());
                assert_eq!(faults.injected(), 1);
            }
        }
    }
    println!("{injected} failures were injected: {failed} came to an error, the others to the answer");
    assert!(injected >= all.calls() && failed > 4);
    let (one, other) = (Faults::seeded(7, 9), Faults::seeded(7, 9));
    assert_eq!(session(&one).await.is_ok(), session(&other).await.is_ok());
    assert_eq!(one.list(), other.list());
}

#[tokio::test(start_paused = true)]
async fn a_ban_on_the_network_fails_the_test_even_where_the_error_is_swallowed() {
    let agent = RequestTraversalAgent::new(StringStubbing::new(|_| (302, [("location", "http://tracker.test/")], "")));
    let ban = NetworkBan::but(["A.test", "b.test:81", "[::1]:82"]);
    let client = Client::builder().connector(ban.layer().layer(agent.connector())).build().unwrap();
    for url in ["http://a.test:7/", "http://b.test:81/", "http://[::1]:82/"] {
        assert_eq!(client.get(url).allow_redirects(false).await.unwrap().status(), 302, "{url}");
    }
    for url in ["http://b.test/", "http://[::1]/"] {
        assert_eq!(client.get(url).await.unwrap_err().kind(), Kind::Connect, "{url}");
    }
    assert_eq!(ban.take_refused(), ["http://b.test", "http://[::1]"]);
    let _ = client.get("http://a.test/").await;
    let said = panics(|| drop(ban));
    assert!(said.contains("http://tracker.test") && said.contains("testing.rs:"), "{said}");
}

/// A server of one's own, tested.
fn shop() -> axum::Router {
    use axum::routing::{get, post};

    let price = async |axum::extract::RawQuery(query): axum::extract::RawQuery| match query.as_deref() {
        Some("of=tea") => Ok("2.50"),
        _ => Err(axum::http::StatusCode::NOT_FOUND),
    };
    let order = async |headers: http::HeaderMap, body: String| {
        assert_ne!(body, "coffee", "there is none");
        let host = headers["host"].to_str().unwrap_or_default().to_owned();
        (axum::http::StatusCode::CREATED, format!("{host}: {body}"))
    };
    axum::Router::new().route("/price", get(price)).route("/orders", post(order))
}

#[tokio::test(start_paused = true)]
async fn an_axum_app_is_tested_without_a_socket() {
    let server = MemoryServer::default().host("shop.test", shop());
    let stub = StubTreq::over(RequestTraversalAgent::over(server));
    let price = async |of| stub.get("https://shop.test/price").params([("of", of)]).await;
    assert_eq!(price("tea").await.unwrap().text().await.unwrap(), "2.50");
    assert_eq!(price("milk").await.unwrap().status(), 404);
    let mut response = stub.post("http://shop.test/orders").data("tea").await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (201, "shop.test: tea"));
    assert_eq!(stub.put("http://shop.test/orders").await.unwrap().status(), 405);
    assert_eq!(stub.get("http://elsewhere.test/").await.unwrap_err().kind(), Kind::Resolve);
    // A server that panics is a connection that breaks, and nothing else is harmed.
    assert_eq!(stub.post("http://shop.test/orders").data("coffee").await.unwrap_err().kind(), Kind::Connect);
    assert_eq!(price("tea").await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_leave_no_connection_and_no_task_behind() {
    let stub = Arc::new(StubTreq::new(StringStubbing::new(|request| (200, (), request.data.clone()))));
    let started = std::time::Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let stub = Arc::clone(&stub);
        asking.spawn(async move {
            for round in 0..500 {
                let body = format!("{number} {round}");
                let url = if round % 2 == 0 { "http://a.test/" } else { "https://a.test/" };
                assert_eq!(stub.post(url).data(body.clone()).await.unwrap().text().await.unwrap(), body);
            }
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    println!("10,000 requests in memory: {:?}", started.elapsed());
    assert!(stub.agent().server().connections() <= 40, "{:?}", stub.agent());
    let agent = stub.agent().clone();
    drop(stub);
    agent.server().wait_closed().await;
    drop(agent);
    // What watches over pools and limits ends at its next tick.
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn tls_is_spoken_in_memory_where_that_is_wished_for() {
    let tls = treq_httpbin::Tls::new().unwrap();
    let trusted = treq::TlsConfig::builder().roots_pem(tls.ca_pem()).build().unwrap();
    let server = MemoryServer::new(treq_httpbin::Httpbin::new()).tls(move |end| tls.accept(end));
    for (http_version, version) in [
        (treq::options::HttpVersion::Any, http::Version::HTTP_2),
        (treq::options::HttpVersion::Http1, http::Version::HTTP_11),
    ] {
        let builder = Client::builder().tls(trusted.clone()).http_version(http_version);
        let client = builder.connector(server.connector()).build().unwrap();
        let mut response = client.get("https://localhost/get").await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        assert!(response.facts().unwrap().connection().tls.is_some());
        response.content().await.unwrap();
    }
    // Who does not trust that authority gets no further, and no name but the certificate's will do.
    let stranger = Client::builder().connector(server.connector()).build().unwrap();
    assert_eq!(stranger.get("https://localhost/get").await.unwrap_err().kind(), Kind::Tls);
    let client = Client::builder().tls(trusted).connector(server.connector()).build().unwrap();
    assert_eq!(client.get("https://other.test/get").await.unwrap_err().kind(), Kind::Tls);
    assert_eq!(client.get("http://other.test/get").await.unwrap().status(), 200);
}
