//! Rows of `given.jsonl` whose operation is one of the whole client.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use treq::connect::TcpConnect;
use treq::pool::PoolLayer;
use treq::{Client, Error, Kind};
use treq_blackbox::listener::Listener;
use treq_blackbox::step::Step;
use treq_blackbox::{Case, adapter};

pub(crate) fn row(id: &str) -> Case {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/given.jsonl");
    Case::read(&file).unwrap().into_iter().find(|row| row.id() == id).unwrap()
}

pub(crate) fn given<'a>(row: &'a Case, key: &str) -> &'a Value {
    &row.get("given").unwrap()[key]
}

/// A server that answers each connection's first request with `ok`.
fn server() -> Listener {
    let listener = Listener::bind().unwrap();
    listener.play(vec![vec![Step::parse("head").unwrap(), Step::parse("ok").unwrap()]]).unwrap();
    listener
}

/// The host that a request for `url` goes to; nothing is sent.
fn host(url: &str) -> Result<String, Error> {
    let request = Client::new().get(url).build()?;
    Ok(request.uri().host().unwrap_or_default().to_owned())
}

fn hosts(id: &str) {
    let row = row(id);
    let wanted = row.expect()["hosts"].as_array().unwrap();
    for (host_given, wanted) in given(&row, "hosts").as_array().unwrap().iter().zip(wanted) {
        let url = format!("http://{}/", host_given.as_str().unwrap());
        match (host(&url), wanted.as_str().unwrap()) {
            (Err(error), "error") => assert_eq!(error.kind(), Kind::Builder, "{url}"),
            (seen, wanted) => assert_eq!(seen.ok().as_deref(), Some(wanted), "{url}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn threat_rq_05_no_line_ends_through_a_content_type() {
    let row = row("RQ-05");
    let mime = given(&row, "mime").as_str().unwrap();
    let server = server();
    let url = format!("http://127.0.0.1:{}/", server.port());
    let sent = Client::new().post(&url).header("content-type", mime).body("x").await;
    assert_eq!(sent.unwrap_err().kind(), Kind::Builder);
    assert_eq!(server.record().connections, 0);
    let client = Client::builder().header("content-type", mime).build();
    assert_eq!(client.unwrap_err().kind(), Kind::Builder);
}

#[test]
fn threat_rq_10_many_at_signs_take_no_time() {
    let row = row("RQ-10");
    let (start, times) = given(&row, "url").as_str().unwrap().rsplit_once('*').unwrap();
    let (start, sign) = start.split_at(start.len() - 1);
    let limit = Duration::from_millis(row.expect()["max_ms"].as_u64().unwrap());
    // As many as the row says are too many bytes; as many as are admitted have to be looked at.
    for times in [times.parse().unwrap(), 65_000] {
        for end in ["", "a.test/"] {
            let url = format!("{start}{}{end}", sign.repeat(times));
            // The best of a few: what else runs on this machine is not parsing.
            let once = |_| {
                let started = Instant::now();
                let parsed = host(&url);
                (started.elapsed(), parsed)
            };
            let (took, parsed) = (0..5).map(once).min_by_key(|(took, _)| *took).unwrap();
            assert!(took < limit, "{times} took {took:?}");
            assert!(parsed.is_err() || parsed.is_ok_and(|host| host == "a.test"), "{times} {end}");
        }
    }
}

#[test]
fn threat_rq_11_idna_has_one_reading() {
    hosts("RQ-11");
}

#[test]
fn threat_rq_12_odd_addresses_have_one_reading() {
    hosts("RQ-12");
}

#[tokio::test(flavor = "current_thread")]
async fn threat_to_08_the_longest_time_is_none() {
    let row = row("TO-08");
    let seconds = given(&row, "timeout_s").as_u64().unwrap();
    let server = server();
    let url = format!("http://127.0.0.1:{}/", server.port());
    let plan = json!({ "opts": { "timeout_ms": seconds.saturating_mul(1000) }, "calls": [{ "url": url }] });
    assert_eq!(adapter::play(&plan).await.unwrap()["calls"][0]["outcome"], row.expect()["outcome"]);
    // Every other time that the client can be given.
    let longest = Duration::from_secs(seconds);
    let pool = PoolLayer::new().idle_time(longest).max_age(longest).max_per_host(1).wait(longest);
    let tcp = TcpConnect::new().attempt_delay(longest);
    let client = Client::builder().pool_layer(pool).tcp(tcp).expect_wait(longest).build().unwrap();
    for _ in 0..2 {
        let answer = client.post(&url).header("expect", "100-continue").body("x").await;
        assert_eq!(answer.unwrap().text().await.unwrap(), "ok");
    }
}
