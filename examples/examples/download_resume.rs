//! cargo run -p examples --example download_resume
//!
//! A download that breaks off, and goes on from there where the server still has the same.
#![allow(clippy::print_stdout)] // Examples print.

use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("letters.txt");
    // Half a second long, in pieces of ten bytes.
    let url = base.url("/range/2600?duration=0.5&chunk_size=10");

    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let first = treq::get(&url).download(&path).resume(true).on_progress(move |bytes, _| _ = told.send(bytes));
    let first = tokio::spawn(first.into_future());
    heard.recv().await.ok_or("it should begin")?;
    first.abort();
    println!("broken off, the file is there: {}", path.exists());

    let download = treq::get(&url).download(&path).resume(true).into_future();
    let done = tokio::time::timeout(Duration::from_secs(10), download).await??;
    println!("went on: {}, {} bytes", done.resumed_at > 0, done.bytes);
    let text = std::fs::read_to_string(&path)?;
    examples::expect(text == "abcdefghijklmnopqrstuvwxyz".repeat(100), "the letters in their order")
}
