//! cargo run -p examples --example quickstart [-- --base URL]
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use treq::{Client, PoolLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let told: Value = treq::get(base.url("/get")).params([("q", "tea & milk")]).await?.json().await?;
    println!("GET with params: the server read q = {}", told["args"]["q"]);
    examples::expect(told["args"]["q"] == "tea & milk", "the params to come back")?;

    let told: Value = treq::post(base.url("/post")).json(&json!({ "cups": 2 })).await?.json().await?;
    println!("POST JSON: the server read {}", told["json"]);
    examples::expect(told["json"]["cups"] == 2, "the JSON to come back")?;

    let mut response = treq::get(base.url("/drip?numbytes=400&duration=1")).await?.error_for_status().await?;
    let mut bar = examples::Bar::new("streamed download", response.content_length())?;
    while let Some(piece) = response.chunk().await? {
        bar.advance(piece.len())?;
    }
    bar.end()?;

    let client = Client::builder().pool(PoolLayer::new().max_per_host(8)).build()?;
    let mut requests = JoinSet::new();
    for n in 0..100 {
        let request = client.get(base.url("/anything")).params([("n", n)]);
        requests.spawn(async move { Ok::<_, treq::Error>((n, request.await?.json::<Value>().await?)) });
    }
    while let Some(answer) = requests.join_next().await {
        let (n, told) = answer??;
        examples::expect(told["args"]["n"] == json!(n.to_string()), "each its own answer")?;
    }
    let made = client.pool_stats().map_or(0, |stats| stats.made);
    println!("100 URLs at once: answered over {made} connections");
    base.server.map_or(Ok(()), |_| examples::expect(made <= 8, "at most 8 connections: this server keeps them open"))
}
