//! The default client in a storm, for as many seeds as one likes.

use crate::run::{Outcome, cargo, flag, no_more, number, to_end};

/// Seeds of each protocol.
const SEEDS: u64 = 2000;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let seeds = number(&mut arguments, "--seeds")?;
    let seed = number(&mut arguments, "--seed")?;
    let release = flag(&mut arguments, "--release");
    no_more(&arguments)?;
    if seeds == Some(0) {
        return Err("--seeds wants a number from 1".to_owned());
    }
    if seed.is_some() && seeds.is_some() {
        return Err("--seed plays one seed, --seeds many: give one of the two".to_owned());
    }
    let mut command = cargo(&["test", "-q", "-p", "treq", "--all-features", "--test", "it"])?;
    if release {
        command.arg("--release");
    }
    // Sockets have no seeds: no two runs over them are the same.
    let tests = if seed.is_some() { "storm::over_http" } else { "storm::" };
    command.args([tests, "--", "--nocapture"]);
    match seed {
        Some(seed) => command.env("TREQ_SEED", seed.to_string()),
        None => command.env("TREQ_SEEDS", seeds.unwrap_or(SEEDS).to_string()),
    };
    to_end(&mut command)
}
