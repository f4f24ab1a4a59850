//! https against the embedded server.

use treq::options::HttpVersion;
use treq::{Client, Kind, TlsConfig};
use treq_httpbin::Server;

use crate::chain;

fn trusting(server: &Server) -> TlsConfig {
    TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap()
}

#[tokio::test]
async fn alpn_chooses_the_protocol_and_the_facts_say_so() {
    let server = Server::start_tls().await.unwrap();
    for (http_version, version) in
        [(HttpVersion::Any, http::Version::HTTP_2), (HttpVersion::Http1, http::Version::HTTP_11)]
    {
        let client = Client::builder().tls(trusting(&server)).http_version(http_version).build().unwrap();
        let mut response = client.get(server.url("/get")).await.unwrap();
        assert_eq!(response.version(), version);
        assert!(response.text().await.unwrap().contains("\"url\": \"https://"));
        let facts = response.facts().unwrap().connection();
        assert_eq!(facts.protocol, version);
        assert!(!facts.tls.as_ref().unwrap().peer_certificates.is_empty());
    }
}

#[tokio::test]
async fn sixty_four_first_requests_over_tls_share_one_http2_connection() {
    let server = Server::start_tls().await.unwrap();
    let client = Client::builder().tls(trusting(&server)).build().unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let request = client.get(server.url("/get"));
        requests.spawn(async move { request.await?.content().await });
    }
    for done in requests.join_all().await {
        done.unwrap();
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_refused() {
    let server = Server::start_tls().await.unwrap();
    let other = Server::start_tls().await.unwrap();
    let client = Client::builder().tls(trusting(&other)).build().unwrap();
    let error = client.get(server.url("/get")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{}", chain(&error));
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let client =
        Client::builder().tls(TlsConfig::builder().danger_accept_invalid_certs(true).build().unwrap()).build().unwrap();
    assert_eq!(client.get(server.url("/get")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn http2_in_the_clear_by_prior_knowledge() {
    let server = Server::start().await.unwrap();
    let response = treq::get(server.url("/get")).http_version(HttpVersion::Http2).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
}

#[cfg(unix)]
#[tokio::test]
async fn every_host_is_behind_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    let options = treq_httpbin::Options { unix: Some(path.clone()), ..Default::default() };
    let _server = Server::start_with(options).await.unwrap();
    let client = Client::builder().unix_socket(&path).build().unwrap();
    let mut response = client.get("http://any.test/get").await.unwrap();
    assert!(response.text().await.unwrap().contains("any.test"));
    assert_eq!(response.remote_addr(), None);
}
