//! Which crates the public signatures name: a type of a crate that stands in one binds its users to that crate's version. And the
//! public names themselves, compared with those in `xtask/api`, a file for each crate, so that none comes or goes unnoticed.
//!
//! rustdoc's JSON lists what is public; its form is not stable, so only what has been there in all its versions is read:
//! items, and within them references, objects with an `id` that the table `paths` leads to a crate. The JSON needs a
//! nightly rustdoc, or a stable one that is told to act as one. Cargo and the compiler are not told: everything
//! that watches for that would be built again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::metadata::Metadata;
use crate::run::{Outcome, cargo, flag, root, to_end};
use crate::tidy::table::{self, COMMON};

mod names;

/// A foreign crate, and the public items that name it.
type Named = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    let writes = flag(&mut arguments, "--write");
    let metadata = Metadata::load()?;
    let rustdoc = wrapper(&metadata.target.join("xtask"))?;
    // Of the whole workspace, so that what `cargo doc` has checked for the documentation's sake serves again.
    let mut doc = cargo(&["doc", "-q", "--no-deps", "--workspace", "--all-features", "--lib"])?;
    to_end(doc.env("RUSTDOC", rustdoc).env("RUSTDOCFLAGS", "-Z unstable-options --output-format json"))?;

    let asked = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    if let Some(stranger) = arguments.iter().find(|name| table::row(name).is_none()) {
        return Err(format!("{stranger} is no published crate"));
    }
    let (mut broken, mut changed) = (0, 0);
    for package in metadata.published().filter(|package| asked(&package.name)) {
        let file = metadata.target.join("doc").join(format!("{}.json", package.name.replace('-', "_")));
        let failed = |error: String| format!("{}: {error}", file.display());
        let document = read(&file).map_err(failed)?;
        changed += compare(&package.name, &document, writes)?;
        let Some(may_name) = table::row(&package.name).and_then(|row| row.may_name) else { continue };
        let named = checked(&document).map_err(failed)?;
        println!("{}: {}", package.name, named.keys().cloned().collect::<Vec<_>>().join(" "));
        for (foreign, items) in strangers(&named, may_name) {
            broken += 1;
            println!(
                "api: {} names {foreign} in {}",
                package.name,
                items.iter().cloned().collect::<Vec<_>>().join(", ")
            );
        }
    }
    match (broken, changed) {
        (0, 0) => Ok(()),
        (0, _) => Err(format!("{changed} public names differ; if that is meant, run `cargo xtask api --write`")),
        _ => Err(format!("{broken} crates that public signatures should not name")),
    }
}

/// Returns how many of the crate's public names are not those that are kept.
fn compare(package: &str, document: &Value, writes: bool) -> Outcome<usize> {
    let file = root()?.join("xtask/api").join(format!("{package}.txt"));
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let found = names::of(document).map_err(|error| format!("{package}: {error}"))?;
    if writes {
        fs::write(&file, found.join("\n") + "\n").map_err(failed)?;
        return Ok(0);
    }
    let differences = names::difference(&fs::read_to_string(&file).map_err(failed)?, &found);
    differences.iter().for_each(|line| println!("api: {package}: {line}"));
    Ok(differences.len())
}

/// A rustdoc that takes unstable options.
fn wrapper(folder: &Path) -> Outcome<PathBuf> {
    let path = folder.join("rustdoc");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(&path, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n").map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    Ok(path)
}

fn read(path: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn checked(document: &Value) -> Outcome<Named> {
    let named = named(document)?;
    let root_alone = document["index"].as_object().is_some_and(|index| index.len() == 1);
    if named.is_empty() && !root_alone {
        return Err("nothing in it refers to any crate, so its form is not the one known here".to_owned());
    }
    Ok(named)
}

fn strangers<'a>(named: &'a Named, may_name: &[&str]) -> impl Iterator<Item = (&'a String, &'a BTreeSet<String>)> {
    named.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()) && !may_name.contains(&name.as_str()))
}

