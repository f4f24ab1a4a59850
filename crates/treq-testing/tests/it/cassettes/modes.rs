//! When a cassette records, what it refuses, and how it says so. The messages are golden files. `BLESS=1` writes them.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::ACCEPT;
use http::{Request, Response};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Body, BoxError};
use treq_testing::{Cassette, Matching, Mode};

use super::{Shelf, get, gone, post, send};

/// A server that counts.
fn counting()
-> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let count = Arc::new(AtomicUsize::new(0));
    service_fn(move |_: Request<Body>| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Ok(Response::new(Body::from(number.to_string()))) }
    })
}

async fn body<S>(cassette: &Cassette, inner: S, request: Request<Body>) -> String
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    String::from_utf8(send(cassette, inner, request).await.unwrap().body.to_vec()).unwrap()
}

fn golden(name: &str, seen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = seen.trim_end().to_owned() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{name}");
}

#[tokio::test]
async fn once_records_where_there_is_no_file_and_plays_where_there_is() {
    let shelf = Shelf::new();
    for want_recording in [true, false] {
        let (cassette, server) = (Cassette::open(shelf.path(), Mode::Once).unwrap(), counting());
        assert_eq!(cassette.is_recording(), want_recording);
        assert_eq!(body(&cassette, server.clone(), get("http://a.test/")).await, "1");
        // The same again is another entry.
        assert_eq!(body(&cassette, server, get("http://a.test/")).await, "2");
        assert!(want_recording || send(&cassette, gone(), get("http://a.test/")).await.is_err());
        if want_recording { cassette.finish().unwrap() } else { assert!(cassette.finish().is_err()) }
    }
}

#[tokio::test]
async fn new_plays_what_is_there_and_adds_what_is_not() {
    let shelf = Shelf::new();
    for (run, want) in [["1", "2"], ["1", "2"]].into_iter().enumerate() {
        let (cassette, server) = (Cassette::open(shelf.path(), Mode::New).unwrap(), counting());
        assert_eq!(body(&cassette, server.clone(), get("http://a.test/")).await, want[0]);
        assert_eq!(body(&cassette, server.clone(), post("http://a.test/", "text/plain", "x")).await, want[1]);
        if run == 1 {
            assert_eq!(body(&cassette, server, get("http://a.test/further")).await, "1");
        }
        cassette.finish().unwrap();
    }
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    let urls = ["GET http://a.test/", "POST http://a.test/", "GET http://a.test/further"];
    assert_eq!(cassette.unplayed(), urls);
    assert_eq!(body(&cassette, gone(), get("http://a.test/further")).await, "1");
}

#[tokio::test]
async fn always_records_in_place_of_what_was_there() {
    let shelf = Shelf::new();
    for url in ["http://a.test/first", "http://a.test/second"] {
        let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
        body(&cassette, counting(), get(url)).await;
        drop(cassette);
    }
    assert!(!shelf.text().contains("first") && shelf.text().contains("second"));
    // Nothing is left beside it.
    assert_eq!(shelf.path().parent().unwrap().read_dir().unwrap().count(), 1);
    // What recorded nothing writes nothing.
    drop(Cassette::open(shelf.path(), Mode::Always).unwrap());
    assert!(shelf.text().contains("second"));
}

#[tokio::test]
async fn a_test_that_panics_leaves_no_half_recording() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    body(&cassette, counting(), get("http://a.test/")).await;
    let panic = catch_unwind(AssertUnwindSafe(move || {
        let _cassette = cassette;
        panic!("the test fails");
    }));
    assert!(panic.is_err());
    assert!(!shelf.path().exists());
}

#[tokio::test]
async fn two_cassettes_do_not_know_of_each_other() {
    let shelves = [Shelf::new(), Shelf::new()];
    let cassettes = [0, 1].map(|at: usize| Cassette::open(shelves[at].path(), Mode::Once).unwrap());
    let server = counting();
    assert_eq!(body(&cassettes[0], server.clone(), get("http://a.test/")).await, "1");
    assert_eq!(body(&cassettes[1], server.clone(), get("http://a.test/")).await, "2");
    for cassette in cassettes {
        assert_eq!(cassette.len(), 1);
        cassette.finish().unwrap();
    }
}

#[tokio::test]
async fn entries_are_played_once_unless_they_are_to_be_repeated() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let server = counting();
    body(&cassette, server.clone(), get("http://a.test/")).await;
    body(&cassette, server, get("http://a.test/")).await;
    cassette.finish().unwrap();
    let cassette = Cassette::options().mode(Mode::Replay).repeat(true).open(shelf.path()).unwrap();
    for want in ["1", "2", "1", "2"] {
        assert_eq!(body(&cassette, gone(), get("http://a.test/")).await, want);
    }
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    assert_eq!(body(&cassette, gone(), get("http://a.test/")).await, "1");
    let panic = catch_unwind(AssertUnwindSafe(|| cassette.assert_played())).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.ends_with("was not played to its end. Left are:\n- GET http://a.test/"), "{message}");
}

