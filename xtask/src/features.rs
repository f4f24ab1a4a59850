//! Each published crate without features, and with each feature alone: what a user may ask for has to build, without a
//! warning. And a program that uses no feature of treq does the same with each.

use crate::metadata::{Metadata, Package};
use crate::run::{Outcome, cargo, no_more, output, to_end};

/// The program, see there.
const PROGRAM: &str = "treq-features";

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
    match metadata.published().find(|package| package.name == "treq") {
        Some(treq) => compare(treq),
        None => Err("treq is not among the published crates".to_owned()),
    }
}

/// Runs the program with each of treq's features, and compares what it prints with what it prints without.
fn compare(treq: &Package) -> Outcome {
    let mut without = None;
    for feature in choices(treq) {
        let mut program = cargo(&["run", "-q", "-p", PROGRAM])?;
        if !feature.is_empty() {
            program.args(["--features", &format!("treq/{feature}")]);
        }
        let told = output(&mut program)?;
        match &without {
            None => without = Some(told),
            Some(without) => same(feature, without, &told)?,
        }
    }
    Ok(())
}

fn same(feature: &str, without: &str, with: &str) -> Outcome {
    if without == with {
        return Ok(());
    }
    let differs = without.lines().zip(with.lines()).find(|(without, with)| without != with);
    let (without, with) = differs.unwrap_or(("its end", "its end"));
    Err(format!("the feature {feature} of treq changes what {PROGRAM} prints:\n- {without}\n+ {with}"))
}

/// None, then each one; `default` only where it turns something on, that is, where it is not the same as none.
fn choices(package: &Package) -> Vec<&str> {
    let named = package.features.iter().filter(|(name, turns_on)| *name != "default" || !turns_on.is_empty());
    std::iter::once("").chain(named.map(|(name, _)| name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_difference_names_the_feature_and_the_line() {
        assert_eq!(same("x", "a\nb", "a\nb"), Ok(()));
        let error = same("x", "a\nb\nc", "a\nB\nc").unwrap_err();
        assert!(error.contains("feature x") && error.contains("- b\n+ B"), "{error}");
        assert!(same("x", "a", "a\nb").is_err());
    }
}
