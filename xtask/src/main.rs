//! The workspace's own automation: `cargo xtask COMMAND`.
#![forbid(unsafe_code)]
// A command line tool: what it prints is what it is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod api;
mod bench;
mod ci;
mod debian;
mod delegate;
mod faults;
mod features;
mod fuzz;
mod metadata;
mod msrv;
mod peers;
mod run;
mod storm;
mod tally;
mod tidy;
mod venv;

use std::process::ExitCode;

use run::Outcome;

struct Command {
    name: &'static str,
    usage: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command { name: "ci", usage: "[--fast]", help: "all checks, in order, up to the first that fails", run: ci::run },
    Command { name: "tidy", usage: "", help: "the design's invariants: crates, dependencies, files", run: tidy::run },
    Command {
        name: "api",
        usage: "[--write] [CRATE..]",
        help: "the public names, and the crates that signatures name",
        run: api::run,
    },
    Command { name: "msrv", usage: "", help: "the published crates by Rust 1.85, which it unpacks", run: msrv::run },
    Command { name: "features", usage: "", help: "each published crate with each feature alone", run: features::run },
    Command {
        name: "httpbin",
        usage: "[--port N] [--tls]",
        help: "the embedded httpbin, until it is interrupted",
        run: delegate::httpbin,
    },
    Command {
        name: "conformance",
        usage: "[SUITE..] [--data DIR]",
        help: "the conformance suites, or those named",
        run: delegate::conformance,
    },
    Command {
        name: "parity",
        usage: "[--live] [--cases FILE]",
        help: "the rows and cases of what the original does, or PyPI's treq and ours side by side",
        run: delegate::parity,
    },
    Command {
        name: "threats",
        usage: "[ID..] [--cases FILE]",
        help: "the cases of hostile servers, or those named",
        run: delegate::threats,
    },
    Command {
        name: "faults",
        usage: "[--all] [--seed N] [--show] [TEST..]",
        help: "the integration tests with one call of IO failing in each run",
        run: faults::run,
    },
    Command {
        name: "storm",
        usage: "[--seeds N] [--seed S] [--release]",
        help: "the default client against a hostile server, 2,000 seeds of each protocol or one",
        run: storm::run,
    },
    Command {
        name: "fuzz",
        usage: "[--seconds N] [TARGET..]",
        help: "the fuzzer on all that reads the bytes of strangers, or on those named",
        run: fuzz::run,
    },
    Command {
        name: "peers",
        usage: "[-- COMMAND ..]",
        help: "the interop tests, or a command, with real servers and proxies running",
        run: peers::run,
    },
    Command {
        name: "bench",
        usage: "--instructions [--check]",
        help: "instructions per request beside the peers, with a full jar, and of decoding",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    if matches!(name.as_str(), "" | "help" | "--help" | "-h") {
        println!("{}", help());
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = arguments.collect();
    let asks = arguments.first().is_some_and(|first| matches!(first.as_str(), "--help" | "-h"));
    let outcome = match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) if asks => {
            println!("cargo xtask {} {}\n  {}", command.name, command.usage, command.help);
            Ok(())
        }
        Some(command) => (command.run)(&arguments),
        None => Err(format!("no such command.\n{}", help())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("cargo xtask {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|it| format!("\n  {:<44} {}", format!("{} {}", it.name, it.usage), it.help));
    format!("cargo xtask COMMAND{}", lines.collect::<String>())
}