#[tokio::test]
async fn a_request_that_is_not_there_is_shown_beside_the_one_most_like_it() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let recorded = || {
        let mut request = post(
            "http://A.test:80/tea?kind=green&token=abc",
            "application/json",
            "{\"cups\": 2,\n \"password\": \"x\"}",
        );
        request.headers_mut().insert(ACCEPT, "text/html".parse().unwrap());
        request
    };
    body(&cassette, counting(), get("http://a.test/")).await;
    body(&cassette, counting(), recorded()).await;
    cassette.finish().unwrap();

    let har = shelf.text();
    let open = || Cassette::options().matching(Matching::strict().header(ACCEPT)).parse(&har).unwrap();
    let cassette = open();
    let mut other =
        post("http://a.test/tea?token=def&kind=green", "application/json", "{\"cups\":2,\n \"password\": \"y\"}");
    other.headers_mut().insert(ACCEPT, "text/plain".parse().unwrap());
    let error = send(&cassette, gone(), other).await.unwrap_err();
    golden("cassette_unknown.txt", &error.to_string());
    // It does not go unnoticed, and uses nothing up.
    assert!(cassette.clone().finish().unwrap_err().to_string().contains("has no entry for this request"));
    assert_eq!(body(&cassette, gone(), recorded()).await, "1");
    let error = send(&cassette, gone(), recorded()).await.unwrap_err();
    golden("cassette_played.txt", &error.to_string());
    assert!(catch_unwind(AssertUnwindSafe(|| cassette.assert_played())).is_err());

    let empty = Cassette::options().parse("{\"log\": {\"entries\": []}}").unwrap();
    let error = send(&empty, gone(), get("http://a.test/?sid=1")).await.unwrap_err();
    golden("cassette_empty.txt", &error.to_string());
}

/// Whether a request is answered for the other.
async fn matches(matching: Matching, recorded: Request<Body>, asked: Request<Body>) -> bool {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    body(&cassette, counting(), recorded).await;
    cassette.finish().unwrap();
    let options = Cassette::options().mode(Mode::Replay).matching(matching);
    send(&options.open(shelf.path()).unwrap(), gone(), asked).await.is_ok()
}

fn parts(boundary: &str, value: &str) -> Request<Body> {
    let body =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--{boundary}--\r\n");
    post("http://a.test/", &format!("multipart/form-data; boundary={boundary}"), body)
}

#[tokio::test]
async fn strict_and_lenient_differ_in_what_says_the_same() {
    let form = |body: &'static str| post("http://a.test/", "application/x-www-form-urlencoded", body);
    let json = |body: &'static str| post("http://a.test/", "application/json; charset=utf-8", body);
    let table = [
        (get("http://a.test/"), get("http://A.TEST:80/"), true, true),
        (get("http://a.test/"), get("https://a.test/"), false, false),
        (get("http://a.test/"), get("http://b.test/"), false, false),
        (get("http://a.test/?a=1&b=2"), get("http://a.test/?b=2&a=1"), false, true),
        (get("http://a.test/?a=1&a=1"), get("http://a.test/?a=1"), false, false),
        (get("http://a.test/?a=%20"), get("http://a.test/?a=+"), false, true),
        (form("a=1&b=2"), form("b=2&a=1"), false, true),
        (form("a=1&b=2"), form("a=1"), false, false),
        (json("{\"a\":1,\"b\":[1.0]}"), json("{ \"b\": [1], \"a\": 1 }"), false, true),
        (json("[1,2]"), json("[2,1]"), false, false),
        (parts("x", "1"), parts("yy", "1"), false, true),
        (parts("x", "1"), parts("yy", "2"), false, false),
        (post("http://a.test/", "text/plain", "a"), post("http://a.test/", "text/plain", "b"), false, false),
        (post("http://a.test/", "text/plain", "a"), get("http://a.test/"), false, false),
    ];
    for (at, (recorded, asked, strict, lenient)) in table.into_iter().enumerate() {
        for (matching, want) in [(Matching::strict(), strict), (Matching::lenient(), lenient)] {
            let copy = |request: &Request<Body>| {
                let body = treq_core::TryClone::try_clone(request.body()).unwrap();
                let mut copy = Request::new(body);
                (*copy.method_mut(), *copy.uri_mut()) = (request.method().clone(), request.uri().clone());
                *copy.headers_mut() = request.headers().clone();
                copy
            };
            assert_eq!(matches(matching.clone(), copy(&recorded), copy(&asked)).await, want, "{at} {matching:?}");
        }
    }
    let any = Matching::strict().any_origin();
    assert!(matches(any, get("http://127.0.0.1:4711/a"), get("https://b.test/a")).await);
    let by = Matching::by(|recorded, asked| recorded.params.first("id") == asked.params.first("id"));
    assert!(matches(by.clone(), get("http://a.test/?id=1"), post("http://b.test/x?id=1", "a/b", "c")).await);
    assert!(!matches(by, get("http://a.test/?id=1"), get("http://a.test/?id=2")).await);
    let and = Matching::lenient().and(|_, asked| asked.headers.contains_key("x-there"));
    assert!(!matches(and, get("http://a.test/"), get("http://a.test/")).await);
}

