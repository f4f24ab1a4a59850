//! The files of the workspace, and which of them the rules of `text` apply to.

use std::fs;
use std::path::Path;

use super::Complaint;
use super::table::{self, TOP_LEVEL};
use super::text;
use crate::run::Outcome;

/// A file of text, its path from the root, with `/` between the parts.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

/// Every file but what cargo builds and what git keeps. One that is no UTF-8 counts, with no text.
pub(super) fn list(root: &Path, target: &Path) -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let inside = path.strip_prefix(root).unwrap_or(&path);
            if path == target || inside == Path::new("target") || inside == Path::new(".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            files.push(File { path: parts.join("/"), text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What stands at the top and should not, and the other way round.
pub(super) fn strangers(files: &[File]) -> Vec<Complaint> {
    let mut tops: Vec<&str> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    tops.dedup();
    let strange = tops.iter().filter(|top| !top.starts_with('.') && !TOP_LEVEL.contains(top));
    let missing = TOP_LEVEL.iter().filter(|name| !tops.contains(name));
    strange
        .map(|top| format!("{top} does not belong at the top level"))
        .chain(missing.map(|name| format!("{name} is missing at the top level")))
        .collect()
}

pub(super) fn check(files: &[File]) -> Vec<Complaint> {
    files.iter().flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<Complaint> {
    let mut complaints = text::machine_paths(&file.text);
    let parts: Vec<&str> = file.path.split('/').collect();
    if file.path.ends_with(".rs") {
        complaints.extend(text::unfinished(&file.text));
        complaints.extend(text::let_chains(&file.text));
    }
    match parts.as_slice() {
        ["crates", _, "src", "lib.rs"] => {
            complaints.extend(text::short(&file.text));
            complaints.extend(text::forbids_unsafe(&file.text));
        }
        ["crates", _, "src", .., last] | ["xtask", "src", .., last] if last.ends_with(".rs") => {
            complaints.extend(text::short(&file.text));
        }
        ["examples", "examples", name] => {
            complaints.extend(name.strip_suffix(".rs").into_iter().flat_map(|name| text::example(name, &file.text)));
        }
        ["crates", name, "README.md"] if table::row(name).is_some() => complaints.extend(text::readme(&file.text)),
        _ => {}
    }
    complaints.into_iter().map(|complaint| format!("{}: {complaint}", file.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_top_level_is_closed() {
        let mut files: Vec<File> = TOP_LEVEL.iter().map(|name| file(name, "")).collect();
        files.push(file(".ci/run", ""));
        assert_eq!(strangers(&files), Vec::<String>::new());
        files.push(file("notes/today.md", ""));
        files.remove(0);
        let expected = ["notes does not belong at the top level", "CHANGELOG.md is missing at the top level"];
        assert_eq!(strangers(&files), expected);
    }

    #[test]
    fn rules_apply_by_place() {
        let long = "line\n".repeat(500);
        let table = [
            ("crates/treq-pool/src/state.rs", long.as_str(), 1),
            ("crates/treq-pool/tests/it/state.rs", &long, 0),
            ("crates/treq-pool/README.md", &long, 1),
            ("crates/treq-bench/README.md", &long, 0),
            ("crates/treq-pool/src/lib.rs", "", 1),
            ("crates/treq-pool/src/lib.rs", "#![forbid(unsafe_code)]\n", 0),
            ("examples/examples/get.rs", "fn main() {}\n", 1),
            ("examples/src/lib.rs", "", 0),
        ];
        for (path, text, complaints) in table {
            assert_eq!(of_file(&file(path, text)).len(), complaints, "{path}");
        }
    }
}
