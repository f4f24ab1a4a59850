//! cargo run -p examples --example basic_post
//!
//! A POST of a struct as JSON, and the answer as another struct.
#![allow(clippy::print_stdout)] // Examples print.

use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    msg: String,
}

/// httpbin tells what it was sent.
#[derive(Deserialize)]
struct Told {
    json: Message,
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let message = Message { msg: "Hello!".to_owned() };

    let told: Told = treq::post(base.url("/post")).json(&message).await?.error_for_status().await?.json().await?;

    println!("{} was sent {:?}", told.url, told.json);
    examples::expect(told.json == message, "the message to come back as it was sent")
}
