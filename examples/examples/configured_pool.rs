//! cargo run -p examples --example configured_pool
//!
//! Connections: how many, for how long, closed on request, and none that is kept.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::Duration;

use treq::pool::PoolLayer;
use treq::{Client, set_default_client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let pool = PoolLayer::new().idle_per_host(10).max_per_host(2).idle_time(Duration::from_secs(240));
    // From here on the free functions of this runtime have these connections.
    set_default_client(Client::builder().pool_layer(pool).build()?)?;
    let made = || treq::default_client().ok().and_then(|client| client.pool()).map_or(0, |pool| pool.stats().made);

    let requests = (0..6).map(|_| treq::get(base.url("/delay/0.05")));
    let requests: tokio::task::JoinSet<_> = requests.map(|request| async { request.await?.content().await }).collect();
    requests.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("6 at a time over at most 2 connections: {}", made() <= 2);

    let before = made();
    treq::get(base.url("/get")).persistent(false).await?.content().await?;
    println!("on a connection of its own: {}", made() == before + 1);
    let pool = treq::default_client()?.pool().ok_or("the pool of the default client")?;
    pool.close_idle();
    println!("kept: {}", pool.stats().idle);
    examples::expect(pool.stats().idle == 0, "no idle connection")
}
