//! Connectors of hyper-util below treq's client, and treq's below the client of hyper-util, over loopback sockets.

use bytes::Bytes;
use http::{Uri, Version};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::Layer;
use treq::connect::{Peer, TcpConnect, TlsLayer};
use treq::options::HttpVersion;
use treq::{Client, TlsConfig};
use treq_connect::hyper::{FromHyper, IntoHyper};
use treq_httpbin::Server;
use treq_proxy::ProxyConnect;
use treq_testing::{RawServer, Step};

fn trusting(server: &Server) -> TlsConfig {
    TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap()
}

fn hyper_client<C: Connect + Clone + Send + Sync + 'static>(connector: C) -> HyperClient<C, Empty<Bytes>> {
    HyperClient::builder(TokioExecutor::new()).build(connector)
}

async fn get<C: Connect + Clone + Send + Sync + 'static>(
    client: &HyperClient<C, Empty<Bytes>>,
    url: &str,
) -> http::Response<Bytes> {
    let response = client.get(url.parse::<Uri>().unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn treqs_client_goes_over_a_connector_of_hyper_util() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().connector(FromHyper::new(HttpConnector::new())).build().unwrap();
    for _ in 0..2 {
        let mut response = client.get(server.url("/get")).await.unwrap();
        assert_eq!(response.facts().unwrap().connection().peer, Peer::Tcp(server.addr()));
        assert!(response.text().await.unwrap().contains("/get"));
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn with_tls_over_it() {
    let server = Server::start_tls().await.unwrap();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let client = Client::builder().connector(FromHyper::new(http)).tls(trusting(&server)).build().unwrap();
    let response = client.get(server.url("/get")).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));

    // As it is made it refuses, rather than that the two would disagree on who speaks TLS.
    let connect = FromHyper::new(HttpConnector::new());
    let client = Client::builder().connector(connect).tls(trusting(&server)).build().unwrap();
    assert_eq!(client.get(server.url("/get")).await.unwrap_err().kind(), treq::Kind::Connect);
}

#[tokio::test]
async fn hyper_utils_client_goes_over_tcp_from_here() {
    let server = Server::start().await.unwrap();
    let client = hyper_client(IntoHyper::new(TcpConnect::new().resolve_to("api.test", [server.addr()])));
    for _ in 0..2 {
        let response = get(&client, "http://api.test/get").await;
        assert_eq!(response.extensions().get(), Some(&Peer::Tcp(server.addr())));
        assert!(String::from_utf8_lossy(response.body()).contains("http://api.test/get"));
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn and_over_tls_from_here() {
    let server = Server::start_tls().await.unwrap();
    let connect = || IntoHyper::new(TlsLayer::new(trusting(&server)).layer(TcpConnect::new()));
    for (connector, version) in
        [(connect(), Version::HTTP_2), (connect().http_version(HttpVersion::Http1), Version::HTTP_11)]
    {
        let client = hyper_client(connector);
        let response = get(&client, &server.url("/get")).await;
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        assert!(response.extensions().get::<std::sync::Arc<treq::connect::TlsFacts>>().is_some());
    }
    // Without the layer nothing is sent in the clear.
    let client = hyper_client(IntoHyper::new(TcpConnect::new()));
    let error = client.get(server.url("/get").parse().unwrap()).await.unwrap_err();
    let error = treq::Error::from_boxed(error);
    assert!(error.to_string().contains("put a TlsLayer around it"), "{error}");
}

#[tokio::test]
async fn and_through_a_proxy() {
    let answer = [Step::ReadHead, Step::send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")];
    let proxy = RawServer::builder().connection(answer).start().await;
    let proxies = treq::Proxy::try_from(format!("http://{}", proxy.addr())).unwrap().into();
    let client = hyper_client(IntoHyper::new(ProxyConnect::new(TcpConnect::new(), proxies)));
    assert_eq!(get(&client, "http://a.test/path").await.body(), "ok");
    assert_eq!(proxy.requests()[0].line, "GET http://a.test/path HTTP/1.1");
}
