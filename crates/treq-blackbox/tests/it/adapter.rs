//! The adapter, called as a function.

use serde_json::{Value, json};
use treq_blackbox::adapter;
use treq_blackbox::listener::Listener;
use treq_blackbox::step::Step;

/// A listener that plays these steps on each connection, and its URL.
fn server(steps: &[&str]) -> (Listener, String) {
    let listener = Listener::bind().unwrap();
    listener.play(vec![steps.iter().map(|step| Step::parse(step).unwrap()).collect()]).unwrap();
    let url = format!("http://some.where.test:{}/", listener.port());
    (listener, url)
}

async fn play(plan: Value) -> Value {
    adapter::play(&plan).await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_asked_for_is_an_error_of_its_call() {
    let (server, url) = server(&["head", "ok ok", "goto 0"]);
    let bad = |call: Value| async move {
        let answer = play(json!({ "calls": [call, { "url": "http://[/" }] })).await;
        assert_eq!(answer["calls"][1]["kind"], "Builder");
        answer["calls"][0].clone()
    };
    for call in [
        json!({ "url": "" }),
        json!({}),
        json!({ "url": url, "method": "G T" }),
        json!({ "url": url, "headers": { "a b": "c" } }),
        json!({ "url": url, "headers": { "a": "b\r\nc: d" } }),
        json!({ "url": "ftp://a.test/" }),
    ] {
        let outcome = bad(call.clone()).await;
        assert_eq!((&outcome["outcome"], &outcome["kind"]), (&json!("error"), &json!("Builder")), "{call}");
    }
    assert_eq!(server.record().connections, 0);
    for plan in [json!({}), json!({ "calls": 1 }), json!([])] {
        assert!(adapter::play(&plan).await.is_err(), "{plan}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_outcome_has_status_and_the_beginning_of_the_body() {
    let (server, url) =
        server(&["head", "body", "send HTTP/1.1 404 No\\r\\nContent-Length: 300\\r\\n\\r\\n", "rep 300 a", "goto 0"]);
    let call = json!({ "method": "PUT", "url": url, "headers": { "X-A": "b" }, "body": "sent" });
    let answer = play(json!({ "calls": [call, { "url": url, "read": "drop" }, { "url": url, "max": 1 }] })).await;
    let calls = &answer["calls"];
    assert_eq!(calls[0], json!({ "outcome": "ok", "status": 404, "body": "a".repeat(200), "body_len": 300 }));
    assert_eq!(calls[1], json!({ "outcome": "ok", "status": 404, "body": "", "body_len": 0 }));
    assert_eq!((&calls[2]["outcome"], &calls[2]["status"]), (&json!("ok"), &json!(404)));
    assert!(answer["rss_mb"].as_u64() > Some(0) && answer["cpu_ms"].is_u64(), "{answer}");
    let requests = server.record().requests;
    assert_eq!((requests[0].line.as_str(), requests[0].body.as_str()), ("PUT / HTTP/1.1", "sent"));
    assert_eq!(requests[0].values("x-a").collect::<Vec<_>>(), [" b"]);
}

#[tokio::test(flavor = "current_thread")]
async fn calls_end_by_their_limit_or_when_they_are_dropped() {
    let (_server, url) = server(&["head", "send HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhe", "hold 5000"]);
    let opts = json!({ "timeout_ms": 100 });
    let answer = play(json!({ "opts": opts, "calls": [{ "url": url }, { "url": url, "cancel_ms": 20 }] })).await;
    assert_eq!(answer["calls"][0]["kind"], "Timeout(Total)");
    assert_eq!(answer["calls"][1], json!({ "outcome": "cancelled" }));
}

#[tokio::test(flavor = "current_thread")]
async fn redirects_are_followed_unless_not_wanted() {
    let moved = "send HTTP/1.1 302 Moved\\r\\nLocation: /x\\r\\nContent-Length: 0\\r\\n\\r\\n";
    let (_server, url) = server(&["head", moved, "head", "ok there"]);
    let calls = json!([{ "url": url }]);
    assert_eq!(play(json!({ "calls": calls })).await["calls"][0]["body"], "there");
    let answer = play(json!({ "opts": { "follow": false }, "calls": calls })).await;
    assert_eq!(answer["calls"][0]["status"], 302);
}

#[tokio::test(flavor = "current_thread")]
async fn proxies_that_cannot_be_reached_are_errors_of_their_kind() {
    for opts in [json!({ "proxy": "http://127.0.0.1:1" }), json!({ "proxies": { "a.test": "http://127.0.0.1:1" } })] {
        let answer = play(json!({ "opts": opts, "calls": [{ "url": "http://a.test/" }] })).await;
        assert_eq!(answer["calls"][0]["kind"], "Proxy", "{answer}");
    }
}
