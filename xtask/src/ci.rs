//! Every check, in order, up to the first that fails; then what each took, and what the test runner said.

use std::time::{Duration, Instant};

use crate::run::{Outcome, Stream, cargo, flag, no_more, present, tee, to_end};
use crate::{api, bench, debian, delegate, faults, features, msrv, peers, storm, tally, tidy};

struct Step {
    name: &'static str,
    /// Part of `--fast` too.
    fast: bool,
    run: fn(Mode) -> Outcome<Note>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Fast,
    Full,
}

/// A word on a step for the closing table: what the test runner said, or why nothing was done.
type Note = Option<String>;

const STEPS: &[Step] = &[
    Step { name: "fmt", fast: true, run: |_| plain(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", fast: true, run: |_| tidy::run(&[]).map(|()| None) },
    Step { name: "clippy", fast: true, run: clippy },
    Step { name: TESTS, fast: true, run: |_| tests() },
    Step { name: "doctests", fast: true, run: |_| doctests() },
    Step { name: "docs", fast: false, run: |_| docs() },
    Step { name: "deny", fast: true, run: deny },
    Step { name: "features", fast: false, run: |_| features::run(&[]).map(|()| None) },
    Step { name: "msrv", fast: false, run: |_| msrv::run(&[]).map(|()| None) },
    Step { name: "api", fast: false, run: |_| api::run(&[]).map(|()| None) },
    Step { name: "install", fast: false, run: |_| install() },
    // Both protocols at once, about three minutes.
    Step { name: "storm", fast: false, run: |_| storm::run(&[]).map(|()| None) },
    // At most five minutes: a sample.
    Step { name: "faults", fast: false, run: |_| faults::run(&[]).map(|()| None) },
    Step { name: "peers", fast: false, run: |_| peers::run(&[]).map(|()| None) },
    Step { name: "conformance", fast: false, run: |_| delegate::conformance(&[]).map(|()| None) },
    Step { name: "parity", fast: false, run: |_| delegate::parity(&[]).map(|()| None) },
    Step { name: "live", fast: false, run: |_| delegate::parity(&["--live".into(), "--short".into()]).map(|()| None) },
    // Once it is built, half a minute, most of which it waits for servers that keep it waiting.
    Step { name: "threats", fast: false, run: |_| delegate::threats(&[]).map(|()| None) },
    Step {
        name: "bench",
        fast: false,
        run: |_| bench::run(&["--instructions".into(), "--check".into()]).map(|()| None),
    },
];

/// The step whose words close the whole run.
const TESTS: &str = "tests";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let mode = if flag(&mut arguments, "--fast") { Mode::Fast } else { Mode::Full };
    no_more(&arguments)?;

    let mut table = Vec::new();
    let mut closing = None;
    let start = Instant::now();
    let mut failure = None;
    for step in STEPS.iter().filter(|step| step.fast || mode == Mode::Full) {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        let outcome = (step.run)(mode);
        let (word, note) = match &outcome {
            Ok(note) => ("ok", note.clone().unwrap_or_default()),
            Err(_) => ("FAILED", String::new()),
        };
        let line = line(step.name, word, start.elapsed(), &note);
        println!("=== {line}");
        table.push(line);
        match outcome {
            Ok(note) if step.name == TESTS => closing = note,
            Ok(_) => {}
            Err(reason) => {
                failure = Some(format!("step {} failed: {reason}", step.name));
                break;
            }
        }
    }

    table.push(line("all", if failure.is_none() { "ok" } else { "FAILED" }, start.elapsed(), ""));
    println!("\n{}", table.join("\n"));
    if let Some(failure) = failure {
        return Err(failure);
    }
    println!("\n{}", closing.ok_or("the test runner said nothing of how many tests ran")?);
    Ok(())
}

fn line(name: &str, word: &str, took: Duration, note: &str) -> String {
    format!("{name:<12} {word:<7} {:>7.1} s  {note}", took.as_secs_f64()).trim_end().to_owned()
}

fn plain(arguments: &[&str]) -> Outcome<Note> {
    to_end(&mut cargo(arguments)?).map(|()| None)
}

/// The bench's peers are left out of the fast run: they are a tree of their own.
fn clippy(mode: Mode) -> Outcome<Note> {
    let mut clippy = cargo(&["clippy", "--all-targets", "--all-features"])?;
    if mode == Mode::Full {
        clippy.arg("--workspace");
    }
    to_end(clippy.args(["--", "-D", "warnings"])).map(|()| None)
}

fn tests() -> Outcome<Note> {
    let said = if present("cargo", &["nextest", "--version"])? {
        tally::nextest(&tee(&mut cargo(&["nextest", "run", "--all-features", "--status-level", "slow"])?, Stream::Err)?)
    } else {
        // Builds the examples too, as programs, for the tests that run them.
        to_end(&mut cargo(&["test", "--all-features", "--no-run", "-q"])?)?;
        let start = Instant::now();
        let lines = tee(&mut cargo(&["test", "--all-features", "--tests"])?, Stream::Out)?;
        tally::libtest(&lines).map(|tally| tally.shown(start.elapsed()))
    };
    said.map(Some).ok_or_else(|| "no tests ran".to_owned())
}

fn doctests() -> Outcome<Note> {
    let start = Instant::now();
    let lines = tee(&mut cargo(&["test", "--all-features", "--doc"])?, Stream::Out)?;
    Ok(tally::libtest(&lines).map(|tally| tally.shown(start.elapsed())))
}

fn docs() -> Outcome<Note> {
    let mut docs = cargo(&["doc", "--no-deps", "--workspace", "--all-features"])?;
    to_end(docs.env("RUSTDOCFLAGS", "-D warnings")).map(|()| None)
}

/// Licences, fences and sources, as `deny.toml` says. Installing the tool takes minutes, so only a full run does.
fn deny(mode: Mode) -> Outcome<Note> {
    if !present("cargo", &["deny", "--version"])? {
        if mode == Mode::Fast {
            let skipped = "skipped: cargo-deny is not installed, and the full run installs it";
            println!("{skipped}");
            return Ok(Some(skipped.to_owned()));
        }
        plain(&["install", "cargo-deny", "--locked"])?;
    }
    plain(&["deny", "--all-features", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
}

/// All that the later steps need of Debian, so that one update of its lists serves them all.
fn install() -> Outcome<Note> {
    debian::provide(debian::PEERS.iter().chain([&debian::VALGRIND])).map(|()| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_a_verdict_and_a_time() {
        assert_eq!(line("fmt", "ok", Duration::from_millis(1250), ""), "fmt          ok          1.2 s");
        assert!(line("tests", "ok", Duration::from_secs(2), "12 passed").ends_with("2.0 s  12 passed"));
    }

    #[test]
    fn the_tests_are_a_step_of_both_runs() {
        assert!(STEPS.iter().any(|step| step.name == TESTS && step.fast));
    }
}
