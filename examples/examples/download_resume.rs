//! cargo run -p examples --example download_resume
//!
//! A download that breaks off, and goes on from there where the server still has the same.
#![allow(clippy::print_stdout)] // Examples print.

use http::HeaderMap;
use treq::testing::{StringStubbing, StubTreq};

/// 10 MB under one tag; answers with all of it, or from where it is asked to.
fn site() -> StringStubbing {
    StringStubbing::new(|request| {
        let letters = b"abcdefghij".repeat(1_000_000);
        let range = request.headers.get("range").and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
        let at: Option<usize> = range.and_then(|range| range.strip_suffix('-')?.parse().ok());
        let mut headers = HeaderMap::from_iter([("etag".parse().unwrap(), "\"v1\"".parse().unwrap())]);
        let Some(at) = at else { return (200, headers, letters) };
        let stands = format!("bytes {at}-{}/{}", letters.len() - 1, letters.len());
        headers.insert("content-range", stands.parse().unwrap());
        (206, headers, letters[at..].to_vec())
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (stub, folder) = (StubTreq::new(site()), tempfile::tempdir()?);
    let (url, path) = ("https://site.example/letters.txt", folder.path().join("letters.txt"));

    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let first = stub.get(url).download(&path).resume(true).on_progress(move |bytes, _| _ = told.send(bytes));
    tokio::select! {
        biased;
        _ = heard.recv() => {}
        done = first.into_future() => { done?; }
    }
    println!("broken off, the file is there: {}", path.exists());

    let done = stub.get(url).download(&path).resume(true).await?;
    println!("went on: {}, {} bytes", (1..done.bytes).contains(&done.resumed_at), done.bytes);
    examples::expect(std::fs::read(&path)? == b"abcdefghij".repeat(1_000_000), "the letters in their order")
}
