//! cargo run -p examples --example basic_get
//!
//! A GET: what the server says about its answer, then the answer.
#![allow(clippy::print_stdout)] // Examples print.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let mut response = treq::get(base.url("/get")).header("x-tea", "green").await?.error_for_status().await?;

    println!("{} {}", response.status().as_u16(), response.reason());
    for (name, value) in response.headers() {
        println!("{name}: {}", value.to_str()?);
    }
    println!("\n{}", response.text().await?);
    Ok(())
}
