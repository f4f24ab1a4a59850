//! cargo run -p examples --example timeouts
//!
//! A limit on the whole of a request, on its parts, and the error that says which one it was.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::Duration;

use treq::Client;
use treq::error::Elapsed;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let client = Client::builder().connect_timeout(Duration::from_secs(3)).timeout(Duration::from_secs(30)).build()?;

    let limit = Duration::from_millis(200);
    let requests = [
        client.get(base.url("/delay/5")).timeout(limit),
        client.get(base.url("/delay/5")).head_timeout(limit),
        client.get(base.url("/drip?numbytes=2&duration=5")).read_timeout(limit),
    ];
    for request in requests {
        let outcome = async { request.await?.content().await }.await;
        let error = outcome.err().ok_or("there should have been too little time")?;
        let elapsed = error.find::<Elapsed>().ok_or("the error should say what took too long")?;
        println!("{:?}: {elapsed}", elapsed.phase);
    }
    Ok(())
}
