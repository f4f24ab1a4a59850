//! cargo run -p examples --example download_file
//!
//! A download into a file: in constant memory, and the file is there whole or not at all.
#![allow(clippy::print_stdout)] // Examples print.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("download.bin");

    let mut response = treq::get(base.url("/bytes/102400")).await?.error_for_status().await?;
    let announced = response.content_length();
    let written = response.save(&path).await?;

    println!("wrote {written} bytes to {}", path.display());
    examples::expect(announced == Some(written), "as many bytes as the server announced")?;
    examples::expect(std::fs::metadata(&path)?.len() == written, "a file of as many bytes")
}
