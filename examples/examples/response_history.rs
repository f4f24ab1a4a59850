//! cargo run -p examples --example response_history
//!
//! The way that led to an answer, and what happens where it is too long.
#![allow(clippy::print_stdout)] // Examples print.

use treq::error::TooManyRedirects;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let response = treq::get(base.url("/redirect/2")).await?;
    for hop in response.history() {
        println!("{} {}", hop.status, hop.url.path());
    }
    println!("{} {}", response.status(), response.url().path());

    let error =
        treq::get(base.url("/redirect/9")).max_redirects(4).await.err().ok_or("nine redirects were followed")?;
    let cause = error.find::<TooManyRedirects>().ok_or("another error")?;
    println!("more than {}: {error}", cause.limit());
    examples::expect(cause.history().len() == 5, "the way so far")
}
