//! httpbin, nginx and caddy, asked directly.

use treq::options::HttpVersion;
use treq::{Client, TlsConfig};

use super::{peer, tls};

#[tokio::test]
async fn httpbin_answers_as_the_embedded_server_does() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let client = Client::new();
    let get = client.get(format!("{base}/get")).params([("a", "b c")]);
    let json: serde_json::Value = get.await.unwrap().json().await.unwrap();
    assert_eq!(json["args"]["a"], "b c");
    let post = client.post(format!("{base}/post")).json([1, 2]);
    let json: serde_json::Value = post.await.unwrap().json().await.unwrap();
    assert_eq!(json["json"], serde_json::json!([1, 2]));
    let mut bytes = 0;
    client
        .get(format!("{base}/stream-bytes/50000"))
        .await
        .unwrap()
        .collect(|piece| bytes += piece.len())
        .await
        .unwrap();
    assert_eq!(bytes, 50_000);
    let error = client.get(format!("{base}/status/418")).await.unwrap().error_for_status().await.unwrap_err();
    assert!(error.to_string().contains("418"), "{error}");
}

#[tokio::test]
async fn nginx_closes_after_three_requests_and_nobody_notices() {
    let Some(base) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    let client = Client::new();
    let mut reused = Vec::new();
    for _ in 0..6 {
        let mut response = client.get(format!("{base}/short/")).await.unwrap();
        reused.push(response.facts().unwrap().is_reused());
        response.content().await.unwrap();
    }
    assert_eq!(reused, [false, true, true, false, true, true]);
    // What the server counts: one connection, a hundred requests on it.
    let mut last = String::new();
    for _ in 0..100 {
        last = client.get(format!("{base}/facts")).await.unwrap().text().await.unwrap();
    }
    let words: Vec<_> = last.split_whitespace().collect();
    assert_eq!((words[0], words[2], words[3]), ("HTTP/1.1", "100", "-"), "{last}");
    assert!(client.get(format!("{base}/drop")).await.is_err());
    assert_eq!(client.get(format!("{base}/204")).await.unwrap().content().await.unwrap(), "");
}

#[tokio::test]
async fn nginx_over_tls_with_and_without_http2() {
    let (Some(h2), Some(h1), Some(tls)) = (peer("TREQ_PEER_NGINX_H2"), peer("TREQ_PEER_NGINX_H1"), tls()) else {
        return;
    };
    let client = Client::builder().tls(tls.clone()).build().unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let request = client.get(format!("{h2}/echo"));
        requests.spawn(async move {
            let mut response = request.await.unwrap();
            assert_eq!(response.version(), http::Version::HTTP_2);
            assert!(response.text().await.unwrap().starts_with("GET /echo HTTP/2.0"));
            response.facts().unwrap().connection().id
        });
    }
    let ids = requests.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for (base, http_version) in [(&h1, HttpVersion::Any), (&h2, HttpVersion::Http1)] {
        let client = Client::builder().tls(tls.clone()).http_version(http_version).build().unwrap();
        for n in 0..2 {
            let mut response = client.get(format!("{base}/echo")).await.unwrap();
            assert_eq!(response.version(), http::Version::HTTP_11);
            assert_eq!(response.facts().unwrap().is_reused(), n > 0);
            response.content().await.unwrap();
        }
    }
}

#[tokio::test]
async fn nginx_asks_for_a_client_certificate() {
    let (Some(base), Some(ca), Some(own)) =
        (peer("TREQ_PEER_NGINX_MTLS"), peer("TREQ_PEER_CA"), peer("TREQ_PEER_CLIENT"))
    else {
        return;
    };
    let tls = TlsConfig::builder().roots_pem_file(&ca).client_pem_file(own).build().unwrap();
    let client = Client::builder().tls(tls).build().unwrap();
    let mut response = client.get(&base).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.text().await.unwrap().trim().is_empty());
    let without = Client::builder().tls(TlsConfig::builder().roots_pem_file(ca).build().unwrap()).build().unwrap();
    assert_eq!(without.get(&base).await.unwrap().status(), 400);
}

