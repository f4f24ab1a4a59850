//! cargo run -p examples --example https
//!
//! TLS: whose certificates are trusted, what was agreed on, and what happens where nobody vouches for the server.
#![allow(clippy::print_stdout)] // Examples print.

use treq::connect::TlsVersion;
use treq::{Client, TlsConfig};
use treq_httpbin::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // With a certificate by an authority that only this process knows.
    let server = Server::start_tls().await?;
    let authority = server.ca_pem().ok_or("an authority")?;

    let error = treq::get(server.url("/get")).await.err().ok_or("the platform trusts a stranger")?;
    println!("by the platform's roots: {:?}", error.kind());

    let tls = TlsConfig::builder().add_roots_pem(authority).min_version(TlsVersion::Tls13).build()?;
    let client = Client::builder().tls(tls).build()?;
    let response = client.get(server.url("/get")).await?;
    let facts = response.facts().and_then(|facts| facts.connection().tls.as_ref()).ok_or("TLS")?;
    println!("with one more: {:?}, {}", response.version(), facts.version.as_deref().unwrap_or_default());
    examples::expect(response.status() == 200, "an answer")
}
