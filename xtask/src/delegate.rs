//! Commands that another package of the workspace carries out: the arguments go there as they are.

use crate::metadata::Metadata;
use crate::run::{Outcome, cargo, flag, to_end};
use crate::{debian, venv};

pub(crate) fn httpbin(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-httpbin", "--example", "serve", "--"], arguments)
}

pub(crate) fn conformance(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-conformance", "--"], arguments)
}

/// With `--live`, the original is played beside ours, by a Python that has it.
pub(crate) fn parity(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    if flag(&mut arguments, "--live") {
        debian::provide([&debian::PYTHON_VENV])?;
        let folder = Metadata::load()?.target.join("parity/venv");
        let python = venv::provide(&folder, "crates/treq-parity/live/requirements.txt")?;
        let python = python.to_str().ok_or_else(|| format!("{} is no text", python.display()))?;
        arguments.extend(["--live".to_owned(), python.to_owned()]);
    }
    delegate(&["run", "-q", "-p", "treq-parity", "--"], &arguments)
}

/// The player runs the client as a program that stands beside it, so both are built: as users build it, since the cases
/// limit its time.
pub(crate) fn threats(arguments: &[String]) -> Outcome {
    to_end(&mut cargo(&["build", "-q", "--release", "-p", "treq-blackbox", "--bins"])?)?;
    delegate(&["run", "-q", "--release", "-p", "treq-blackbox", "--bin", "treq-threats", "--"], arguments)
}

fn delegate(to: &[&str], arguments: &[String]) -> Outcome {
    to_end(cargo(to)?.args(arguments))
}
