//! cargo run -p examples --example scripted_server
//!
//! Tests of what happens when a server breaks off, stalls or talks nonsense: bytes by a script, in memory, in no time.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::{Duration, Instant};

use treq::Client;
use treq_testing::{RawServer, Step};

/// How a GET ends over connections that play this script.
async fn ends(script: Vec<Step>) -> Result<String, treq::Error> {
    let server = RawServer::builder().connection([vec![Step::ReadRequest], script].concat()).start_in_memory();
    let client = Client::builder().connector(server.connector()).build()?;
    let answer = async { client.get("http://a.test/").timeout(Duration::from_secs(3600)).await?.text().await };
    Ok(answer.await.unwrap_or_else(|error| format!("{:?}: {error}", error.kind())))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    for (name, script) in [
        ("whole", vec![Step::send(head), Step::send("green")]),
        ("a byte each half minute", vec![Step::send(head), Step::trickle("green", 1, Duration::from_secs(30))]),
        ("cut", vec![Step::send(head), Step::send("gre"), Step::Close]),
        ("reset", vec![Step::Reset]),
        ("nonsense", vec![Step::send("tea?\r\n\r\n")]),
        ("silence", vec![Step::Stall]),
    ] {
        println!("{name}: {}", ends(script).await?);
    }
    examples::expect(begun.elapsed() < Duration::from_secs(60), "minutes in no time")
}
