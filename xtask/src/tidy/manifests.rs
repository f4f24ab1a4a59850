//! What each package's manifest has to say.

use std::path::Path;

use super::Complaint;
use super::files::File;
use super::table::{self, NOT_DEFAULT, ONE_VERSION_EACH, Role, UNPUBLISHED};
use crate::metadata::{Metadata, Package};

pub(super) fn check(metadata: &Metadata) -> Vec<Complaint> {
    let version = metadata.workspace().find(|it| it.name == "treq-core").map_or("", |it| it.version.as_str());
    let mut complaints = Vec::new();
    for package in metadata.workspace() {
        let folder = package.folder.strip_prefix(&metadata.root).unwrap_or(&package.folder);
        complaints.extend(of_package(package, folder, version));
        // Both licences ask for their text to go along.
        let texts = ["LICENSE-APACHE", "LICENSE-MIT"].into_iter().filter(|_| table::row(&package.name).is_some());
        let missing = texts.filter(|text| !package.folder.join(text).is_file());
        complaints
            .extend(missing.map(|text| format!("{}: link {text} of the root here, for its package", package.name)));
        if metadata.default_members.contains(&package.id) == (package.name == NOT_DEFAULT) {
            complaints
                .push(format!("{}: default-members of the root are all packages but {NOT_DEFAULT}", package.name));
        }
    }
    complaints
}

fn of_package(package: &Package, folder: &Path, version: &str) -> Vec<Complaint> {
    let name = package.name.as_str();
    let row = table::row(name);
    let top = ["examples", "xtask"].contains(&name);
    let expected = if top { Path::new(name).to_path_buf() } else { Path::new("crates").join(name) };
    let rules = [
        (folder == expected, format!("stands in {}, not in {}", folder.display(), expected.display())),
        (top || package.version == version, format!("has version {}, the others {version}", package.version)),
        (package.edition == "2024", format!("is of edition {}, not 2024", package.edition)),
        (package.licence.is_some(), "states no licence".to_owned()),
        (row.is_some() || UNPUBLISHED.contains(&name), "has no line in xtask/src/tidy/table.rs".to_owned()),
        (row.is_none() || package.published, "is in the table of published crates, but not published".to_owned()),
        (row.is_some() || !package.published, "needs `publish = false`".to_owned()),
        (row.is_none() || package.description.is_some(), "has no description".to_owned()),
        (row.is_none() || package.readme.is_some(), "names no readme".to_owned()),
        (
            row.is_none_or(|row| row.role == Role::Umbrella)
                || package.features.get("default").is_none_or(Vec::is_empty),
            "has default features: only the umbrella chooses".to_owned(),
        ),
    ];
    rules.into_iter().filter(|(kept, _)| !kept).map(|(_, complaint)| format!("{name} {complaint}")).collect()
}

/// Two versions of a crate whose types stand in signatures do not fit each other.
pub(super) fn one_version_each(metadata: &Metadata) -> Vec<Complaint> {
    let versions = |name: &str| -> Vec<_> {
        metadata.packages.iter().filter(|it| it.name == name).map(|it| it.version.as_str()).collect()
    };
    let all = ONE_VERSION_EACH.iter().map(|name| (name, versions(name)));
    all.filter(|(_, found)| found.len() > 1)
        .map(|(name, found)| format!("{name} stands in Cargo.lock as {found:?}"))
        .collect()
}

/// A member's manifest without the workspace's lints. `cargo metadata` does not tell, so the text is read.
pub(super) fn inherits_lints(file: &File) -> Option<Complaint> {
    let member = file.path.ends_with("/Cargo.toml");
    let mut lines = file.text.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let inherits = lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == "workspace = true");
    (member && !inherits).then(|| format!("{}: no `[lints] workspace = true`", file.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Package {
        Package {
            version: "0.1.0".to_owned(),
            edition: "2024".to_owned(),
            licence: Some("MIT".to_owned()),
            description: Some("A layer.".to_owned()),
            readme: Some("README.md".to_owned()),
            ..Package::named("treq-pool")
        }
    }

    #[test]
    fn a_good_manifest_passes() {
        let package = Package { features: [("default".to_owned(), Vec::new())].into(), ..good() };
        assert_eq!(of_package(&package, Path::new("crates/treq-pool"), "0.1.0"), Vec::<String>::new());
    }

    #[test]
    fn each_broken_rule_is_named() {
        let on = || [("default".to_owned(), vec!["x".to_owned()])].into();
        let table: &[(Package, &str)] = &[
            (Package { version: "0.2.0".to_owned(), ..good() }, "treq-pool has version 0.2.0, the others 0.1.0"),
            (Package { edition: "2021".to_owned(), ..good() }, "treq-pool is of edition 2021, not 2024"),
            (Package { licence: None, ..good() }, "treq-pool states no licence"),
            (Package { description: None, ..good() }, "treq-pool has no description"),
            (Package { readme: None, ..good() }, "treq-pool names no readme"),
            (
                Package { published: false, ..good() },
                "treq-pool is in the table of published crates, but not published",
            ),
            (Package { features: on(), ..good() }, "treq-pool has default features: only the umbrella chooses"),
        ];
        for (package, complaint) in table {
            assert_eq!(of_package(package, Path::new("crates/treq-pool"), "0.1.0"), [*complaint]);
        }
        let moved = of_package(&good(), Path::new("crates/net/pool"), "0.1.0");
        assert_eq!(moved, ["treq-pool stands in crates/net/pool, not in crates/treq-pool"]);
        let bench = Package { name: "treq-bench".to_owned(), ..good() };
        assert_eq!(of_package(&bench, Path::new("crates/treq-bench"), "0.1.0"), ["treq-bench needs `publish = false`"]);
        let new = Package { name: "treq-new".to_owned(), published: false, ..good() };
        let found = of_package(&new, Path::new("crates/treq-new"), "0.1.0");
        assert_eq!(found, ["treq-new has no line in xtask/src/tidy/table.rs"]);
    }

    #[test]
    fn lints_are_the_workspaces() {
        let table = [
            ("crates/a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n", true),
            ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n", false),
            ("crates/a/Cargo.toml", "[lints]\n[package]\nworkspace = true\n", false),
            ("Cargo.toml", "[workspace]\n", true),
        ];
        for (path, text, kept) in table {
            let file = File { path: path.to_owned(), text: text.to_owned() };
            assert_eq!(inherits_lints(&file).is_none(), kept, "{text}");
        }
    }
}
