//! cargo run -p examples --example custom_decoder
//!
//! A custom content coding, offered besides gzip and the others.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::Client;
use treq::decode::{Coding, DecodeLayer, Decoder, Progress};
use treq::error::BoxError;

/// Letters moved by thirteen places.
struct Rot13;

impl Decoder for Rot13 {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError> {
        let len = input.len().min(output.len());
        for (to, from) in output.iter_mut().zip(input) {
            let first = if from.is_ascii_lowercase() { b'a' } else { b'A' };
            *to = if from.is_ascii_alphabetic() { first + (from - first + 13) % 26 } else { *from };
        }
        Ok(Progress::new(len, len))
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let client = Client::builder().decode_layer(DecodeLayer::new().coding(Coding::new("rot13", || Rot13))).build()?;

    let told: Value = client.get(base.url("/headers")).await?.json().await?;
    println!("offered: {}", told["headers"]["Accept-Encoding"]);
    let turned = client.get(base.url("/response-headers")).params([("Content-Encoding", "rot13")]);
    let text = turned.await?.text().await?;
    println!("decoded: {}", text.contains("Pbagrag-Glcr"));
    examples::expect(text.contains("Pbagrag-Glcr"), "Content-Type, turned")
}
