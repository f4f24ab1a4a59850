//! `treq-blackbox`: plays the calls that it reads as JSON from its input with one client, and prints their outcomes as
//! JSON. The protocol stands in [`treq_blackbox::adapter`].
#![forbid(unsafe_code)]
// A command speaks by printing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Read as _;
use std::process::ExitCode;

use serde_json::Value;
use treq_blackbox::adapter;

fn main() -> ExitCode {
    match run() {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Value, String> {
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).map_err(|error| format!("no input: {error}"))?;
    let plan = serde_json::from_slice(&input).map_err(|error| format!("the input is not JSON: {error}"))?;
    drop(input);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(adapter::play(&plan))
}
