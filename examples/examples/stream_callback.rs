//! cargo run -p examples --example stream_callback
//!
//! A body handed to a function piece by piece, as it arrives or in pieces of one size, and given up where it says so.
#![allow(clippy::print_stdout)] // Examples print.

use std::io::{Error, Write};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let get = || treq::get(base.url("/range/1300"));

    let mut sizes = Vec::new();
    get().await?.chunk_size(512).collect(|piece| sizes.push(piece.len())).await?;
    println!("pieces of {sizes:?} bytes");

    // Into anything that can be written to.
    let mut letters = Vec::new();
    get().await?.collect(|piece| letters.write_all(&piece)).await?;
    println!("{} letters: {}...", letters.len(), String::from_utf8_lossy(&letters[..10]));

    let enough = |piece: bytes::Bytes| if piece.contains(&b'z') { Err(Error::other("a z")) } else { Ok(()) };
    let refused = get().await?.collect(enough).await.err().ok_or("there is a z")?;
    println!("given up: {}", std::error::Error::source(&refused).ok_or("its cause")?);
    examples::expect(sizes.iter().sum::<usize>() == letters.len(), "the same bytes both times")
}
