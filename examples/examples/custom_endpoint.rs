//! cargo run -p examples --example custom_endpoint
//!
//! Where byte streams come from: any service of targets, for destinations that no address says.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use tokio::net::TcpStream;
use treq::connect::{Connected, Peer, Target};
use treq::{Client, Origin};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let behind = Origin::from_uri(&base.url("/").parse()?)?;

    // The port of the service by its name, as a registry of one's own would know it.
    let endpoint = tower::service_fn(move |target: Target| {
        let behind = behind.clone();
        async move {
            if target.origin.host() != "tea.service" {
                return Err(std::io::Error::other("the registry knows no such service"));
            }
            let stream = TcpStream::connect((behind.host(), behind.port())).await?;
            let peer = Peer::Tcp(stream.peer_addr()?);
            Ok(Connected::new(stream, peer))
        }
    });
    let client = Client::builder().connector(endpoint).build()?;

    let told: Value = client.get("http://tea.service/get").await?.error_for_status().await?.json().await?;
    println!("{}", told["url"]);
    let error = client.get("http://milk.service/get").await.err().ok_or("there is none")?;
    println!("{}", error.find::<std::io::Error>().ok_or("the reason")?);
    examples::expect(told["url"] == "http://tea.service/get", "the URL as it was asked for")
}
