//! `treq-conformance [suite..] [--data DIR]`: plays the suites and prints how their rows came out.
#![forbid(unsafe_code)]
// A command speaks by printing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use treq_conformance::services::{self, LISTED, Services};
use treq_conformance::{Outcome, SUITES};

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} rows failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many rows failed.
fn run() -> Result<usize, String> {
    let mut data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data"));
    let mut wanted = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--data" => data = args.next().ok_or("--data wants a folder")?.into(),
            name if name == services::NAME || SUITES.iter().any(|suite| suite.name == name) => wanted.push(arg),
            other => {
                let known: Vec<_> = SUITES.iter().map(|suite| suite.name).chain([services::NAME]).collect();
                return Err(format!("{other:?} is no suite: there are {}", known.join(", ")));
            }
        }
    }
    let mut all_failed = 0;
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    for suite in SUITES.iter().filter(|suite| is_wanted(suite.name)) {
        for played in suite.run(&data)? {
            let count = |of: fn(&Outcome) -> bool| played.rows.iter().filter(|(_, outcome)| of(outcome)).count();
            let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
            println!(
                "{}/{}: passed {}, open {}, listed {}, failed {failed}",
                suite.name,
                played.file,
                count(|outcome| matches!(outcome, Outcome::Passed)),
                count(|outcome| matches!(outcome, Outcome::Open)),
                count(|outcome| matches!(outcome, Outcome::Listed(_))),
            );
            for (id, outcome) in &played.rows {
                match outcome {
                    Outcome::Failed(seen) => println!("{id} FAIL {seen}"),
                    Outcome::Listed(reason) => println!("{id} LISTED {reason}"),
                    Outcome::Passed | Outcome::Open => {}
                }
            }
            all_failed += failed;
        }
    }
    if is_wanted(services::NAME) {
        let Services { treq, tower_http } = Services::run()?;
        print!("{} over treq:\n{treq}", services::NAME);
        for (name, reason) in LISTED {
            println!("  LISTED {name}: {reason}");
        }
        print!("{} over hyper-util and tower-http, for comparison only:\n{tower_http}", services::NAME);
        all_failed += treq.failed().count();
    }
    Ok(all_failed)
}
