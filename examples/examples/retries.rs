//! cargo run -p examples --example retries
//!
//! Requests that are sent again where that is safe: how often, after which wait, and what is never sent twice.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::Duration;

use treq::retry::{Attempted, Backoff, RetryLayer};
use treq::{Client, Response};

fn show(what: &str, response: &Response) {
    // Only what was sent more than once says so.
    let attempts = response.extensions().get::<Attempted>().map_or(1, |attempted| attempted.count());
    println!("{what}: {} after {attempts}", response.status().as_u16());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let backoff = Backoff::new().base(Duration::from_millis(5));
    let client = Client::builder().retry_layer(RetryLayer::new().attempts(3).backoff(backoff)).build()?;
    let busy = base.url("/status/503");

    show("GET", &client.get(&busy).await?);
    show("a status that no second try mends", &client.get(base.url("/status/404")).await?);
    show("POST", &client.post(&busy).data("an order").await?);
    // The server can tell by the key that it is the same order.
    show("POST with an Idempotency-Key", &client.post(&busy).data("an order").idempotency_key(true).await?);
    show("one request of any client", &treq::get(&busy).attempts(2).await?);
    Ok(())
}
