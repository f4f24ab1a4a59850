//! cargo run -p examples --example cassette
//!
//! A session with a real server, recorded once, and played ever after without it.
#![allow(clippy::print_stdout)] // Examples print.

use std::path::Path;

use treq::testing::{Cassette, Mode};
use treq::{Client, Error};

/// What is tested: two requests, the second with the cookie that the first set.
async fn session(cassette: &Cassette, base: &str) -> Result<String, Error> {
    let client = Client::builder().agent_layer(cassette.layer()).build()?;
    client.get(format!("{base}/cookies/set?tea=green")).await?;
    client.get(format!("{base}/headers")).header("x-api-key", "1f3a-5e2b").await?.text().await
}

async fn run(path: &Path, base: &str) -> Result<String, Error> {
    let cassette = Cassette::open(path, Mode::Once)?;
    let text = session(&cassette, base).await?;
    cassette.finish()?;
    Ok(text)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("session.har");
    let base = examples::base().await?;
    let url = base.url("");

    let recorded = run(&path, &url).await?;
    drop(base);
    println!("with the server: {} bytes", recorded.len());
    println!("without it: {} bytes", run(&path, &url).await?.len());
    let file = std::fs::read_to_string(&path)?;
    println!("the key is in the file: {}", file.contains("1f3a-5e2b"));
    examples::expect(recorded.contains("1f3a-5e2b"), "that the server saw the key")
}
