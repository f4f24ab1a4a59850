//! cargo run -p examples --example hyper_connector
//!
//! A connector of hyper-util below treq's client, and one of treq's, with TLS, below the client of hyper-util.
#![allow(clippy::print_stdout)] // Examples print.

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::Layer;
use treq::connect::{Peer, TcpConnect, TlsLayer};
use treq::options::HttpVersion;
use treq::{Client, TlsConfig};
use treq_connect::hyper::{FromHyper, IntoHyper};
use treq_httpbin::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start_tls().await?;
    let tls = TlsConfig::builder().roots_pem(server.ca_pem().ok_or("an authority")?).build()?;

    // treq speaks TLS over it, so the connector must take https URLs and not mind.
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let client = Client::builder().connector(FromHyper::new(http)).tls(tls.clone()).build()?;
    let response = client.get(server.url("/get")).await?;
    println!("treq over hyper-util's TCP: {}, {:?}", response.status(), response.version());

    // This client of hyper-util is built without HTTP/2, so only HTTP/1.1 may be offered.
    let connector = IntoHyper::new(TlsLayer::new(tls).layer(TcpConnect::new())).http_version(HttpVersion::Http1);
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
    let response = client.get(server.url("/get").parse()?).await?;
    let peer = response.extensions().get::<Peer>().ok_or("the peer")?;
    println!("hyper-util over treq's TCP and TLS: {}, from {peer}", response.status());
    examples::expect(response.status() == 200, "an answer")
}
