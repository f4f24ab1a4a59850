//! cargo run -p examples --example disable_redirects
//!
//! A redirect as an answer like any other.
#![allow(clippy::print_stdout)] // Examples print.

use treq::options::Follow;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let response = treq::get(base.url("/redirect/1")).redirects(Follow::None).await?;

    let location = response.headers().get("location").ok_or("no location")?;
    println!("{} to {}", response.status(), location.to_str()?);
    examples::expect(response.status() == 302, "the redirect itself")
}
