//! cargo run -p examples --example grpc
//!
//! tonic's client over treq's: gRPC over HTTP/2, a message and a stream of messages, in the clear and over TLS.
#![allow(clippy::print_stdout)] // Examples print.

use examples::grpc::{Text, start};
use http::uri::PathAndQuery;
use tonic::Request;
use tonic::client::Grpc;
use treq::options::HttpVersion;
use treq::{Client, TlsConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("in the clear, with prior knowledge:");
    call(Client::builder().http_version(HttpVersion::Http2).build()?, start(None).await?).await?;

    println!("over TLS:");
    let tls = treq_httpbin::Tls::new()?;
    let roots = TlsConfig::builder().add_roots_pem(tls.ca_pem()).build()?;
    call(Client::builder().tls(roots).build()?, start(Some(tls)).await?).await
}

/// What a generated client does.
async fn call(client: Client, origin: http::Uri) -> Result<(), Box<dyn std::error::Error>> {
    let mut grpc = Grpc::with_origin(client, origin);
    grpc.ready().await?;
    let brew = PathAndQuery::from_static("/tea.Tea/Brew");
    println!("{}", grpc.unary(Request::new("green tea".to_owned()), brew, Text).await?.into_inner());

    grpc.ready().await?;
    let pour = PathAndQuery::from_static("/tea.Tea/Pour");
    let mut cups = grpc.server_streaming(Request::new("tea".to_owned()), pour, Text).await?.into_inner();
    while let Some(cup) = cups.message().await? {
        println!("{cup}");
    }
    Ok(())
}
