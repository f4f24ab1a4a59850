//! cargo run -p examples --example blocking
//!
//! The same requests without async.
#![allow(clippy::print_stdout)] // Examples print.

use serde_json::{Value, json};
use treq::blocking::{self, Client};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The server's runtime; the client needs none.
    let runtime = tokio::runtime::Runtime::new()?;
    let base = runtime.block_on(examples::base())?;

    let told: Value = blocking::post(base.url("/post")).json(json!({ "cups": 2 })).send()?.json()?;
    println!("the server read {}", told["json"]);

    let client = Client::builder().header("user-agent", "shop/1.0").build_blocking()?;
    client.get(base.url("/cookies/set?tea=green")).send()?;
    println!("{}", client.get(base.url("/cookies")).send()?.json::<Value>()?);

    let mut bytes = 0;
    client.get(base.url("/bytes/3000")).send()?.collect(|piece| bytes += piece.len())?;
    println!("{bytes} bytes");
    examples::expect(told["json"]["cups"] == 2, "two cups")
}
