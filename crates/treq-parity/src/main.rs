//! `treq-parity [--cases FILE]`: plays the cases and prints how they came out, behind a table of the catalogue.
#![forbid(unsafe_code)]
// A command speaks by printing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use treq_parity::{Outcome, Sources, judge, read};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is as it should be.
fn run() -> Result<bool, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut file = home.join("data/cases.jsonl");
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--cases" => file = PathBuf::from(args.next().ok_or("--cases wants a file")?),
            other => return Err(format!("{other:?} is not known: treq-parity [--cases FILE]")),
        }
    }
    let sources = Sources::scan(&home.join("../.."))?;
    let cases = read(&file)?;
    let (mut passed, mut different, mut by_hand, mut failed) = (0, 0, 0, 0);
    for case in &cases {
        match judge(case, &sources) {
            Outcome::Passed => passed += 1,
            Outcome::Different(reasons) => {
                different += 1;
                println!("{} DIFFERENT {}", case.id, reasons.join("; "));
            }
            Outcome::ByHand => by_hand += 1,
            Outcome::Failed(why) => {
                failed += 1;
                println!("{} FAIL {why}", case.id);
            }
        }
    }
    println!("cases: passed {passed}, different {different}, by hand {by_hand}, failed {failed}");
    Ok(failed == 0)
}