#[tokio::test]
async fn a_cassette_that_cannot_be_used_is_told_by_place() {
    let shelf = Shelf::new();
    let error = Cassette::open(shelf.path(), Mode::Replay).unwrap_err();
    assert!(
        error.to_string().starts_with("there is no cassette ") && error.to_string().contains("cassette.har"),
        "{error}"
    );
    let table = [
        ("", "it is no JSON: EOF while parsing a value at line 1 column 0"),
        ("{\"log\":\n [}", "it is no JSON: expected value at line 2 column 3"),
        ("[]", "log: it is missing"),
        ("{\"log\": {}}", "log.entries: it is missing"),
        ("{\"log\": {\"entries\": 1}}", "log.entries: an array is expected, and there is a number"),
        ("{\"log\": {\"entries\": [{}]}}", "log.entries[0].request: it is missing"),
        (
            r#"{"log":{"entries":[{"request":{"method":"A B","url":"/"},"response":{"status":200}}]}}"#,
            "log.entries[0].request.method: \"A B\" is no method",
        ),
        (
            r#"{"log":{"entries":[{"request":{"method":"A","url":2},"response":{"status":200}}]}}"#,
            "log.entries[0].request.url: a string is expected, and there is a number",
        ),
        (
            r#"{"log":{"entries":[{"request":{"method":"A","url":"/"},"response":{"status":99}}]}}"#,
            "log.entries[0].response.status: 99 is no status of a final answer: 200 to 999 are",
        ),
        (
            r#"{"log":{"entries":[{"request":{"method":"A","url":"/"},"response":{"status":200,"headers":[{"name":"a b","value":""}]}}]}}"#,
            "log.entries[0].response.headers[0].name: \"a b\" is no field name",
        ),
        (
            r#"{"log":{"entries":[{"request":{"method":"A","url":"/"},"response":{"status":200,"content":{"text":"?","encoding":"base64"}}}]}}"#,
            "log.entries[0].response.content.text: it is no base64: Invalid symbol 63, offset 0.",
        ),
        (
            r#"{"log":{"entries":[{"request":{"method":"A","url":"/"},"response":{"status":200,"content":{"text":"?","encoding":"hex"}}}]}}"#,
            "log.entries[0].response.content.text: the encoding \"hex\" is not known: base64 is, and none",
        ),
    ];
    for (text, want) in table {
        let error = Cassette::options().parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("the cassette in memory is no HTTP Archive 1.2: {want}"));
    }
    // A file that is broken is not recorded over.
    std::fs::create_dir_all(shelf.path().parent().unwrap()).unwrap();
    std::fs::write(shelf.path(), "{").unwrap();
    let error = Cassette::open(shelf.path(), Mode::Once).unwrap_err().to_string();
    assert!(error.contains("cassette.har is no HTTP Archive"), "{error}");
    assert!(error.ends_with("; delete the file to record it anew"), "{error}");
    assert_eq!(shelf.text(), "{");
    // Nor is what cannot be written passed over.
    let cassette = Cassette::open(shelf.path().join("below a file"), Mode::Always).unwrap();
    body(&cassette, counting(), get("http://a.test/")).await;
    assert!(cassette.finish().unwrap_err().to_string().ends_with("cannot be written"));
    // And it is not all that is told.
    let cassette = Cassette::open(shelf.path().join("below a file"), Mode::Always).unwrap();
    body(&cassette, counting(), get("http://a.test/")).await;
    let _held = cassette.layer().layer(counting()).oneshot(get("http://a.test/")).await.unwrap();
    let error = cassette.finish().unwrap_err();
    let said = error.to_string();
    assert!(said.contains("1 of its exchanges are not over") && said.ends_with("cannot be written"), "{said}");
    assert!(error.find::<std::io::Error>().is_some(), "{error:?}");
}
