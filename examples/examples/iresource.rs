//! cargo run -p examples --example iresource
//!
//! A server in this process, asked by the whole client without a socket: any tower service, here an axum `Router`.
#![allow(clippy::print_stdout)] // Examples print.

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use treq::testing::StubTreq;

/// Answers with its data, as JSON.
fn json_resource(data: Value) -> Router {
    Router::new().route("/", get(move || async move { ([("content-type", "application/json")], data.to_string()) }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stub = StubTreq::new(json_resource(json!({ "tea": "green" })));

    // Every name leads there, https too.
    let mut response = stub.get("https://shop.example/").await?;
    let text = response.text().await?;
    println!("{}: {text}", response.headers()["content-type"].to_str()?);
    println!("no such page: {}", stub.get("https://shop.example/missing").await?.status());
    println!("over {} connection", stub.client().pool().map(|pool| pool.stats()).map_or(0, |stats| stats.made));
    examples::expect(response.json::<Value>().await?["tea"] == "green", "the data of the resource")
}
