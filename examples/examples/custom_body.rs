//! cargo run -p examples --example custom_body
//!
//! A type of one's own as the body of a request: what it is sent as, and of which media type.
#![allow(clippy::print_stdout)] // Examples print.

use http::HeaderValue;
use serde_json::Value;
use treq::Error;
use treq::body::{Content, Data};

/// Rows of a table.
struct Csv(Vec<[&'static str; 2]>);

impl Data for Csv {
    fn into_content(self) -> Result<Content, Error> {
        let lines: String = self.0.iter().map(|row| row.join(",") + "\r\n").collect();
        Ok(Content::new(lines).with_type(HeaderValue::from_static("text/csv")))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let table = Csv(vec![["tea", "cups"], ["green", "2"]]);

    let told: Value = treq::post(base.url("/post")).data(table).await?.error_for_status().await?.json().await?;

    println!("{} as {}", told["data"], told["headers"]["Content-Type"]);
    examples::expect(told["data"] == "tea,cups\r\ngreen,2\r\n", "two rows")
}
