//! The arrows between crates, and what they use from outside.

use super::Complaint;
use super::table::{self, FENCES, NOT_IN_CORE, PUBLISHED, Role, UNPUBLISHED};
use crate::metadata::{Dependency, Kind, Metadata, Package};

pub(super) fn check(metadata: &Metadata) -> Vec<Complaint> {
    let members: Vec<&str> = metadata.workspace().map(|package| package.name.as_str()).collect();
    metadata.published().flat_map(|package| of_package(package, &members)).collect()
}

fn of_package(package: &Package, members: &[&str]) -> Vec<Complaint> {
    let ours = |it: &Dependency| members.contains(&it.name.as_str());
    let (tests, used): (Vec<_>, Vec<_>) = package.dependencies.iter().partition(|it| it.kind == Kind::Dev);
    let mut complaints = Vec::new();
    for dependency in used {
        let allowed = if ours(dependency) { may_know(package, dependency) } else { may_use(package, dependency) };
        complaints.extend(allowed.err());
    }
    for dependency in tests.into_iter().filter(|it| ours(it)) {
        complaints.extend(tests_may_know(package, dependency).err());
    }
    complaints
}

/// The arrow to another crate of the workspace.
fn may_know(package: &Package, on: &Dependency) -> Result<(), Complaint> {
    let (from, to) = (&package.name, &on.name);
    if UNPUBLISHED.contains(&to.as_str()) {
        return Err(format!("{from} depends on {to}, which is not published"));
    }
    let role = table::row(from).map(|row| row.role);
    match role {
        Some(Role::Umbrella) => Ok(()),
        Some(Role::Layer | Role::Testing) if to == "treq-core" => Ok(()),
        Some(Role::Layer | Role::Testing) if to == "treq-file" && table::WRITE_FILES.contains(&from.as_str()) => Ok(()),
        Some(Role::Core | Role::Files) => Err(format!("{from} is below every crate and depends on {to}")),
        Some(Role::Layer | Role::Testing) => Err(format!("{from} depends on {to}: of the workspace only treq-core")),
        None => Err(format!("{from} has no line in the table of published crates")),
    }
}

/// The arrow to a foreign crate.
fn may_use(package: &Package, on: &Dependency) -> Result<(), Complaint> {
    let (from, to) = (&package.name, on.name.as_str());
    if let Some((_, inside)) = FENCES.iter().find(|(name, inside)| *name == to && !inside.contains(&from.as_str())) {
        return Err(format!("{from} depends on {to}, which only {inside:?} may"));
    }
    let Some(row) = table::row(from) else { return Ok(()) };
    if row.role == Role::Core && NOT_IN_CORE.contains(&to) {
        return Err(format!("{from} depends on {to}: the vocabulary names no runtime and no tower"));
    }
    match row.may_use {
        Some(list) if !list.contains(&to) => Err(format!("{from} depends on {to}, which its line in the table lacks")),
        _ => Ok(()),
    }
}

fn tests_may_know(package: &Package, on: &Dependency) -> Result<(), Complaint> {
    let listed = table::row(&package.name).is_some_and(|row| row.tests_use.iter().any(|(name, _)| *name == on.name));
    // Testing depends on the vocabulary, so the vocabulary's own unit tests cannot use it: only files under `tests/` can.
    if listed || on.name == "treq-testing" || on.name == "treq-core" || is_part_of_umbrella(package, on) {
        return Ok(());
    }
    Err(format!("the tests of {} use {}: say why in the table", package.name, on.name))
}

fn is_part_of_umbrella(package: &Package, on: &Dependency) -> bool {
    table::row(&package.name).is_some_and(|row| row.role == Role::Umbrella)
        && PUBLISHED.iter().any(|row| row.name == on.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[&str] = &["treq-core", "treq-agent", "treq-pool", "treq-testing", "treq-httpbin", "treq"];

    #[test]
    fn knows_good_arrows_from_bad_ones() {
        use Kind::{Build, Dev, Normal};
        let table = [
            ("treq-pool", "treq-core", Normal, None),
            ("treq-pool", "tokio", Normal, None),
            ("treq-pool", "treq-agent", Normal, Some("treq-pool depends on treq-agent: of the workspace only")),
            ("treq-pool", "treq-testing", Normal, Some("of the workspace only treq-core")),
            ("treq-pool", "treq-testing", Dev, None),
            ("treq-core", "treq-agent", Dev, Some("the tests of treq-core use treq-agent: say why")),
            ("treq-agent", "treq-pool", Dev, None),
            ("treq-agent", "treq-pool", Normal, Some("of the workspace only treq-core")),
            ("treq-pool", "serde", Normal, Some("which its line in the table lacks")),
            ("treq-pool", "serde", Dev, None),
            ("treq-pool", "cc", Build, Some("which its line in the table lacks")),
            ("treq-pool", "hyper", Normal, Some(r#"only ["treq-agent", "treq-connect", "treq-testing"] may"#)),
            ("treq-agent", "hyper", Normal, None),
            ("treq-agent", "rustls", Normal, Some("treq-agent depends on rustls")),
            ("treq-core", "tokio", Normal, Some("names no runtime")),
            ("treq-core", "treq-pool", Normal, Some("is below every crate")),
            ("treq", "treq-pool", Normal, None),
            ("treq", "treq-testing", Normal, None),
            ("treq", "treq-httpbin", Dev, None),
            ("treq", "treq-httpbin", Normal, Some("which is not published")),
            ("treq", "serde", Normal, None),
            ("treq", "hyper", Normal, Some("treq depends on hyper")),
            ("treq-unheard-of", "treq-core", Normal, Some("no line in the table")),
        ];
        for (from, to, kind, complaint) in table {
            let dependency = Dependency { name: to.to_owned(), kind };
            let package = Package { dependencies: vec![dependency], ..Package::named(from) };
            let found = of_package(&package, MEMBERS);
            match complaint {
                None => assert_eq!(found, Vec::<String>::new(), "{from} -> {to}"),
                Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{from} -> {to}: {found:?}"),
            }
        }
    }
}
