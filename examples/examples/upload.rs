//! cargo run -p examples --example upload
//!
//! A file as the whole body of a request, read as it is sent; its type is said by a header field.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cups.csv");
    std::fs::write(&path, "tea,2\r\n")?;

    let told: Value =
        treq::post(base.url("/post")).data(path.as_path()).await?.error_for_status().await?.json().await?;
    println!("{}", told["data"]);

    let put = treq::put(base.url("/put")).data(path).header("content-type", "text/csv");
    let told: Value = put.await?.error_for_status().await?.json().await?;
    println!("{} as {}", told["data"], told["headers"]["Content-Type"]);

    // What only a reader knows the end of.
    let reader = treq::body::Content::reader(tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), 100_000))?;
    let told: Value = treq::post(base.url("/post")).data(reader).await?.error_for_status().await?.json().await?;
    let length = told["data"].as_str().map(str::len);
    println!("{} in {}", length.unwrap_or_default(), told["headers"]["Transfer-Encoding"]);
    examples::expect(length == Some(100_000), "all that was read")
}
