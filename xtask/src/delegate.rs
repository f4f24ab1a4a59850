//! Commands that another package of the workspace carries out: the arguments go there as they are.

use crate::run::{Outcome, cargo, to_end};

pub(crate) fn httpbin(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-httpbin", "--example", "serve", "--"], arguments)
}

pub(crate) fn conformance(arguments: &[String]) -> Outcome {
    delegate(&["run", "-q", "-p", "treq-conformance", "--"], arguments)
}

fn delegate(to: &[&str], arguments: &[String]) -> Outcome {
    to_end(cargo(to)?.args(arguments))
}
