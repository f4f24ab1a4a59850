//! cargo run -p examples --example quickstart [-- --base URL]
#![allow(clippy::print_stdout)] // Examples print.

use examples::show;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use treq::Client;
use treq::pool::PoolLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let told: Value = treq::get(base.url("/get")).params([("q", "tea & milk")]).await?.json().await?;
    show("GET with params: the server read q =", &told["args"]["q"], json!("tea & milk"))?;
    let told: Value = treq::post(base.url("/post")).json(json!({ "cups": 2 })).await?.json().await?;
    show("POST JSON: the server read", &told["json"], json!({ "cups": 2 }))?;

    let response = treq::get(base.url("/drip?numbytes=400&duration=1")).await?.error_for_status().await?;
    examples::download("streamed download", response).await?;
    let response = treq::get(base.url("/redirect/2")).await?;
    let way: Vec<_> = response.history().iter().map(|hop| hop.url.path()).collect();
    show("redirects, by way of", &json!(way), json!(["/redirect/2", "/relative-redirect/1"]))?;
    for (coding, said) in [("gzip", "gzipped"), ("deflate", "deflated"), ("brotli", "brotli")] {
        let told: Value = treq::get(base.url("/") + coding).await?.json().await?;
        show(&format!("compressed with {coding}:"), &told[said], json!(true))?;
    }

    let client = Client::builder().pool_layer(PoolLayer::new().max_per_host(8)).build()?;
    client.get(base.url("/cookies/set?tea=green")).await?.content().await?;
    let told: Value = client.get(base.url("/cookies")).await?.json().await?;
    show("cookie session: the server read", &told["cookies"], json!({ "tea": "green" }))?;

    let requests = (0..100).map(|n| client.get(base.url("/anything")).params([("n", n)]));
    let requests: JoinSet<_> = requests.map(|request| async { request.await?.content().await }).collect();
    requests.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let made = client.pool().map(|pool| pool.stats()).map_or(0, |stats| stats.made);
    println!("100 URLs at once: answered over {made} connections");
    base.server.map_or(Ok(()), |_| examples::expect(made <= 8, "at most 8 connections: this server keeps them open"))
}
