//! Each published crate without features, and with each feature alone: what a user may ask for has to build, without a
//! warning.

use crate::metadata::{Metadata, Package};
use crate::run::{Outcome, cargo, no_more, to_end};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_more(arguments)?;
    let metadata = Metadata::load()?;
    for package in metadata.published() {
        for features in choices(package) {
            let mut check = cargo(&["clippy", "-q", "-p", &package.name, "--no-default-features"])?;
            if !features.is_empty() {
                check.args(["--features", features]);
            }
            to_end(check.args(["--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}

/// None, then each one; `default` only where it turns something on, that is, where it is not the same as none.
fn choices(package: &Package) -> Vec<&str> {
    let named = package.features.iter().filter(|(name, turns_on)| *name != "default" || !turns_on.is_empty());
    std::iter::once("").chain(named.map(|(name, _)| name.as_str())).collect()
}
