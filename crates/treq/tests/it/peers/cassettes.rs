//! A session with a real server, recorded, and played when there is none.

use treq::testing::{Cassette, Masks, Matching, Mode};
use treq::{Client, Error};

use super::peer;

/// What a user would do, and all that came back: status, fields and content of each answer.
async fn session(client: &Client, base: &str) -> Result<Vec<String>, Error> {
    let mut seen = Vec::new();
    for asked in [
        client.get(format!("{base}/get")).params([("tea", "green")]),
        client.get(format!("{base}/gzip")),
        client.get(format!("{base}/bytes/300")).params([("seed", 7)]),
        client.get(format!("{base}/redirect/2")),
        client.get(format!("{base}/cookies/set")).params([("cups", "two")]),
        client.post(format!("{base}/post")).form([("cups", "two")]),
        client.put(format!("{base}/put")).json(["tea"]),
        client.head(format!("{base}/get")),
        client.get(format!("{base}/status/404")),
    ] {
        let mut response = asked.await?;
        let content = response.content().await?;
        seen.push(format!("{} {:?} {content:?}", response.status(), response.headers()));
    }
    Ok(seen)
}

fn client(cassette: &Cassette) -> Client {
    Client::builder().agent_layer(cassette.layer()).build().unwrap()
}

#[tokio::test]
async fn a_session_with_httpbin_is_played_without_it() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let path = tempfile::tempdir().unwrap().keep().join("httpbin.har");
    // Nothing in this session is secret, and httpbin echoes what it is sent.
    let masks = || Masks::off();
    let cassette = Cassette::options().mode(Mode::Always).masks(masks()).open(&path).unwrap();
    let recorded = session(&client(&cassette), &base).await.unwrap();
    cassette.finish().unwrap();

    let options = Cassette::options().mode(Mode::Replay).masks(masks()).matching(Matching::strict().any_origin());
    let cassette = options.open(&path).unwrap();
    let played = session(&client(&cassette), "http://gone.invalid").await.unwrap();
    assert_eq!(played, recorded);
    cassette.assert_played();
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn secrets_told_to_httpbin_are_in_no_cassette() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("httpbin.har");
    let canary = |place: &str| format!("canary-{place}-5f3a9c");
    let cassette = Cassette::open(&path, Mode::Always).unwrap();
    let client = client(&cassette);
    for asked in [
        client.get(format!("{base}/headers")).header("x-api-key", canary("header")),
        client.get(format!("{base}/get")).params([("access_token", canary("query"))]),
        client.post(format!("{base}/post")).form(&[("password", canary("form"))]),
        client.post(format!("{base}/post")).json(serde_json::json!({"client_secret": canary("json")})),
        client.get(format!("{base}/cookies/set")).params([("sid", canary("cookie"))]),
        client.get(format!("{base}/basic-auth/ada/{}", canary("basic"))).basic_auth("ada", canary("basic")),
    ] {
        asked.await.unwrap().content().await.unwrap();
    }
    cassette.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("x-api-key") && text.contains("/basic-auth/"), "{text}");
    for place in ["header", "query", "form", "json", "cookie", "basic"] {
        assert!(!text.contains(&canary(place)), "{place}: {text}");
    }
}
