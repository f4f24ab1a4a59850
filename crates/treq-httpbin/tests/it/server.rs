use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;
use treq_httpbin::{Httpbin, Options, Server};

use crate::client::{Answer, connect, request, send};

async fn tls(server: &Server, name: &'static str, alpn: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let socket = TcpStream::connect(server.addr()).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), socket).await.unwrap()
}

#[tokio::test]
async fn speaks_http1_over_tls() {
    let server = Server::start_tls().await.unwrap();
    assert!(server.url("/get").starts_with("https://127.0.0.1:"));
    for name in ["localhost", "127.0.0.1"] {
        let stream = tls(&server, name, b"http/1.1").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = Answer::of(sender.send_request(request("GET", "/get", &[], "")).await.unwrap()).await;
        assert_eq!(answer.json()["url"], "https://bin.test/get");
        let answer = Answer::of(sender.send_request(request("GET", "/cookies/set/a/b", &[], "")).await.unwrap()).await;
        assert_eq!(answer.header("set-cookie"), "a=b; Secure; Path=/");
    }
}

#[tokio::test]
async fn speaks_http2_over_tls() {
    let server = Server::start_tls().await.unwrap();
    let stream = tls(&server, "localhost", b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://two.test/get").body(Empty::<Bytes>::new()).unwrap();
    let answer = Answer::of(sender.send_request(request).await.unwrap()).await;
    assert_eq!(answer.json()["url"], "https://two.test/get");
    assert_eq!(answer.json()["headers"]["Host"], "two.test");
}

#[tokio::test]
async fn speaks_http2_to_who_begins_with_it() {
    let server = Server::start().await.unwrap();
    let socket = TcpStream::connect(server.addr()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    for method in ["GET", "HEAD"] {
        let request =
            Request::builder().method(method).uri("http://a.test/zeros/9").body(Full::<Bytes>::default()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(
            (response.version(), &response.headers()["content-length"]),
            (Version::HTTP_2, &"9".parse().unwrap())
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), if method == "GET" { 9 } else { 0 });
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn counts_connections() {
    let server = Server::start().await.unwrap();
    let mut first = connect(&server).await;
    for _ in 0..3 {
        first.ready().await.unwrap();
        Answer::of(first.send_request(request("GET", "/get", &[], "")).await.unwrap()).await;
    }
    assert_eq!((server.connections().accepted, server.connections().open), (1, 1));
    send(&server, request("GET", "/ip", &[], "")).await;
    server.wait_for_open(1).await;
    assert_eq!(server.connections().accepted, 2);
    drop(first);
    server.wait_for_open(0).await;
}

#[tokio::test]
async fn ends_with_its_tasks_when_dropped() {
    let server = Server::start().await.unwrap();
    let addr = server.addr();
    let mut sender = connect(&server).await;
    let waiting = sender.send_request(request("GET", "/delay/10", &[], ""));
    server.wait_for_open(1).await;
    drop(server);
    assert!(waiting.await.is_err());
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn listens_on_a_unix_socket_too() {
    let path = std::env::temp_dir().join(format!("treq-httpbin-{}.sock", std::process::id()));
    let server = Server::start_with(Options { unix: Some(path.clone()), ..Options::default() }).await.unwrap();
    let socket = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let answer = Answer::of(sender.send_request(request("GET", "/ip", &[], "")).await.unwrap()).await;
    assert_eq!(answer.json()["origin"], "");
    drop(server);
    assert!(!path.exists());
}

#[tokio::test]
async fn listens_on_a_chosen_port() {
    let free = Server::start().await.unwrap().addr().port();
    // Whoever takes the port in between makes this an error, not a wrong answer.
    match Server::start_with(Options { port: free, ..Options::default() }).await {
        Ok(server) => assert_eq!(server.addr().port(), free),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
    }
}

#[tokio::test]
async fn is_a_service_too() {
    let request = Request::get("http://a.test/ip").body(Full::<Bytes>::default()).unwrap();
    let response = Httpbin::new().call(request).await.unwrap();
    assert_eq!(response.status(), 200);
}
