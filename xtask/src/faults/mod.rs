//! The integration tests once more, each run with one call of IO that fails.
//!
//! The servers of `treq-testing` and the embedded httpbin take from the environment which call of the process fails. A test
//! that knows nothing of it may then fail by its own assertions, where it wanted an answer and got an error. What must not
//! happen is a hang, a signal, or a panic anywhere but in the tests' own code.

mod one;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::one::{Run, Verdict};
use crate::metadata::Metadata;
use crate::run::{Outcome, cargo, flag, number, output};

/// How many calls of a test fail in turn, unless all do.
const PER_TEST: usize = 6;
/// When no more runs are begun, unless all are wanted.
const BUDGET: Duration = Duration::from_secs(4 * 60);
/// Tests that bring faults of their own. They run as they are, for what they print.
const SCENARIOS: &str = "faults::";
/// Tests that are a search themselves, with faults of all kinds.
const SEARCHES: &str = "storm::";
/// A package whose tests are another client's: hyper's own speaks to the embedded httpbin.
const FOREIGN: &str = "treq-httpbin";

/// A test binary.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) package: String,
    pub(super) path: PathBuf,
    /// Where its package stands, and its tests run.
    pub(super) folder: PathBuf,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let (all, show) = (flag(&mut arguments, "--all"), flag(&mut arguments, "--show"));
    let seed = number(&mut arguments, "--seed")?.unwrap_or(0);
    let metadata = Metadata::load()?;
    let binaries = binaries()?;
    let start = Instant::now();
    let scratch = metadata.target.join("faults");
    std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let runner = Runner { scratch, own: own_code(&metadata) };

    let mut tests = Vec::new();
    for binary in &binaries {
        tests.extend(names(binary)?.into_iter().map(|name| (binary, name)));
    }
    tests.retain(|(binary, name)| {
        if name.starts_with(SEARCHES) {
            return false;
        }
        let wanted = |filter: &String| binary.package == *filter || name.contains(filter.as_str());
        arguments.is_empty() || arguments.iter().any(wanted)
    });
    if tests.is_empty() {
        return Err(format!("no test is called anything like {:?}", arguments.join(" ")));
    }
    let (scenarios, tests): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(_, name)| name.starts_with(SCENARIOS));
    for (binary, name) in scenarios {
        scenario(binary, &name, all)?;
    }

    let counted = runner.each(tests.into_iter().map(|(binary, name)| Job { binary, name, call: None }).collect(), None);
    let mut jobs = Vec::new();
    let (mut calls, mut with_io) = (0, 0);
    for (Job { binary, name, .. }, run) in counted {
        if !matches!(run.verdict, Verdict::Passed) {
            return Err(format!("{} {name} fails without any fault: {:?}", binary.package, run.verdict));
        }
        calls += run.calls;
        with_io += usize::from(run.calls > 0);
        let mut chosen: Vec<usize> = (0..run.calls).collect();
        chosen.sort_by_cached_key(|call| chance(seed, &name, *call));
        chosen.truncate(if all { run.calls } else { PER_TEST });
        jobs.extend(chosen.into_iter().map(|call| Job { binary, name: name.clone(), call: Some(call) }));
    }
    // What is cut off by the time is left to chance too.
    jobs.sort_by_cached_key(|job| chance(seed, &job.name, job.call.unwrap_or_default()));
    let wanted = jobs.len();
    println!("{with_io} tests make {calls} calls of IO; {wanted} of them are to fail in turn (seed {seed})");
    let ran = runner.each(jobs, (!all).then(|| start + BUDGET));
    report(&ran, wanted, show)
}

/// A test that is to run once.
pub(super) struct Job<'a> {
    pub(super) binary: &'a Binary,
    pub(super) name: String,
    /// Which call fails, if one does.
    pub(super) call: Option<usize>,
}

/// Where programs leave what they said, and whose panics are an assertion's.
pub(super) struct Runner {
    pub(super) scratch: PathBuf,
    /// Folders, relative to the root, whose code is the tests' own.
    pub(super) own: Vec<String>,
}

