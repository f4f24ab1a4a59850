//! cargo run -p examples --example post_file
//!
//! Files with the fields of a form, as a browser sends them: read as they are sent, their types told by their names.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "two sugars")?;

    // A path; an open file, which has no name of its own; bytes with a name and a type.
    let request = treq::post(base.url("/post")).data([("tea", "green")]).files([("notes", path.as_path())]);
    let told: Value = request.await?.error_for_status().await?.json().await?;
    println!("form {}, files {}", told["form"], told["files"]);
    let open = ("notes.txt", std::fs::File::open(&path)?);
    let told: Value = treq::post(base.url("/post")).files([("notes", open)]).await?.json().await?;
    println!("an open file: {}", told["files"]);
    let bytes = ("photo.png", "image/png", b"\x89PNG".to_vec());
    let told: Value = treq::post(base.url("/post")).files([("photo", bytes)]).await?.json().await?;
    println!("bytes: {}", told["files"]);
    examples::expect(told["files"]["photo"] == "data:image/png;base64,iVBORw==", "the bytes with their type")
}
