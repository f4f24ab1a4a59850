//! cargo run -p examples --example using_cookies
//!
//! Cookies of one request, those that an answer sets, and a jar to look into.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::{Client, Jar};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    // With this request only, and to its origin only.
    let told: Value = treq::get(base.url("/cookies")).cookies([("tea", "green")]).await?.json().await?;
    println!("sent: {}", told["cookies"]);

    // What an answer sets, with its attributes.
    let response = treq::get(base.url("/cookies/set?sugar=none")).await?;
    for cookie in response.cookies() {
        println!("set: {} = {}, path {}", cookie.name_str().unwrap(), cookie.value_str().unwrap(), cookie.path());
    }

    // A jar of one's own: what a client has kept can be looked up by name.
    let jar = Jar::new();
    let client = Client::builder().jar(jar.clone()).build()?;
    client.get(base.url("/cookies/set?milk=oat")).await?;
    let milk = jar.get("milk")?.ok_or("no milk in the jar")?;
    println!("kept: {} cookie, milk = {}", jar.len(), milk.value_str().unwrap());
    examples::expect(milk.value() == b"oat", "oat milk")
}