impl Runner {
    /// Does all jobs, on as many threads as there are cores; begins none after `until`.
    fn each<'a>(&self, jobs: Vec<Job<'a>>, until: Option<Instant>) -> Vec<(Job<'a>, Run)> {
        let all = jobs.len();
        let (jobs, done) = (Mutex::new(VecDeque::from(jobs)), Mutex::new(Vec::new()));
        let work = |worker| {
            while until.is_none_or(|until| Instant::now() < until) {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(job) = job else { break };
                let run = one::run(self, worker, &job);
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.push((job, run));
                if done.len() % 1_000 == 0 {
                    println!("{} of {all} runs", done.len());
                }
            }
        };
        std::thread::scope(|scope| {
            for worker in 0..std::thread::available_parallelism().map_or(2, NonZero::get) {
                scope.spawn(move || work(worker));
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report(ran: &[(Job<'_>, Run)], wanted: usize, show: bool) -> Outcome {
    #[derive(Default)]
    struct Row {
        injected: usize,
        passed: usize,
        errors: usize,
        asserted: usize,
    }
    let (mut rows, mut total, mut unsound) = (BTreeMap::<&str, Row>::new(), Row::default(), Vec::new());
    for (Job { binary, name, call }, run) in ran {
        let call = call.unwrap_or_default();
        let row = rows.entry(&binary.package).or_default();
        for row in [row, &mut total] {
            row.injected += usize::from(run.injected);
            row.passed += usize::from(run.injected && matches!(run.verdict, Verdict::Passed));
            row.errors += usize::from(matches!(run.verdict, Verdict::Error));
            row.asserted += usize::from(matches!(run.verdict, Verdict::Asserted(_)));
        }
        match &run.verdict {
            Verdict::Unsound(why) => unsound.push(format!("{} {name}, call {call}: {why}", binary.package)),
            Verdict::Asserted(why) if show => {
                println!("{} {name}, call {call}, {:.1} s: {why}", binary.package, run.took.as_secs_f64());
            }
            _ => {}
        }
    }
    println!("{:<18} {:>8} {:>9} {:>7} {:>9}", "", "injected", "unnoticed", "errors", "assertions");
    for (name, row) in rows.iter().map(|(name, row)| (*name, row)).chain([("all", &total)]) {
        println!("{name:<18} {:>8} {:>9} {:>7} {:>9}", row.injected, row.passed, row.errors, row.asserted);
    }
    println!(
        "unnoticed: the test passed; errors: it was given a typed error; assertions: it missed what the call would have done"
    );
    println!("{} of {wanted} runs, {} calls failed in them; {} unsound", ran.len(), total.injected, unsound.len());
    if unsound.is_empty() { Ok(()) } else { Err(format!("a fault did more than fail:\n{}", unsound.join("\n"))) }
}

/// All integration tests of the default members, built.
fn binaries() -> Outcome<Vec<Binary>> {
    let build = ["test", "--all-features", "--no-run", "--message-format=json", "-q"];
    let said = output(&mut cargo(&build)?)?;
    let artifacts = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let binaries: Vec<Binary> = artifacts.filter_map(|artifact| binary(&artifact)).collect();
    if binaries.is_empty() { Err("cargo built no integration test".to_owned()) } else { Ok(binaries) }
}

fn binary(artifact: &Value) -> Option<Binary> {
    let kinds = artifact["target"]["kind"].as_array()?;
    if !kinds.iter().any(|kind| kind == "test") {
        return None;
    }
    let folder = Path::new(artifact["manifest_path"].as_str()?).parent()?;
    let package = folder.file_name()?.to_string_lossy().into_owned();
    (package != FOREIGN).then_some(Binary {
        package,
        path: artifact["executable"].as_str()?.into(),
        folder: folder.to_path_buf(),
    })
}

/// Runs a test that makes its calls fail itself, and prints its sums.
fn scenario(binary: &Binary, name: &str, all: bool) -> Outcome {
    let mut test = crate::run::command(&binary.path, &["--exact", name, "--nocapture"])?;
    test.current_dir(&binary.folder).env("TREQ_FAULTS", if all { "all" } else { "" });
    let said = output(&mut test)?;
    for line in said.lines().filter(|line| line.contains(" faults injected")) {
        println!("{line}");
    }
    Ok(())
}

fn names(binary: &Binary) -> Outcome<Vec<String>> {
    let mut list = crate::run::command(&binary.path, &["--list", "--format", "terse"])?;
    let said = output(list.current_dir(&binary.folder))?;
    Ok(said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// Packages that are not published are there for tests, as is `treq-testing`.
fn own_code(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace().filter(|package| !package.published || package.name == "treq-testing");
    let folders = packages.filter_map(|package| package.folder.strip_prefix(&metadata.root).ok());
    folders.map(|folder| format!("{}/", folder.display())).collect()
}

/// Where a call stands in an order that only the seed knows.
fn chance(seed: u64, name: &str, call: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, name, call).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_chooses_the_same_again() {
        let order = |seed| {
            let mut calls: Vec<usize> = (0..100).collect();
            calls.sort_by_cached_key(|call| chance(seed, "a::b", *call));
            calls
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }
}