#[cfg(unix)]
#[tokio::test]
async fn nginx_over_a_unix_socket() {
    let Some(path) = peer("TREQ_PEER_NGINX_UNIX") else { return };
    let client = Client::builder().unix_socket(path).build().unwrap();
    for n in 0..2 {
        let mut response = client.get("http://a.test/echo").await.unwrap();
        assert_eq!(response.facts().unwrap().is_reused(), n > 0);
        assert!(response.text().await.unwrap().starts_with("GET /echo HTTP/1.1"));
    }
}

#[tokio::test]
async fn httpbin_and_nginx_compress_and_nobody_notices() {
    if let Some(base) = peer("TREQ_PEER_HTTPBIN") {
        for (path, said) in [("gzip", "gzipped"), ("deflate", "deflated"), ("brotli", "brotli")] {
            let json: serde_json::Value = treq::get(format!("{base}/{path}")).await.unwrap().json().await.unwrap();
            assert_eq!(json[said], true, "{path}");
        }
    }
    let Some(base) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    let url = format!("{base}/files/a.txt");
    let plain = treq::get(&url).decoding(false).await.unwrap().content().await.unwrap();
    for coding in ["gzip", "br"] {
        let raw = treq::get(&url).header("accept-encoding", coding).decoding(false).await.unwrap();
        assert_eq!(raw.headers()["content-encoding"], coding);
        let decoded = treq::get(&url).header("accept-encoding", coding).await.unwrap().content().await.unwrap();
        assert_eq!(decoded, plain, "{coding}");
    }
}

#[tokio::test]
async fn caddy_compresses_with_zstd_and_nobody_notices() {
    let (Some(base), Some(tls)) = (peer("TREQ_PEER_CADDY"), tls()) else { return };
    let client = Client::builder().tls(tls).build().unwrap();
    let url = format!("{base}/a.txt");
    let plain = client.get(&url).decoding(false).await.unwrap().content().await.unwrap();
    assert!(plain.ends_with(b"\n5000\n"));
    for coding in ["zstd", "gzip"] {
        let raw = client.get(&url).header("accept-encoding", coding).decoding(false).await.unwrap();
        assert_eq!(raw.headers()["content-encoding"], coding);
        let decoded = client.get(&url).header("accept-encoding", coding).await.unwrap().content().await.unwrap();
        assert_eq!(decoded, plain, "{coding}");
    }
}

#[tokio::test]
async fn httpbin_keeps_a_session_by_cookies() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let client = Client::new();
    let cookies = async |path: &str| {
        let json: serde_json::Value = client.get(format!("{base}{path}")).await.unwrap().json().await.unwrap();
        json["cookies"].clone()
    };
    assert_eq!(cookies("/cookies/set?a=1&b=2").await, serde_json::json!({ "a": "1", "b": "2" }));
    assert_eq!(cookies("/cookies/delete?a").await, serde_json::json!({ "b": "2" }));
    assert_eq!(client.jar().unwrap().len(), 1);
    // A free function has a jar of its own.
    let json: serde_json::Value = treq::get(format!("{base}/cookies")).await.unwrap().json().await.unwrap();
    assert_eq!(json["cookies"], serde_json::json!({}));
    let error = client.get(format!("{base}/delay/3")).timeout(std::time::Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.kind(), treq::Kind::Timeout(treq::error::Phase::Total));
}

#[tokio::test]
async fn httpbin_and_nginx_redirect() {
    if let Some(base) = peer("TREQ_PEER_HTTPBIN") {
        let response = treq::get(format!("{base}/redirect/4")).await.unwrap();
        assert_eq!((response.url().path(), response.history().len()), ("/get", 4));
    }
    let Some(base) = peer("TREQ_PEER_NGINX_HTTP") else { return };
    let client = Client::new();
    let mut response = client.get(format!("{base}/abs/")).await.unwrap();
    assert_eq!(response.history()[0].status, 308);
    assert!(response.text().await.unwrap().starts_with("GET /echo HTTP/1.1"));
    let error = client.get(format!("{base}/loop")).await.unwrap_err();
    assert!(error.find::<treq::error::TooManyRedirects>().is_some(), "{error}");
}
