//! cargo run -p examples --example testing_seq
//!
//! Tests of code that makes requests: which ones it must make, in which order, and what they are answered.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::Client;
use treq::testing::{HasHeaders, RequestSequence, StubTreq};

/// What is tested.
async fn make_a_request(treq: &Client) -> Result<Value, Box<dyn std::error::Error>> {
    let request = treq.get("http://an.example/foo").params([("a", "b")]).header("accept", "application/json");
    let mut response = request.await?;
    match response.status().as_u16() {
        200 => Ok(response.json().await?),
        _ => Err(format!("Got an error from the server: {}", response.text().await?).into()),
    }
}

/// Its outcome where the one request that it must make is answered so.
async fn answered(code: u16, of: &str, body: &'static str) -> Result<Value, Box<dyn std::error::Error>> {
    let accepts = HasHeaders::new([("accept", "application/json")]);
    let expected = ("get", "http://an.example/foo", [("a", "b")], accepts, "");
    let sequence = RequestSequence::new().expect(expected, (code, [("content-type", of)], body));
    let stub = StubTreq::new(sequence.stub());
    let _consume = sequence.consume();
    make_a_request(stub.client()).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("200: {}", answered(200, "application/json", r#"{"status": "ok"}"#).await?);
    let failure = answered(418, "text/plain", "I'm a teapot!").await.err().ok_or("a 418 is no success")?;
    println!("418: {failure}");
    examples::expect(failure.to_string().ends_with("I'm a teapot!"), "what the server said")
}
