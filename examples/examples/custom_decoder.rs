//! cargo run -p examples --example custom_decoder
//!
//! A content coding of one's own, offered beside gzip and the others.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;
use treq::{BoxError, Client, Coding, DecodeLayer, Decoder, Progress};

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
    let client = Client::builder().decode(DecodeLayer::new().coding(Coding::new("rot13", || Rot13))).build()?;

    let told: Value = client.get(base.url("/headers")).await?.json().await?;
    println!("offered: {}", told["headers"]["Accept-Encoding"]);

    let url = base.url("/response-headers");
    let text = client.get(url).params([("Content-Encoding", "rot13")]).await?.text().await?;
    println!("decoded: {}", text.contains("Pbagrag-Glcr"));
    examples::expect(text.contains("Pbagrag-Glcr"), "Content-Type, turned")
}
