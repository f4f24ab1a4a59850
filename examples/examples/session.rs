//! cargo run -p examples --example session
//!
//! A client is a session: fields of its own, cookies from answer to answer, and both again after a restart.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::cookies::SessionCookies;
use treq::{Client, Jar};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let file = tempfile::tempdir()?.path().join("cookies.json");
    std::fs::create_dir_all(file.parent().ok_or("no folder")?)?;

    let client = Client::builder().header("user-agent", "shop/1.0").build()?;
    client.get(base.url("/cookies/set?sid=7f")).await?;
    let jar = client.jar().ok_or("a client has a jar")?;
    jar.save_file(&file, SessionCookies::Include)?;

    let jar = Jar::new();
    let loaded = jar.load_file(&file)?;
    let later = Client::builder().header("user-agent", "shop/1.0").jar(jar).build()?;
    let told: Value = later.get(base.url("/cookies")).await?.json().await?;
    println!("{loaded} cookie loaded, sent again: {}", told["cookies"]);
    let told: Value = later.get(base.url("/headers")).await?.json().await?;
    println!("as {}", told["headers"]["User-Agent"]);
    examples::expect(told["headers"]["Cookie"] == "sid=7f", "the cookie of the session before")
}
