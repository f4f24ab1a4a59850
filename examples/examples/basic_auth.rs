//! cargo run -p examples --example basic_auth
//!
//! User name and password: those of one request, and those that a client has for an origin.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::Client;
use treq::auth::Basic;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let url = base.url("/basic-auth/treq/s3cret");

    let told: Value = treq::get(&url).basic_auth("treq", "s3cret").await?.error_for_status().await?.json().await?;
    println!("one request: {told}");
    println!("a wrong password: {}", treq::get(&url).basic_auth("treq", "guess").await?.status());

    // Every request of this client to that origin, and to no other.
    let client = Client::builder().credentials(&*url, Basic::new("treq", "s3cret")?).build()?;
    println!("a client: {}", client.get(&url).await?.status());
    examples::expect(told["user"] == "treq", "the name of the user")
}
