//! Commands that another package of the workspace carries out: the arguments go there as they are.

use crate::run::{Outcome, cargo, to_end};

pub(crate) fn httpbin(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-httpbin", "--example", "serve", "--"], arguments)
}

pub(crate) fn conformance(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-conformance", "--"], arguments)
}

pub(crate) fn parity(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-parity", "--"], arguments)
}

/// The player runs the client as a program that stands beside it, so both are built.
pub(crate) fn threats(arguments: &[String]) -> Outcome {
    to_end(&mut cargo(&["build", "-q", "-p", "treq-blackbox", "--bins"])?)?;
    delegate(&["run", "-q", "-p", "treq-blackbox", "--bin", "treq-threats", "--"], arguments)
}

fn delegate(to: &[&str], arguments: &[String]) -> Outcome {
    to_end(cargo(to)?.args(arguments))
}
