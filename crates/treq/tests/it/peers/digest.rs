//! Digest as httpbin and apache speak it.

use std::sync::{Arc, Mutex};

use treq::auth::{AuthLayer, Digest};
use treq::{Client, Origin};

use super::{Seen, Watched, peer, story};

/// A client with Digest for that origin, and what it sends.
fn client(base: &str, password: &str) -> (Client, Arc<Mutex<Vec<Seen>>>) {
    let (scheme, seen) = Watched::new("u", password);
    let origin = Origin::from_uri(&base.parse().unwrap()).unwrap();
    (Client::builder().auth_layer(AuthLayer::new().credentials(origin, scheme)).build().unwrap(), seen)
}

#[tokio::test]
async fn httpbin_takes_each_algorithm_and_the_next_request_is_not_asked_again() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    for algorithm in ["MD5", "SHA-256"] {
        // It offers both for a word that it does not know, and `auth` is then taken.
        for (offer, qop) in [("auth", "auth"), ("auth-int", "auth-int"), ("any", "auth")] {
            let (client, seen) = client(&base, "p");
            let url = format!("{base}/digest-auth/{offer}/u/p/{algorithm}");
            for body in ["", "tea", "two sugars"] {
                let json: serde_json::Value = client.get(&url).body(body).await.unwrap().json().await.unwrap();
                assert_eq!(json["authenticated"], true, "{url} {body}");
            }
            assert_eq!(story(&seen), ["asked", "200 for 1", "200 for 2", "200 for 3"], "{url}");
            let mut nonces = Vec::new();
            for seen in &*seen.lock().unwrap() {
                let Seen::Got { nonce, qop: spoken, algorithm: by, .. } = seen else { continue };
                assert_eq!((&**spoken, &**by), (qop, algorithm), "{url}");
                nonces.push(nonce.clone());
            }
            nonces.dedup();
            assert_eq!(nonces.len(), 1, "{nonces:?}");
        }
        let once = treq::get(format!("{base}/digest-auth/auth/u/p/{algorithm}")).auth(Digest::new("u", "p"));
        assert_eq!(once.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn httpbin_calls_a_nonce_stale_and_gets_an_answer_to_the_next() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let (client, seen) = client(&base, "p");
    // It counts by cookies: each nonce is good for two requests.
    for _ in 0..4 {
        let response = client.get(format!("{base}/digest-auth/auth/u/p/SHA-256/2")).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let expected = ["asked", "200 for 1", "200 for 2", "asked", "200 for 1", "200 for 2"];
    assert_eq!(story(&seen), expected);
}

#[tokio::test]
async fn httpbin_refuses_and_the_caller_gets_the_401() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    for qop in ["auth", "auth-int"] {
        let (client, seen) = client(&base, "wrong");
        let response = client.get(format!("{base}/digest-auth/{qop}/u/p/MD5")).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(story(&seen), ["asked", "401 for 1"]);
    }
    // RFC 7616 has SHA-512-256, which is another: nothing is guessed.
    let (client, seen) = client(&base, "p");
    assert_eq!(client.get(format!("{base}/digest-auth/auth/u/p/SHA-512")).await.unwrap().status(), 401);
    assert_eq!(story(&seen), ["asked", "401 for 0"]);
}

#[tokio::test]
async fn apache_proves_that_it_knows_the_password_too() {
    let Some(base) = peer("TREQ_PEER_APACHE") else { return };
    let (client, seen) = client(&base, "p");
    for _ in 0..3 {
        let mut response = client.get(format!("{base}/counted/in.txt?a=b%20c")).await.unwrap();
        assert_eq!(response.status(), 200);
        let info = response.headers()["authentication-info"].to_str().unwrap().to_owned();
        assert!(info.contains("rspauth=\""), "{info}");
        assert_eq!(response.text().await.unwrap(), "in\n");
    }
    assert_eq!(story(&seen), ["asked", "200 for 1", "200 for 2", "200 for 3"]);
    // A folder that the challenge's domain does not name is not told unasked.
    assert_eq!(client.get(format!("{base}/renewed/in.txt")).await.unwrap().status(), 200);
    assert_eq!(story(&seen)[4..], ["asked", "200 for 1"]);
}

#[tokio::test]
async fn apache_hands_out_the_next_nonce_and_it_is_used() {
    let Some(base) = peer("TREQ_PEER_APACHE") else { return };
    for folder in ["renewed", "once"] {
        let (client, seen) = client(&base, "p");
        for _ in 0..4 {
            let mut response = client.get(format!("{base}/{folder}/in.txt")).await.unwrap();
            assert!(response.headers()["authentication-info"].to_str().unwrap().contains("nextnonce="), "{folder}");
            assert_eq!(response.text().await.unwrap(), "in\n");
        }
        assert_eq!(story(&seen), ["asked", "200 for 1", "200 for 1", "200 for 1", "200 for 1"], "{folder}");
        let mut nonces = Vec::new();
        for seen in &*seen.lock().unwrap() {
            if let Seen::Got { nonce, .. } = seen {
                nonces.push(nonce.clone());
            }
        }
        nonces.sort_unstable();
        nonces.dedup();
        assert_eq!(nonces.len(), 4, "{nonces:?}");
    }
}

#[tokio::test]
async fn apache_refuses_and_the_caller_gets_the_401() {
    let Some(base) = peer("TREQ_PEER_APACHE") else { return };
    let (client, seen) = client(&base, "wrong");
    for _ in 0..2 {
        assert_eq!(client.get(format!("{base}/counted/in.txt")).await.unwrap().status(), 401);
    }
    // What has failed is not sent unasked.
    assert_eq!(story(&seen), ["asked", "401 for 1", "asked", "401 for 1"]);
    let stranger = treq::get(format!("{base}/counted/in.txt")).auth(Digest::new("stranger", "p"));
    assert_eq!(stranger.await.unwrap().status(), 401);
}
