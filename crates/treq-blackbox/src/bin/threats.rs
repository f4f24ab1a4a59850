//! `treq-threats [id..] [--area AREA..] [--cases FILE].. [--adapter CMD] [-j N]`: plays the threats' cases, its own
//! unless files are named, and prints how they came out.
#![forbid(unsafe_code)]
// A command speaks by printing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use treq_blackbox::{Adapter, Case, Verdict, expect, play};

/// The files that are played unless others are named.
const OWN: [&str; 2] = ["data/cases.jsonl", "data/more.jsonl"];

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} cases failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for.
struct Wanted {
    /// None is named: its own.
    files: Vec<PathBuf>,
    adapter: Adapter,
    at_once: usize,
    ids: Vec<String>,
    areas: Vec<String>,
}

impl Wanted {
    fn read() -> Result<Wanted, String> {
        let mut wanted = Wanted {
            files: Vec::new(),
            adapter: Adapter::new([beside()?]),
            at_once: 4,
            ids: Vec::new(),
            areas: Vec::new(),
        };
        let mut args = std::env::args().skip(1).peekable();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--cases" => wanted.files.push(value()?.into()),
                "--adapter" => wanted.adapter = Adapter::new(value()?.split_whitespace()),
                "-j" => wanted.at_once = value()?.parse().map_err(|_| "-j wants a number")?,
                "--area" => {
                    wanted.areas.push(value()?);
                    // Areas are in lower case, ids are not.
                    while let Some(area) =
                        args.next_if(|next| next.starts_with(|first: char| first.is_ascii_lowercase()))
                    {
                        wanted.areas.push(area);
                    }
                }
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                _ => wanted.ids.push(arg),
            }
        }
        if wanted.files.is_empty() {
            wanted.files = OWN.iter().map(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).collect();
        }
        Ok(wanted)
    }

    /// Its cases: those that are named here, by id or area, or all.
    fn cases(&self) -> Result<Vec<Case>, String> {
        let mut cases = Vec::new();
        for file in &self.files {
            cases.extend(Case::read(file)?);
        }
        let files: Vec<_> = self.files.iter().map(|file| file.display().to_string()).collect();
        let files = files.join(", ");
        for id in &self.ids {
            if !cases.iter().any(|case| case.id() == id) {
                return Err(format!("there is no case {id} in {files}"));
            }
        }
        for area in &self.areas {
            if !cases.iter().any(|case| case.area() == area) {
                return Err(format!("there is no area {area} in {files}"));
            }
        }
        let named = |list: &[String], name: &str| list.iter().any(|one| one == name);
        cases.retain(|case| {
            let wanted = named(&self.ids, case.id()) || named(&self.areas, case.area());
            case.is_scripted() && (wanted || self.all())
        });
        Ok(cases)
    }

    fn all(&self) -> bool {
        self.ids.is_empty() && self.areas.is_empty()
    }
}

/// The adapter stands where this program does.
fn beside() -> Result<String, String> {
    let own = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    Ok(own
        .with_file_name("treq-blackbox")
        .with_extension(std::env::consts::EXE_EXTENSION)
        .to_string_lossy()
        .into_owned())
}

/// How many cases failed.
fn run() -> Result<usize, String> {
    let wanted = Wanted::read()?;
    let cases = wanted.cases()?;
    wanted.adapter.healthy()?;
    let totals = Mutex::new(BTreeMap::<&str, Total>::new());
    let report = |case| {
        let verdict = play(case, &wanted.adapter);
        println!("{}", line(case, &verdict));
        if let Ok(mut totals) = totals.lock() {
            totals.entry(Case::area(case)).or_default().count(&verdict);
        }
    };
    let (alone, together): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.is_measured());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..wanted.at_once.max(1) {
            scope.spawn(|| {
                while let Some(case) = together.get(next.fetch_add(1, Ordering::Relaxed)) {
                    report(case);
                }
            });
        }
    });
    alone.into_iter().for_each(report);
    let totals = totals.into_inner().map_err(|_| "a case could not be counted")?;
    for (area, total) in &totals {
        let Total { passed, listed, skipped, failed } = total;
        println!("{area}: passed {passed}, listed {listed}, skipped {skipped}, failed {failed}");
    }
    Ok(totals.values().map(|total| total.failed).sum())
}

fn line(case: &Case, verdict: &Verdict) -> String {
    let id = case.id();
    match verdict {
        Verdict::Pass => match expect::unjudged(case.expect()).as_slice() {
            [] => format!("{id} PASS"),
            keys => format!("{id} PASS, but nothing judges {}", keys.join(", ")),
        },
        Verdict::Fail(seen) => format!("{id} FAIL {}", seen.replace(char::is_control, "�")),
        Verdict::Listed(reason) => format!("{id} LISTED {reason}"),
        Verdict::Skip(reason) => format!("{id} SKIP {reason}"),
    }
}

#[derive(Default)]
struct Total {
    passed: usize,
    listed: usize,
    skipped: usize,
    failed: usize,
}

impl Total {
    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Listed(_) => self.listed += 1,
            Verdict::Skip(_) => self.skipped += 1,
            Verdict::Fail(_) => self.failed += 1,
        }
    }
}
