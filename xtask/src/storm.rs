//! The default client in a storm, for as many seeds as one likes.

use crate::run::{Outcome, cargo, flag, no_more, to_end, value};

/// Seeds of each protocol.
const SEEDS: &str = "2000";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let seeds = value(&mut arguments, "--seeds")?;
    let seed = value(&mut arguments, "--seed")?;
    let release = flag(&mut arguments, "--release");
    no_more(&arguments)?;
    let mut command = cargo(&["test", "-q", "-p", "treq", "--all-features", "--test", "it"])?;
    if release {
        command.arg("--release");
    }
    command.args(["storm", "--", "--nocapture"]);
    match seed {
        Some(seed) => command.env("TREQ_SEED", seed),
        None => command.env("TREQ_SEEDS", seeds.unwrap_or_else(|| SEEDS.to_owned())),
    };
    to_end(&mut command)
}
