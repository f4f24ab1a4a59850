//! cargo run -p examples --example custom_agent
//!
//! A client over an agent of one's own: put together by hand, with two layers of tower's around it.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::Duration;

use http::{HeaderValue, Request};
use serde_json::Value;
use tower::ServiceBuilder;
use treq::connect::{Agent, HttpHandshake, TcpConnect};
use treq::pool::PoolLayer;
use treq::{Body, Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    // TCP without TLS, HTTP over it, and a pool that keeps two connections per origin for four minutes.
    let pool = PoolLayer::new().idle_per_host(2).idle_time(Duration::from_secs(240));
    let connections = ServiceBuilder::new().layer(pool).service(HttpHandshake::new(TcpConnect::new()));
    // At most four requests at a time, each with a name tag.
    let agent = ServiceBuilder::new()
        .concurrency_limit(4)
        .map_request(|mut request: Request<Body>| {
            request.headers_mut().insert("x-agent", HeaderValue::from_static("mine"));
            request
        })
        .service(Agent::new(connections));

    let client = Client::from_service(agent);
    let told: Value = client.get(base.url("/headers")).await?.error_for_status().await?.json().await?;

    println!("the server saw x-agent: {}", told["headers"]["X-Agent"]);
    examples::expect(told["headers"]["X-Agent"] == "mine", "the layer's field at the server")
}
