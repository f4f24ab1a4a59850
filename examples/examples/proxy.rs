//! cargo run -p examples --example proxy
//!
//! Through a forward proxy with a password: for a client, but for the hosts that it reaches itself, or for one request.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::{Client, Proxies, Proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    // An httpbin answers for every host: it plays the proxy, and what is behind it.
    let proxy = Proxy::try_from(&base.url(""))?.basic_auth("ada", "s3cret")?;

    let proxies = Proxies::all(proxy.clone()).no_proxy("localhost, .internal.example");
    let client = Client::builder().proxy(proxies).build()?;
    let told: Value = client.get("http://shop.example/get").await?.error_for_status().await?.json().await?;
    println!("{} with {}", told["url"], told["headers"]["Proxy-Authorization"]);

    let told: Value = treq::get("http://other.example/get").proxy(proxy).await?.json().await?;
    println!("{} with {}", told["url"], told["headers"]["Proxy-Authorization"]);

    let told: Value = client.get(base.url("/get")).without_proxy().await?.json().await?;
    println!("directly with {}", told["headers"]["Proxy-Authorization"]);
    examples::expect(told["headers"]["Proxy-Authorization"].is_null(), "no credentials where there is no proxy")
}
