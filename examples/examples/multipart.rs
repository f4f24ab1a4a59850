//! cargo run -p examples --example multipart
//!
//! A form put together by hand: the order of its parts, their types and fields, and how far its sending has come.
#![allow(clippy::print_stdout)] // Examples print.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use treq::{Form, Part};

static SENT: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;

    let form = Form::new()
        .text("title", "Tea")
        .part("list", Part::text("green\nblack").file_name("list.txt").content_type("text/plain; charset=utf-8"))
        .part("log", Part::reader(&b"read as it is sent"[..]).file_name("log"))
        .text("title", "Milk")
        .on_progress(|progress| SENT.store(progress.sent, Ordering::Relaxed));
    println!("of the type {}...", &form.content_type().to_str()?[..30]);
    let told: Value = treq::post(base.url("/post")).multipart(form).await?.error_for_status().await?.json().await?;

    println!("form {}, files {}", told["form"], told["files"]);
    println!("all sent: {}", SENT.load(Ordering::Relaxed) > 400);
    examples::expect(told["files"]["log"] == "read as it is sent", "what the reader yields")
}
