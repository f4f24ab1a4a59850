//! The fuzzer on the targets of `treq-fuzz`, whose short run is a part of the tests.

use std::fs;
use std::path::Path;

use crate::metadata::Metadata;
use crate::run::{Outcome, cargo, command, no_more, number, present, root, to_end};

/// The time for which each target is fuzzed, in seconds.
const SECONDS: u64 = 60;

/// One program for all targets: built once, by the unstable compiler that has the instruments. It is in the target folder, since
/// the fuzzer's macro makes a function without mangling, which no crate of the workspace may have.
const PROGRAM: &str = "\
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<&'static treq_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var(\"TREQ_FUZZ\").expect(\"TREQ_FUZZ names the target\");
    treq_fuzz::TARGETS.iter().find(|target| target.name == name).expect(\"a target\")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| treq_fuzz::play(&TARGET, input));
";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let seconds = number(&mut arguments, "--seconds")?.unwrap_or(SECONDS);
    if seconds == 0 {
        // For the fuzzer that is forever.
        return Err("--seconds wants a number from 1".to_owned());
    }
    let corpus = root()?.join("crates/treq-fuzz/corpus");
    let all = names(&corpus)?;
    let (targets, others): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|name| all.contains(name));
    no_more(&others).map_err(|error| format!("{error}; the targets are {}", all.join(", ")))?;
    let targets = if targets.is_empty() { all } else { targets };

    let folder = Metadata::load()?.target.join("fuzz");
    write_program(&folder)?;
    install(&folder)?;
    let mut found = Vec::new();
    for target in targets {
        let work = folder.join("corpus").join(&target);
        make(&work)?;
        let mut fuzz = cargo(&["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])?;
        fuzz.arg(&folder).arg("targets").arg(&work).arg(corpus.join(&target)).arg("--");
        fuzz.arg(format!("-max_total_time={seconds}")).args(["-max_len=4096", "-timeout=20", "-rss_limit_mb=2048"]);
        fuzz.arg(format!("-artifact_prefix={}/found-{target}-", folder.display())).arg("-print_final_stats=1");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path));
        fuzz.env("PATH", std::env::join_paths(programs).map_err(|error| error.to_string())?);
        if to_end(fuzz.env("RUSTUP_TOOLCHAIN", "nightly").env("TREQ_FUZZ", &target)).is_err() {
            found.push(target);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}: failed; the inputs are in {} as found-TARGET-…: mend the fault, and add them to crates/treq-fuzz/corpus/TARGET",
        found.join(", "),
        folder.display()
    ))
}

fn names(corpus: &Path) -> Outcome<Vec<String>> {
    let entries = fs::read_dir(corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn write_program(folder: &Path) -> Outcome {
    make(folder)?;
    let root = root()?;
    let manifest = format!(
        "[package]\nname = \"treq-fuzz-targets\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[package.metadata]\ncargo-fuzz = \
         true\n\n[workspace]\n\n[dependencies]\nlibfuzzer-sys = \"0.4.10\"\ntreq-fuzz = {{ path = {:?} }}\n\n[[bin]]\nname = \
         \"targets\"\npath = \"targets.rs\"\ntest = false\ndoc = false\n",
        root.join("crates/treq-fuzz")
    );
    for (name, text) in [("Cargo.toml", &*manifest), ("targets.rs", PROGRAM)] {
        // Written again it would be built again.
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            continue;
        }
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    // The versions that the tests run with.
    let lock = folder.join("Cargo.lock");
    fs::copy(root.join("Cargo.lock"), &lock).map(drop).map_err(|error| format!("{}: {error}", lock.display()))
}

fn install(folder: &Path) -> Outcome {
    if !present("rustc", &["+nightly", "--version"])? {
        to_end(&mut command("rustup", &["toolchain", "install", "nightly", "--profile", "minimal"])?)?;
    }
    if folder.join("bin/cargo-fuzz").exists() {
        return Ok(());
    }
    to_end(cargo(&["install", "cargo-fuzz", "--locked", "--root"])?.arg(folder))
}
