//! One run of one test.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Job, Runner};
use crate::run::{Outcome, command};

/// The longest that a run may take: the slowest test takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(super) enum Verdict {
    Passed,
    /// It failed with a typed error in its hand.
    Error,
    /// It failed by an assertion on something else, which is told.
    Asserted(String),
    /// A hang, a signal, or a panic where none may be.
    Unsound(String),
}

#[derive(Debug)]
pub(super) struct Run {
    pub(super) verdict: Verdict,
    /// How many calls of IO there were.
    pub(super) calls: usize,
    /// Whether one of them was made to fail.
    pub(super) injected: bool,
    pub(super) took: Duration,
}

pub(super) fn run(runner: &Runner, worker: usize, job: &Job<'_>) -> Run {
    let log = runner.scratch.join(format!("{worker}.log"));
    let said = runner.scratch.join(format!("{worker}.txt"));
    let start = Instant::now();
    let verdict = started(runner, job, &log, &said).unwrap_or_else(Verdict::Unsound);
    let took = start.elapsed();
    let log = fs::read_to_string(&log).unwrap_or_default();
    Run { verdict, calls: log.lines().count(), injected: log.lines().any(|line| line.ends_with(" fails")), took }
}

fn started(runner: &Runner, job: &Job<'_>, log: &Path, said: &Path) -> Outcome<Verdict> {
    let Job { binary, name, call } = job;
    let failed = |error: std::io::Error| format!("{}: {error}", binary.path.display());
    let _ = fs::remove_file(log);
    let file = File::create(said).map_err(failed)?;
    let mut test = command(&binary.path, &["--exact", name, "--nocapture"])?;
    test.current_dir(&binary.folder).env("CARGO_MANIFEST_DIR", &binary.folder).env("TREQ_FAULT_LOG", log);
    // What it says is read: the names of frames are not wanted, and take half a second.
    test.env("RUST_BACKTRACE", "0");
    if let Some(call) = call {
        test.env("TREQ_FAULT_CALL", call.to_string());
    }
    test.stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file);
    let mut child = test.spawn().map_err(failed)?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if start.elapsed() > LIMIT => {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                return Ok(Verdict::Unsound(format!("hangs: not over after {} s", LIMIT.as_secs())));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let said = String::from_utf8_lossy(&fs::read(said).map_err(failed)?).into_owned();
    let foreign: Vec<&str> = panics(&said).filter(|place| !own(place, &runner.own)).collect();
    Ok(match status.code() {
        _ if !foreign.is_empty() => Verdict::Unsound(format!("panics at {}", foreign.join(", "))),
        Some(0) => Verdict::Passed,
        Some(101) if is_typed(&said) => Verdict::Error,
        Some(101) => Verdict::Asserted(message(&said)),
        _ => Verdict::Unsound(format!("ends with {status}")),
    })
}

/// The places that a program panicked at.
fn panics(said: &str) -> impl Iterator<Item = &str> {
    said.lines().filter_map(|line| line.split_once(" panicked at ")?.1.strip_suffix(':'))
}

/// Whether a place is in a test, or in code that is there for tests.
fn own(place: &str, folders: &[String]) -> bool {
    place.contains("/tests/") || folders.iter().any(|folder| place.starts_with(folder.as_str()))
}

/// Whether what was said shows one of the workspace's errors.
fn is_typed(said: &str) -> bool {
    said.contains("a fault was injected") || said.contains("Error { kind: ")
}

/// What the first panic said.
fn message(said: &str) -> String {
    let lines: Vec<&str> = said.lines().skip_while(|line| !line.contains(" panicked at ")).take(5).collect();
    lines.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "thread 'a' (12) panicked at crates/treq/tests/it/a.rs:3:9:\nassertion failed\n\
                        thread 'b' panicked at crates/treq/src/lib.rs:1:1:\nno\n";

    #[test]
    fn tells_whose_panic_it_is() {
        let own_folders = ["examples/".to_owned()];
        let places: Vec<_> = panics(SAID).collect();
        assert_eq!(places, ["crates/treq/tests/it/a.rs:3:9", "crates/treq/src/lib.rs:1:1"]);
        assert_eq!(places.iter().map(|place| own(place, &own_folders)).collect::<Vec<_>>(), [true, false]);
        assert!(own("examples/src/lib.rs:1:1", &own_folders));
        assert!(message(SAID).starts_with("thread 'a' (12) panicked at crates/treq/tests/it/a.rs:3:9: | assertion"));
    }
}
