//! Through squid, which asks by Basic or by Digest, and tinyproxy: requests in absolute form, and tunnels.

use http::Version;
use treq::auth::Digest;
use treq::{Client, Kind, Proxy};

use super::{Watched, came_from, peer, story, through};
use crate::chain;

fn parse(user: &str, addr: &str) -> Proxy {
    Proxy::try_from(&format!("http://{user}{addr}")).unwrap()
}

/// That a request through the proxy to nginx without TLS is handed on in absolute form, and one with TLS through a
/// tunnel, in either version, each connection used again where `kept` says so.
async fn carries(client: &Client, addr: &str, kept: bool) {
    let Some(http) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    for n in 0..3 {
        let mut response = client.get(format!("{http}/echo?a=b%20c&n={n}")).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(came_from(&response, addr) && response.headers().contains_key("via"), "{:?}", response.headers());
        assert_eq!(response.facts().unwrap().is_reused(), kept && n > 0, "{n}");
        let text = response.text().await.unwrap();
        assert!(text.starts_with(&format!("GET /echo?a=b%20c&n={n} HTTP/1.")), "{text}");
    }
    let (Some(h2), Some(h1)) = (peer("TREQ_PEER_NGINX_H2"), peer("TREQ_PEER_NGINX_H1")) else { return };
    for (base, version) in [(h2, Version::HTTP_2), (h1, Version::HTTP_11)] {
        for n in 0..2 {
            let mut response = client.get(format!("{base}/facts")).await.unwrap();
            assert_eq!((response.version(), response.facts().unwrap().is_reused()), (version, n > 0));
            assert!(came_from(&response, addr) && !response.headers().contains_key("via"));
            // Protocol, connection, which request on it, TLS.
            let text = response.text().await.unwrap();
            let words: Vec<_> = text.split_whitespace().collect();
            assert_eq!((words[2], words[3]), (["1", "2"][n], "TLSv1.3"), "{text}");
        }
    }
}

/// That a body reaches httpbin through the proxy.
async fn carries_a_body(client: &Client) {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let post = client.post(format!("{base}/post")).json(["tea", "two sugars"]);
    let json: serde_json::Value = post.await.unwrap().json().await.unwrap();
    assert_eq!(json["json"], serde_json::json!(["tea", "two sugars"]));
    assert!(json["headers"].get("Proxy-Authorization").is_none(), "{json}");
}

/// That a tunnel is refused with an error that tells these words, and no secret.
async fn refuses_a_tunnel(client: &Client, words: &[&str]) {
    let Some(base) = peer("TREQ_PEER_NGINX_H2") else { return };
    let error = client.get(format!("{base}/echo")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    let text = chain(&error);
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!format!("{text} {error:?}").contains("wr0ng"), "{error:?}");
}

#[tokio::test]
async fn squid_takes_basic() {
    let Some(addr) = peer("TREQ_PEER_SQUID_BASIC") else { return };
    let client = through(parse("u:p@", &addr));
    carries(&client, &addr, true).await;
    carries_a_body(&client).await;
}

#[tokio::test]
async fn squid_takes_digest_and_is_answered_unasked_from_then_on() {
    let Some(addr) = peer("TREQ_PEER_SQUID_DIGEST") else { return };
    let (scheme, seen) = Watched::new("u", "p");
    let client = through(parse("", &addr).auth(scheme));
    // A tunnel first: one for each version.
    let (Some(h2), Some(h1)) = (peer("TREQ_PEER_NGINX_H2"), peer("TREQ_PEER_NGINX_H1")) else { return };
    for base in [h2, h1] {
        assert_eq!(client.get(format!("{base}/echo")).await.unwrap().status(), 200);
    }
    assert_eq!(story(&seen), ["asked", "200 for 1", "200 for 2"]);
    carries_a_body(&client).await;
    assert_eq!(story(&seen)[3..], ["200 for 3"]);

    let (scheme, seen) = Watched::new("u", "p");
    let client = through(parse("", &addr).auth(scheme));
    // The body of the request that is asked is sent again.
    carries_a_body(&client).await;
    carries_a_body(&client).await;
    assert_eq!(story(&seen), ["asked", "200 for 1", "200 for 2"]);
}

#[tokio::test]
async fn squid_carries_what_was_let_in_by_digest() {
    let Some(addr) = peer("TREQ_PEER_SQUID_DIGEST") else { return };
    let client = through(parse("", &addr).auth(Digest::new("u", "p")));
    carries_a_body(&client).await;
    let Some(http) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    for n in 0..3 {
        let mut response = client.get(format!("{http}/echo?{n}")).await.unwrap();
        assert!(came_from(&response, &addr));
        assert!(response.text().await.unwrap().starts_with(&format!("GET /echo?{n} ")));
    }
}

#[tokio::test]
async fn squid_refuses_a_wrong_password() {
    let (Some(basic), Some(digest)) = (peer("TREQ_PEER_SQUID_BASIC"), peer("TREQ_PEER_SQUID_DIGEST")) else { return };
    let Some(http) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    // A user of this test's own: squid mixes up what it knows of one name when two passwords for it come at once.
    let (scheme, seen) = Watched::new("v", "wr0ng");
    let wrong = [
        through(parse("v:wr0ng@", &basic)),
        through(parse("", &digest).auth(Digest::new("v", "wr0ng"))),
        // Basic where Digest is wanted.
        through(parse("v:p@", &digest)),
    ];
    for client in &wrong {
        assert_eq!(client.get(format!("{http}/echo")).await.unwrap().status(), 407);
        refuses_a_tunnel(client, &["127.0.0.1", "does not take the credentials (407)"]).await;
    }
    let client = through(parse("", &digest).auth(scheme));
    refuses_a_tunnel(&client, &["does not take the credentials (407)"]).await;
    assert_eq!(story(&seen), ["asked", "407 for 1"]);
    for addr in [&basic, &digest] {
        let client = through(parse("", addr));
        assert_eq!(client.get(format!("{http}/echo")).await.unwrap().status(), 407);
        refuses_a_tunnel(&client, &["wants credentials", "http://user:password@host"]).await;
    }
}

#[tokio::test]
async fn squid_cannot_reach_a_closed_port() {
    let Some(addr) = peer("TREQ_PEER_SQUID_BASIC") else { return };
    let client = through(parse("u:p@", &addr));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(client.get(format!("http://{closed}/")).await.unwrap().status(), 503);
    let error = client.get(format!("https://{closed}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(chain(&error).contains("CONNECT was answered by 503"), "{}", chain(&error));
}

#[tokio::test]
async fn tinyproxy_takes_basic() {
    let Some(addr) = peer("TREQ_PEER_TINYPROXY") else { return };
    let client = through(parse("u:p@", &addr));
    // It speaks HTTP/1.0 and closes after each answer.
    carries(&client, &addr, false).await;
    carries_a_body(&client).await;
}

#[tokio::test]
async fn tinyproxy_refuses_a_wrong_password() {
    let Some(addr) = peer("TREQ_PEER_TINYPROXY") else { return };
    let Some(http) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    let wrong = through(parse("u:wr0ng@", &addr));
    // The releases of today say 401, as an origin would.
    let status = wrong.get(format!("{http}/echo")).await.unwrap().status();
    assert!(status == 401 || status == 407, "{status}");
    refuses_a_tunnel(&wrong, &[status.as_str()]).await;
    let without = through(parse("", &addr));
    assert_eq!(without.get(format!("{http}/echo")).await.unwrap().status(), 407);
    refuses_a_tunnel(&without, &["wants credentials"]).await;
}