fn named(document: &Value) -> Outcome<Named> {
    let index = document["index"].as_object().ok_or("no index")?;
    let paths = document["paths"].as_object().ok_or("no paths")?;
    let mut named = Named::new();
    // Private items are not in the index; what impls bring along from other crates is, under their number.
    for item in index.values().filter(|item| item["crate_id"] == 0) {
        let inner = &item["inner"];
        // Auto traits and blanket impls are other crates' decisions about our types.
        let implementation = &inner["impl"];
        if !implementation["blanket_impl"].is_null() || implementation["is_synthetic"] == true {
            continue;
        }
        let mut ids = BTreeSet::new();
        references(inner, &mut ids);
        // A crate of this number is the one at hand. What is in neither list is private.
        let targets = ids.iter().filter_map(|id| paths.get(id)).filter(|path| path["crate_id"] != 0);
        for target in targets {
            let home = target["path"][0].as_str().ok_or("an entry of paths without a path")?;
            named.entry(home.to_owned()).or_default().insert(label(item));
        }
    }
    Ok(named)
}

/// The ids of all paths in there: types, traits, imports.
fn references(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let is_path = ["path", "name", "source"].iter().any(|name| fields.get(*name).is_some_and(Value::is_string));
            match fields.get("id") {
                Some(Value::Number(id)) if is_path => drop(ids.insert(id.to_string())),
                Some(Value::String(id)) if is_path => drop(ids.insert(id.clone())),
                _ => {}
            }
            fields.values().for_each(|value| references(value, ids));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, ids)),
        _ => {}
    }
}

/// The item's name, or where it stands if it has none, as an impl.
fn label(item: &Value) -> String {
    let span = &item["span"];
    let place = format!("{}:{}", span["filename"].as_str().unwrap_or("?"), span["begin"][0]);
    item["name"].as_str().map_or(place.clone(), |name| format!("{name} ({place})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        let path = |name: &str, id: u64| json!({"resolved_path": {"path": name, "id": id, "args": null}});
        let item = |crate_id: u64, name: Option<&str>, inner: Value| {
            json!({"crate_id": crate_id, "name": name, "inner": inner,
                   "span": {"filename": "src/lib.rs", "begin": [7, 1]}})
        };
        json!({
            "index": {
                "0": item(0, Some("get"), json!({"function": {"sig": {
                    "inputs": [["url", path("Url", 10)]],
                    "output": {"resolved_path": {"path": "Option", "id": 11, "args": {"angle_bracketed": {
                        "args": [{"type": path("Response", 12)}]}}}}}}})),
                "1": item(0, None, json!({"impl": {"trait": {"path": "Serialize", "id": 13}, "for": path("Ours", 14),
                                                   "is_synthetic": false, "blanket_impl": null}})),
                "2": item(0, None, json!({"impl": {"trait": {"path": "Instrument", "id": 15}, "for": path("Ours", 14),
                                                   "is_synthetic": false, "blanket_impl": {"generic": "T"}}})),
                "3": item(0, None, json!({"use": {"source": "tokio::net", "name": "net", "id": 16}})),
                "4": item(2, Some("into"), json!({"function": {"sig": {"output": path("Inside", 15)}}})),
            },
            "paths": {
                "10": {"crate_id": 5, "path": ["url", "Url"]},
                "11": {"crate_id": 2, "path": ["core", "option", "Option"]},
                "12": {"crate_id": 6, "path": ["http", "response", "Response"]},
                "13": {"crate_id": 7, "path": ["serde", "Serialize"]},
                "14": {"crate_id": 0, "path": ["ours", "Ours"]},
                "15": {"crate_id": 8, "path": ["tracing", "Instrument"]},
                "16": {"crate_id": 9, "path": ["tokio", "net"]},
            },
        })
    }

    #[test]
    fn finds_the_crates_of_signatures_impls_and_imports() {
        let named = named(&document()).unwrap();
        assert_eq!(named.keys().collect::<Vec<_>>(), ["core", "http", "serde", "tokio", "url"]);
        assert_eq!(named["url"].first().unwrap(), "get (src/lib.rs:7)");
        assert_eq!(named["serde"].first().unwrap(), "src/lib.rs:7");
    }

    #[test]
    fn what_the_table_admits_is_no_stranger() {
        let named = named(&document()).unwrap();
        let found: Vec<_> = strangers(&named, &["tokio", "url"]).map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, ["serde"]);
    }

    #[test]
    fn another_form_is_an_error() {
        assert_eq!(named(&json!({"items": []})).unwrap_err(), "no index");
    }
}
