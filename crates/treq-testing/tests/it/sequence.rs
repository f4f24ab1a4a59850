//! What a sequence makes of requests, and what it says: the messages are golden files. `BLESS=1` writes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use treq_core::Body;
use treq_testing::{
    ANY, HasCookies, HasForm, HasHeaders, HasParts, JsonSubset, RequestSequence, RequestTraversalAgent, predicate,
    regex,
};

/// Compares with a file, in which places have no lines.
fn golden(name: &str, seen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut text = String::new();
    for (at, piece) in seen.split("sequence.rs:").enumerate() {
        if at > 0 {
            text.push_str("sequence.rs:LINE");
        }
        text.push_str(if at > 0 {
            piece.trim_start_matches(|char: char| char.is_ascii_digit() || char == ':')
        } else {
            piece
        });
    }
    let text = text.replace("crates/treq-testing/", "").replace('\\', "/").trim_end().to_owned() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{name}");
}

/// What a test would fail with.
fn panics(what: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(what)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap()
}

async fn send(sequence: &RequestSequence, request: Request<&'static str>) -> (StatusCode, String) {
    let response = RequestTraversalAgent::new(sequence.stub()).oneshot(request.map(Body::from)).await.unwrap();
    let (head, body) = response.into_parts();
    (head.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn get(url: &str) -> Request<&'static str> {
    Request::get(url).body("").unwrap()
}

fn post(kind: &str, body: &'static str) -> Request<&'static str> {
    Request::post("http://an.example/").header("content-type", kind).body(body).unwrap()
}

fn manual() -> RequestSequence {
    let json = HasHeaders::new([("accept", "application/json")]);
    RequestSequence::new().expect(("get", "http://an.example/foo", [("a", "b")], json, ""), (200, (), "{}"))
}

#[tokio::test(start_paused = true)]
async fn what_is_expected_passes_and_is_used_up() {
    let sequence = manual();
    assert!(!sequence.consumed());
    let guard = sequence.consume();
    let request = Request::get("http://AN.example:80/foo?a=b").header("Accept", "application/json").body("").unwrap();
    assert_eq!(send(&sequence, request).await, (StatusCode::OK, "{}".to_owned()));
    assert!(sequence.consumed());
    guard.finish();
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_is_told_field_by_field_and_does_not_use_the_entry_up() {
    let sequence = manual();
    let guard = sequence.consume();
    let request =
        Request::post("https://an.example/bar?a=c&d").header("Accept", "text/html").body("tea\nand milk").unwrap();
    assert_eq!(send(&sequence, request).await, (StatusCode::INTERNAL_SERVER_ERROR, "StubbingError".to_owned()));
    assert!(!sequence.consumed());
    golden("mismatch.txt", &panics(|| guard.finish()));
    // Told once.
    drop(sequence);
}

#[tokio::test(start_paused = true)]
async fn a_request_too_many_is_told() {
    let sequence = RequestSequence::new().expect(ANY, (204, (), ""));
    send(&sequence, get("http://an.example/")).await;
    send(&sequence, get("http://an.example/again?x=1")).await;
    golden("no_more.txt", &panics(|| sequence.consume().finish()));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_fails_the_test_even_where_no_guard_looks() {
    let sequence = manual().expect(("delete", ANY, ANY, ANY, ANY), (404, (), "gone"));
    golden("left.txt", &panics(|| drop(sequence)));
}

#[tokio::test(start_paused = true)]
async fn bodies_are_compared_by_what_they_say() {
    let expecting =
        |order: &str| RequestSequence::new().expect(("post", ANY, ANY, ANY, JsonSubset::new(order)), (201, (), ""));
    let seen = r#"{"id": 7, "items": [{"sku": "tea", "count": 2}]}"#;
    for order in [r#"{}"#, r#"{"items": [{"sku": "tea"}]}"#, r#"{"id": 7}"#] {
        assert_eq!(send(&expecting(order), post("application/json", seen)).await.0, 201, "{order}");
    }
    for order in [r#"{"id": 7.0}"#, r#"{"items": []}"#, r#"{"items": [{"sku": "milk"}]}"#, r#"{"name": null}"#, "[]"] {
        let sequence = expecting(order);
        assert_eq!(send(&sequence, post("application/json", seen)).await.0, 500, "{order}");
        panics(|| drop(sequence));
    }
    let sequence = expecting(r#"{"items": [{"sku": "milk"}]}"#);
    send(&sequence, post("application/json", seen)).await;
    golden("json.txt", &panics(|| drop(sequence)));

    let form = |pairs: [(&'static str, &'static str); 1]| {
        RequestSequence::new().expect(("post", ANY, (), ANY, HasForm::new(pairs)), (201, (), ""))
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    assert_eq!(send(&form([("b", "2 3")]), post(FORM, "a=1&b=2+3")).await.0, 201);
    let sequence = form([("b", "2")]);
    assert_eq!(send(&sequence, post(FORM, "a=1&b=3")).await.0, 500);
    golden("form.txt", &panics(|| drop(sequence)));
}

const PARTS: &str = "--BB\r\nContent-Disposition: form-data; name=\"tea\"\r\n\r\ngreen\r\n\
    --BB\r\nContent-Disposition: form-data; name=\"notes\"; filename=\"n.txt\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    two sugars\r\n--BB--\r\n";

#[tokio::test(start_paused = true)]
async fn multipart_bodies_are_read() {
    let expecting = |parts: HasParts| RequestSequence::new().expect(("post", ANY, ANY, ANY, parts), (201, (), ""));
    let kind = "multipart/form-data; boundary=BB";
    for parts in [
        HasParts::new(),
        HasParts::new().text("tea", "green"),
        HasParts::new().file("notes", "n.txt", "two sugars").of_type("Text/Plain").text("tea", "green"),
    ] {
        assert_eq!(send(&expecting(parts), post(kind, PARTS)).await.0, 201);
    }
    let twice = HasParts::new().text("tea", "green").text("tea", "green");
    let named = HasParts::new().file("tea", "tea.txt", "green").of_type("text/plain");
    for parts in [twice, named.clone(), HasParts::new().text("notes", "two sugars")] {
        let sequence = expecting(parts);
        assert_eq!(send(&sequence, post(kind, PARTS)).await.0, 500);
        panics(|| drop(sequence));
    }
    let sequence = expecting(named.clone());
    send(&sequence, post(kind, PARTS)).await;
    golden("multipart.txt", &panics(|| drop(sequence)));

    // Not multipart, cut off, without boundary, empty: no match, no panic, no hang.
    for (kind, body) in [("text/plain", PARTS), (kind, &PARTS[..90]), ("multipart/form-data", PARTS), (kind, "")] {
        let sequence = expecting(named.clone());
        assert_eq!(send(&sequence, post(kind, body)).await.0, 500, "{kind} {body}");
        panics(|| drop(sequence));
    }
}

#[tokio::test(start_paused = true)]
async fn cookies_and_headers_are_asked_for_together() {
    let fields = (HasHeaders::new([("x", "1"), ("X", "2")]), HasCookies::new([("sid", "7f"), ("b", "x=y")]));
    let sequence = RequestSequence::new().expect(("get", ANY, ANY, fields, ANY), (200, (), ""));
    let request = get("http://an.example/");
    assert_eq!(send(&sequence, request).await.0, 500);
    golden("headers.txt", &panics(|| sequence.consume().finish()));
    let request =
        Request::get("http://an.example/").header("cookie", "a=1; b=x=y;sid=7f").header("x", "2").header("x", "1");
    assert_eq!(send(&sequence, request.body("").unwrap()).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn in_any_order_each_entry_is_used_once() {
    let page = |page: &'static str| ("get", "http://an.example/", [("page", page)], ANY, "");
    let sequence = RequestSequence::in_any_order()
        .expect(page("1"), (200, (), "one"))
        .expect(page("2"), (200, (), "two"))
        .expect(page("3"), (200, (), "three"))
        .expect(page("4"), (200, (), "four"));
    let ask = |page: &str| send(&sequence, get(&format!("http://an.example/?page={page}")));
    let (three, one) = tokio::join!(ask("3"), ask("1"));
    assert_eq!((three.1.as_str(), one.1.as_str()), ("three", "one"));
    assert_eq!(ask("1").await.1, "StubbingError");
    golden("any_order.txt", &panics(|| drop(sequence)));
}

#[tokio::test(start_paused = true)]
async fn entries_beside_each_other_come_in_either_order_and_the_rest_does_not() {
    let at = |path: &'static str| ("get", format!("http://an.example{path}"), (), ANY, "");
    let sequence = RequestSequence::new()
        .expect(at("/login"), (200, (), ""))
        .expect(at("/a"), (200, (), ""))
        .beside(at("/b"), (200, (), ""))
        .expect(at("/logout"), (200, (), ""));
    for (path, code) in [("/a", 500), ("/login", 200), ("/logout", 500), ("/b", 200), ("/a", 200), ("/logout", 200)] {
        assert_eq!(send(&sequence, get(&format!("http://an.example{path}"))).await.0, code, "{path}");
    }
    assert!(sequence.consumed());
    let said = panics(|| drop(sequence));
    assert!(said.matches("Expected the next request to be").count() == 2, "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_reporter_is_told_at_once_and_nothing_panics() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let reporter = Arc::clone(&told);
    let sequence = RequestSequence::reporting(move |message| reporter.lock().unwrap().push(message))
        .expect(("get", "http://an.example/", (), ANY, ""), (200, (), ""));
    assert_eq!(send(&sequence, get("http://an.example/?a=1")).await.0, 500);
    assert!(told.lock().unwrap()[0].contains("it differs in params"), "{told:?}");
    let left = Arc::new(Mutex::new(None));
    let reporter = Arc::clone(&left);
    sequence.consume_with(move |message| *reporter.lock().unwrap() = Some(message)).finish();
    let said = left.lock().unwrap().take().unwrap();
    assert!(
        said.starts_with("Not all expected requests were made.  Still expecting:\n- GET http://an.example/"),
        "{said}"
    );
    drop(sequence);
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_within_the_guard_passes_through() {
    let sequence = manual();
    let said = catch_unwind(AssertUnwindSafe(|| {
        let _consume = sequence.consume();
        panic!("the test's own");
    }));
    assert_eq!(said.unwrap_err().downcast_ref::<&str>(), Some(&"the test's own"));
}

#[test]
fn what_can_never_match_is_refused_where_it_is_said() {
    let said =
        panics(|| drop(RequestSequence::new().expect(("get", "http://a.test/?x=1", ANY, ANY, ANY), (200, (), ""))));
    assert!(said.contains("has a query: give it as the params"), "{said}");
    for broken in ["a.test", "ftp://a.test/", "http://"] {
        panics(|| drop(RequestSequence::new().expect(("get", broken, ANY, ANY, ANY), (200, (), ""))));
    }
    let said = panics(|| drop(RequestSequence::new().expect(ANY, (99, (), ""))));
    assert!(said.contains("code 99"), "{said}");
    let said = panics(|| drop(RequestSequence::new().expect(ANY, (200, [("a b", "c")], ""))));
    assert!(said.contains("\"a b\" is no name"), "{said}");
    let said =
        panics(|| drop(RequestSequence::new().expect(("get", ANY, ANY, ANY, JsonSubset::new("{")), (200, (), ""))));
    assert!(said.contains("not JSON"), "{said}");
    let said = panics(|| drop(RequestSequence::new().expect(("get", regex("a["), ANY, ANY, ANY), (200, (), ""))));
    assert!(said.contains("/a[/ is not a regular expression"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_regular_expression_matches_a_url_or_a_body() {
    let expected = ("get", regex(r"/orders/\d+$"), ANY, ANY, regex("^$"));
    let sequence = RequestSequence::new().expect(expected, (200, (), "found"));
    assert_eq!(send(&sequence, get("http://an.example/orders/17")).await, (StatusCode::OK, "found".into()));
    let sequence = RequestSequence::new().expect(("get", regex("/orders$"), ANY, ANY, ANY), (200, (), ""));
    assert_eq!(send(&sequence, get("http://an.example/orders/17")).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(panics(|| drop(sequence)).contains("text that matches //orders$/"));
}

/// Told by the process that it is to play the test that goes wrong.
const INNER: &str = "TREQ_TESTING_INNER";

#[tokio::test(start_paused = true)]
async fn a_test_that_panics_over_the_500_is_told_the_reason_first() {
    if std::env::var_os(INNER).is_some() {
        let sequence = manual();
        let _consume = sequence.consume();
        let (code, _) = send(&sequence, get("http://an.example/bar?a=b")).await;
        assert_eq!(code, 200, "the code under test gives up");
        return;
    }
    let name = "sequence::a_test_that_panics_over_the_500_is_told_the_reason_first";
    let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
    let output = itself.args(["--exact", name, "--nocapture"]).env(INNER, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the code under test gives up"), "{said}");
    assert!(said.contains("it differs in url, headers.") && !said.contains("Not all expected"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_panics_is_no_match_and_fails_the_test_with_what_it_says() {
    let page = || predicate("a page", |request| request.params.first("page").expect("there is a page") == "1");
    let sequence = RequestSequence::new().expect(("get", "http://an.example/", page(), ANY, ""), (200, (), ""));
    assert_eq!(send(&sequence, get("http://an.example/")).await, (500_u16.try_into().unwrap(), "StubbingError".into()));
    // It is still there.
    assert_eq!(send(&sequence, get("http://an.example/?page=1")).await.0, 200);
    let said = panics(|| sequence.consume().finish());
    let begin = "A matcher of the expected requests panicked: there is a page\n\n  method   received    GET\n";
    assert!(said.starts_with(begin), "{said}");

    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let sequence = RequestSequence::reporting(move |message| teller.lock().unwrap().push(message));
    let sequence = sequence.expect(("get", "http://an.example/", page(), ANY, ""), (200, (), ""));
    send(&sequence, get("http://an.example/")).await;
    assert!(told.lock().unwrap()[0].starts_with("A matcher of the expected requests panicked: there is a page"));
}

#[tokio::test(start_paused = true)]
async fn code_that_tries_for_ever_does_not_fill_the_message() {
    let sequence = RequestSequence::new();
    for _ in 0..40 {
        send(&sequence, get("http://an.example/")).await;
    }
    let said = panics(|| drop(sequence));
    assert_eq!(said.matches("No more requests expected").count(), 16);
    assert!(said.contains("\n24 more requests that were not expected are not shown.\n"), "{said}");
}

#[test]
fn what_any_request_can_be_is_said_in_words() {
    let sequence = RequestSequence::new()
        .expect(ANY, (200, (), ""))
        .expect((ANY, "http://an.example/", ANY, ANY, ANY), (200, (), ""));
    let said = panics(|| drop(sequence));
    assert!(
        said.contains("- any request, to be") && said.contains("- any method, http://an.example/, to be"),
        "{said}"
    );
    let said = panics(|| drop(RequestSequence::reporting(drop).expect(("ge t", ANY, ANY, ANY, ANY), (200, (), ""))));
    assert_eq!(said, "the expected method \"ge t\" is none: it is a word, as \"get\"");
}

#[tokio::test]
async fn two_sides_that_differ_never_look_alike() {
    let long = |end: &str| "x".repeat(1000) + end;
    for (expected, sent, shown) in [
        ("a=1", "a=1\n", [r#""a=1""#, r#""a=1\n""#]),
        ("a=1 ", "a=1", [r#""a=1 ""#, r#""a=1""#]),
        ("empty", "", [r#""empty""#, r#""""#]),
        ("\\x00", "\0", [r#""\\x00""#, r#""\0""#]),
        ("e\u{301}", "\u{e9}", [r#""e\u{301}""#, "\"\u{e9}\""]),
        ("a\u{200b}b", "a\u{a0}b", [r#""a\u{200b}b""#, r#""a\u{a0}b""#]),
        (&long("a"), &long("b"), [r#"xxxa" (of 1001 bytes)"#, r#"xxxb" (of 1001 bytes)"#]),
        (&long(""), &long("c"), [r#"xxx" (of 1000 bytes)"#, r#"xxxc" (of 1001 bytes)"#]),
    ] {
        let sequence =
            RequestSequence::new().expect(("post", "http://a.test/", ANY, ANY, expected.to_owned()), (200, (), ""));
        let request = Request::post("http://a.test/").body(Body::from(sent.to_owned())).unwrap();
        RequestTraversalAgent::new(sequence.stub()).oneshot(request).await.unwrap();
        let report = panics(|| drop(sequence));
        assert!(shown.iter().all(|side| report.contains(side)), "{shown:?} {report}");
    }
    let sequence = RequestSequence::new().expect(("get", "http://a.test/", [("q", "x ")], ANY, ""), (200, (), ""));
    send(&sequence, get("http://a.test/?q=x")).await;
    let report = panics(|| drop(sequence));
    assert!(report.contains(r#""q" = "x ""#) && report.contains(r#""q" = "x""#), "{report}");
}
