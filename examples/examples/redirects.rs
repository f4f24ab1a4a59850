//! cargo run -p examples --example redirects
//!
//! Redirects are followed; the answer tells where it came from.
#![allow(clippy::print_stdout)] // Examples print.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let response = treq::get(base.url("/redirect/3")).await?;

    println!("{} from {}", response.status(), response.url().path());
    examples::expect(response.history().len() == 3, "three redirects")
}
