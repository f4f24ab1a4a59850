//! The stated `rust-version` is the lowest that the dependencies of the published crates allow.

use std::collections::BTreeSet;
use std::fmt;

use super::Complaint;
use crate::metadata::{Kind, Metadata};
use crate::run::Outcome;

type Version = (u64, u64, u64);

/// Edition 2024 is not known to an older compiler.
const OF_THE_EDITION: &str = "1.85";

/// The highest version that anything asks for, and all who ask for it.
pub(super) struct Highest {
    version: Version,
    by: String,
}

impl fmt::Display for Highest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "the highest rust-version is {major}.{minor}.{patch}, of {}", self.by)
    }
}

/// Over everything that is built with a published crate, on any platform, its own tests aside.
pub(super) fn highest(metadata: &Metadata) -> Outcome<Highest> {
    let mut stated = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = metadata.published().map(|package| package.id.as_str()).collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let edges = metadata.graph.get(id).into_iter().flatten();
        let built = edges.filter(|(_, kinds)| kinds.iter().any(|kind| *kind != Kind::Dev));
        open.extend(built.map(|(to, _)| to.as_str()));
        let foreign = metadata.packages.iter().find(|it| it.id == id && !metadata.members.contains(&it.id));
        let Some(package) = foreign else { continue };
        if let Some(text) = &package.rust_version {
            stated.push((parse(text)?, format!("{} {}", package.name, package.version)));
        }
    }
    let edition = parse(OF_THE_EDITION)?;
    let version = stated.iter().map(|(version, _)| *version).max().unwrap_or_default().max(edition);
    let mut by: Vec<String> = stated.into_iter().filter(|(it, _)| *it == version).map(|(_, name)| name).collect();
    by.extend((version == edition).then(|| "edition 2024".to_owned()));
    by.sort();
    Ok(Highest { version, by: by.join(", ") })
}

pub(super) fn check(metadata: &Metadata, highest: &Highest) -> Vec<Complaint> {
    let complaint = |name: &str, stated: &str| format!("{name} states rust-version {stated}, but {highest}");
    let wrong = metadata.published().filter(|package| {
        let stated = package.rust_version.as_deref().and_then(|text| parse(text).ok());
        stated != Some(highest.version)
    });
    wrong.map(|package| complaint(&package.name, package.rust_version.as_deref().unwrap_or("none"))).collect()
}

fn parse(text: &str) -> Outcome<Version> {
    let mut parts = text.split('.').map(str::parse);
    let mut part = || parts.next().unwrap_or(Ok(0)).map_err(|error| format!("rust-version {text:?}: {error}"));
    Ok((part()?, part()?, part()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Package;

    fn metadata(stated: &str) -> Metadata {
        let package = |name: &str, version: &str| Package {
            id: name.to_owned(),
            rust_version: Some(version.to_owned()),
            ..Package::named(name)
        };
        let edge = |to: &str, kind| (to.to_owned(), vec![kind]);
        let graph = [
            ("treq-core", vec![edge("deep", Kind::Normal), edge("tester", Kind::Dev)]),
            ("deep", vec![edge("builder", Kind::Build)]),
        ];
        Metadata {
            root: "w".into(),
            target: "w/target".into(),
            packages: vec![
                package("treq-core", stated),
                package("deep", "1.70.0"),
                package("builder", "1.88"),
                package("tester", "1.99"),
            ],
            members: vec!["treq-core".to_owned()],
            default_members: Vec::new(),
            graph: graph.into_iter().map(|(from, to)| (from.to_owned(), to)).collect(),
        }
    }

    #[test]
    fn follows_what_is_built_but_not_tests() {
        let metadata = metadata("1.88");
        let highest = highest(&metadata).unwrap();
        assert_eq!((highest.version, highest.by.starts_with("builder")), ((1, 88, 0), true));
        assert!(check(&metadata, &highest).is_empty());
    }

    #[test]
    fn a_wrong_statement_names_who_asks_for_more() {
        let metadata = metadata("1.85");
        let complaints = check(&metadata, &highest(&metadata).unwrap());
        assert!(complaints[0].starts_with("treq-core states rust-version 1.85, but the highest"), "{complaints:?}");
        assert!(complaints[0].contains("of builder"), "{complaints:?}");
    }

    #[test]
    fn reads_versions_of_two_and_three_parts() {
        assert_eq!(parse("1.85"), Ok((1, 85, 0)));
        assert_eq!(parse("1.85.1"), Ok((1, 85, 1)));
        assert!(parse("1.x").is_err());
    }
}
