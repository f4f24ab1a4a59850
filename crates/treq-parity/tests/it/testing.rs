//! Stubs, told in prose.

use std::convert::Infallible;
use std::future::{IntoFuture, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use tower::{ServiceExt, service_fn};
use treq::body::Data;
use treq::testing::{ANY, HasHeaders, RequestSequence, RequestTraversalAgent, StringStubbing, StubTreq, agent_spy};
use treq::{Body, Client, Kind};

use crate::support::lacks;

fn saying(text: &'static str) -> StubTreq {
    StubTreq::new(StringStubbing::new(move |_| (200, (), text)))
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_01_one_stub_answers_every_verb_host_port_and_scheme() {
    let stub = StubTreq::new(StringStubbing::new(|_| (418, [("x-teapot", "teapot!")], "I'm a teapot")));
    let urls =
        ["http://supports-http.com", "https://supports-https.com", "http://this/has/a/path/and/invalid/domain/name"];
    let with_port = urls.map(|url| match url.strip_prefix("http://this") {
        Some(path) => format!("http://this:8080{path}"),
        None => format!("{url}:8080"),
    });
    for url in urls.iter().map(|url| (*url).to_owned()).chain(with_port) {
        for verb in ["GET", "PUT", "HEAD", "PATCH", "DELETE", "POST"] {
            for (params, fields, data) in (0..12).map(|at| (at % 2 == 1, at / 2 % 2 == 1, at / 4)) {
                let by_name = match verb {
                    "GET" => stub.get(&url),
                    "PUT" => stub.put(&url),
                    "HEAD" => stub.head(&url),
                    "PATCH" => stub.patch(&url),
                    "DELETE" => stub.delete(&url),
                    _ => stub.post(&url),
                };
                for mut request in [stub.request(verb, &url), by_name] {
                    if params {
                        request = request.params([("page", 1)]);
                    }
                    if fields {
                        request = request.headers([("x-random-header", "value"), ("x-random-header", "value2")]);
                    }
                    request = match data {
                        0 => request,
                        1 => request.data(""),
                        _ => request.data(r#"{"some": "json"}"#),
                    };
                    let mut response = request.await.unwrap();
                    assert_eq!(
                        (response.status().as_u16(), &response.headers()["x-teapot"]),
                        (418, &"teapot!".parse().unwrap())
                    );
                    let body = if verb == "HEAD" { "" } else { "I'm a teapot" };
                    assert_eq!(response.text().await.unwrap(), body, "{verb} {url}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_05_strange_data_is_refused() {
    // An object that is no data does not compile.
    struct Object;
    lacks!(Object, Data);
    let _ = Object;
    let stub = StubTreq::new(StringStubbing::new(|request| (200, (), request.data.clone())));
    let none: Vec<(&str, &str)> = Vec::new();
    let post = || stub.post("http://url.test");
    for request in [post().data(none.clone()), post().data(none), post().data(Vec::<u8>::new()), post().data("")] {
        assert_eq!(request.await.unwrap().text().await.unwrap(), "");
    }
    assert_eq!(post().data("\u{fc}").await.unwrap().content().await.unwrap(), "\u{fc}");
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_06_a_server_that_never_answers_can_be_given_up() {
    let stub = StubTreq::new(service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>()));
    let request = stub.get("http://url.test").timeout(Duration::from_secs(9));
    assert!(matches!(request.await.unwrap_err().kind(), Kind::Timeout(_)));
    let cancelled = tokio::time::timeout(Duration::from_secs(1), stub.get("http://url.test").into_future()).await;
    assert!(cancelled.is_err());
    stub.agent().server().wait_closed().await;
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_07_a_late_answer_is_seen_after_a_flush() {
    let (finish, finished) = tokio::sync::watch::channel(false);
    let stub = StubTreq::new(service_fn(move |_: Request<Body>| {
        let mut finished = finished.clone();
        async move {
            finished.wait_for(|finished| *finished).await.unwrap();
            Ok::<_, Infallible>(Response::new(Body::from("done")))
        }
    }));
    let mut request = stub.get("http://url.test").into_future();
    let mut poll = || Pin::new(&mut request).poll(&mut Context::from_waker(Waker::noop()));
    for _ in 0..8 {
        assert!(poll().is_pending());
        stub.flush().await;
    }
    finish.send(true).unwrap();
    assert!(poll().is_pending());
    stub.flush().await;
    let Poll::Ready(Ok(response)) = poll() else { panic!("nothing after the flush") };
    assert_eq!(response.status(), 200);
}

#[test]
fn parity_c_tst_13_bytes_and_text_are_alike() {
    let mut headers = http::HeaderMap::new();
    headers.insert("a", "1".parse().unwrap());
    assert_eq!(HasHeaders::new([("a", b"1")]), headers);
    assert_eq!(HasHeaders::new([("a".to_owned(), "1".to_owned())]), headers);
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_28_https_is_secure_to_the_server() {
    let stub = StubTreq::new(StringStubbing::new(|request| {
        let arrival = request.arrival.as_ref().unwrap();
        (200, (), format!("{} {} {}", arrival.is_secure(), arrival.port(), arrival.client()))
    }));
    for (url, seen) in [
        ("https://a.test/", "true 443 127.0.0.1:31337"),
        ("https://a.test:8443/", "true 8443 127.0.0.1:31337"),
        ("http://a.test/", "false 80 127.0.0.1:31337"),
    ] {
        assert_eq!(stub.get(url).await.unwrap().text().await.unwrap(), seen, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_29_redirects_cookies_codings_and_history_work() {
    const ZIPPED: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0\xfd\xff\x68\x69\xac\x2a\x93\xd8\x02\0\0\0";
    let stub = StubTreq::new(StringStubbing::new(|request| match request.url.as_str() {
        "http://a.test/" => (302, vec![("location", "https://b.test/"), ("set-cookie", "a=1")], Vec::new()),
        "https://b.test/" => (302, vec![("location", "http://a.test/end")], Vec::new()),
        _ => {
            let cookies = request.headers["cookie"].to_str().unwrap().to_owned();
            assert_eq!(cookies, "a=1");
            (200, vec![("content-encoding", "gzip")], ZIPPED.to_vec())
        }
    }));
    let mut response = stub.get("http://a.test/").await.unwrap();
    assert_eq!((response.text().await.unwrap().as_str(), response.history().len()), ("hi", 2));
}

/// An inherent method of the same name would be called in place of this.
trait Absent: Sized {
    fn pool(self) -> &'static str {
        "absent"
    }
}

impl Absent for treq::RequestBuilder {}

#[tokio::test(start_paused = true)]
async fn parity_c_tst_30_another_agent_is_another_client_and_there_is_no_pool_to_give() {
    let (stub, other) = (saying("stub"), saying("other"));
    assert_eq!(stub.get("http://a.test/").pool(), "absent");
    let mut response = stub.get("http://a.test/").agent(other.client()).persistent(false).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "other");
    assert_eq!(stub.agent().server().connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn parity_tst_01_a_stub_has_every_name_and_the_helpers_are_the_real_ones() {
    let stub = saying("[1]");
    let requests = [
        stub.head("http://a.test"),
        stub.get("http://a.test"),
        stub.post("http://a.test"),
        stub.put("http://a.test"),
        stub.patch("http://a.test"),
        stub.delete("http://a.test"),
        stub.options("http://a.test"),
        stub.request("TRACE", "http://a.test"),
    ];
    for request in requests {
        assert_eq!(request.await.unwrap().status(), 200);
    }
    stub.flush().await;
    assert_eq!(stub.get("http://a.test").await.unwrap().content().await.unwrap(), "[1]");
    assert_eq!(stub.get("http://a.test").await.unwrap().text().await.unwrap(), "[1]");
    assert_eq!(stub.get("http://a.test").await.unwrap().json::<Vec<u8>>().await.unwrap(), [1]);
    let mut seen = Vec::new();
    stub.get("http://a.test").await.unwrap().collect(|piece| seen.extend_from_slice(&piece)).await.unwrap();
    assert_eq!(seen, b"[1]");
}

#[tokio::test(start_paused = true)]
async fn parity_tst_09_sessions_live_as_long_as_the_stub() {
    let visits = Arc::new(Mutex::new(0));
    let stub = StubTreq::new(StringStubbing::new(move |request| {
        let mut visits = visits.lock().unwrap();
        *visits += 1;
        let known = request.headers.contains_key("cookie");
        (200, vec![("set-cookie", "session=7f")], format!("{known} {visits}"))
    }));
    for seen in ["false 1", "true 2", "true 3"] {
        assert_eq!(stub.get("http://a.test/").await.unwrap().text().await.unwrap(), seen);
    }
}

#[tokio::test(start_paused = true)]
async fn parity_tst_11_the_agent_is_a_service_with_a_flush() {
    let agent = RequestTraversalAgent::new(StringStubbing::new(|request| (200, (), request.text())));
    let request = Request::put("https://a.test/").body(Body::from("as an agent")).unwrap();
    assert_eq!(agent.clone().oneshot(request).await.unwrap().status(), 200);
    agent.flush().await;
    let client = Client::from_service(agent);
    assert_eq!(client.put("https://a.test/").data("beneath").await.unwrap().text().await.unwrap(), "beneath");
}

#[test]
fn parity_tst_12_nothing_of_the_process_is_touched() {
    // Sockets panic on a runtime without IO.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        assert_eq!(saying("in memory").get("https://a.test/").await.unwrap().text().await.unwrap(), "in memory");
    });
}

#[tokio::test(start_paused = true)]
async fn parity_tst_19_a_request_too_many_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let reporter = Arc::clone(&told);
    let sequence = RequestSequence::reporting(move |said| reporter.lock().unwrap().push(said));
    let stub = StubTreq::new(sequence.stub());
    let mut response = stub.get("http://a.test/x").await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (500, "StubbingError"));
    let told = told.lock().unwrap();
    assert!(
        told[0].starts_with("No more requests expected, but request was made.") && told[0].contains("/x"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn parity_tst_20_what_is_left_is_told_once_in_lines_and_a_panic_passes_through() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let make = || RequestSequence::reporting(drop).expect(ANY, (200, (), "")).expect(ANY, (201, (), ""));
    let sequence = make();
    let reporter = Arc::clone(&told);
    sequence.consume_with(move |said| reporter.lock().unwrap().push(said)).finish();
    {
        let told = told.lock().unwrap();
        let lines: Vec<_> = told[0].lines().collect();
        assert_eq!(lines[0], "Not all expected requests were made.  Still expecting:");
        assert_eq!((lines.len(), told.len()), (3, 1));
    }
    let sequence = make();
    let reporter = Arc::clone(&told);
    let guarded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _consume = sequence.consume_with(move |said| reporter.lock().unwrap().push(said));
        panic!("its own");
    }));
    assert_eq!(guarded.unwrap_err().downcast_ref::<&str>(), Some(&"its own"));
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_tst_27_a_spy_records_requests_and_answers_when_told() {
    let (agent, mut spied) = agent_spy();
    let client = Client::from_service(agent);
    let asking = tokio::spawn(client.post("http://a.test/x?y").header("x", "1").data("body").into_future());
    let request = spied.next().await.unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "http://a.test/x?y"));
    assert_eq!((&request.headers()["x"], request.body().as_ref()), (&"1".parse().unwrap(), &b"body"[..]));
    assert!(!asking.is_finished());
    request.reply((201, [("y", "2")], "made"));
    let mut response = asking.await.unwrap().unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (201, "made"));

    let asking = tokio::spawn(client.get("http://a.test/").into_future());
    spied.next().await.unwrap().fail("no such luck");
    assert!(asking.await.unwrap().is_err());
    drop(client);
    assert!(spied.next().await.is_none());
}
