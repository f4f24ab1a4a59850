//! The public names of a crate, one a line, as rustdoc's JSON has them: paths, methods, variants, fields, and of types the traits
//! that they implement, `Send`, `Sync` and `Unpin` among them. A line that comes, goes or changes is a change of what users see.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::Outcome;

/// Auto traits that say something to users.
const AUTO: [&str; 3] = ["Send", "Sync", "Unpin"];

pub(super) fn of(document: &Value) -> Outcome<Vec<String>> {
    let root = id(&document["root"]).ok_or("no root")?;
    let mut names = Names { document, lines: BTreeSet::new() };
    names.module(&root, "")?;
    Ok(names.lines.into_iter().collect())
}

/// Returns the differences, as lines with `-` and `+`.
pub(super) fn difference(kept: &str, found: &[String]) -> Vec<String> {
    let kept: BTreeSet<&str> = kept.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let gone = kept.difference(&found).map(|line| format!("- {line}"));
    gone.chain(found.difference(&kept).map(|line| format!("+ {line}"))).collect()
}

struct Names<'a> {
    document: &'a Value,
    lines: BTreeSet<String>,
}

impl<'a> Names<'a> {
    fn item(&self, id: &str) -> Option<&'a Value> {
        let item = &self.document["index"][id];
        (!item.is_null()).then_some(item)
    }

    fn module(&mut self, id: &str, path: &str) -> Outcome {
        let module = self.item(id).ok_or_else(|| format!("the module {path:?} is not there"))?;
        let items = module["inner"]["module"]["items"].as_array().ok_or_else(|| format!("{path:?} is no module"))?;
        for id in items.iter().filter_map(self::id) {
            let Some(item) = self.item(&id) else { continue };
            match item["inner"].get("use") {
                Some(import) => self.import(import, path)?,
                None => self.add(&id, item["name"].as_str().unwrap_or_default(), path)?,
            }
        }
        Ok(())
    }

    fn import(&mut self, import: &Value, path: &str) -> Outcome {
        let (name, source) = (text(import, "name"), text(import, "source"));
        match id(&import["id"]) {
            Some(id) if self.item(&id).is_some() && import["is_glob"] == true => self.module(&id, path),
            Some(id) if self.item(&id).is_some() => self.add(&id, name, path),
            _ => {
                // Of another crate, whose own list says what it is.
                self.lines.insert(format!("use {} = {source}", join(path, name)));
                Ok(())
            }
        }
    }

    fn add(&mut self, id: &str, name: &str, path: &str) -> Outcome {
        let Some(item) = self.item(id) else { return Ok(()) };
        let inner = item["inner"].as_object().ok_or("an item without inner")?;
        let path = join(path, name);
        let Some((kind, inner)) = inner.iter().next() else { return Ok(()) };
        match kind.as_str() {
            "module" => {
                self.lines.insert(format!("mod {path}"));
                self.module(id, &path)?;
            }
            "struct" | "enum" | "union" => self.data(kind, inner, &path),
            "trait" => {
                self.lines.insert(format!("trait {path}"));
                self.members(&inner["items"], &path);
            }
            "function" => drop(self.lines.insert(format!("fn {path}"))),
            _ => drop(self.lines.insert(format!("{kind} {path}"))),
        }
        Ok(())
    }

    fn data(&mut self, kind: &str, inner: &Value, path: &str) {
        let mut traits = BTreeSet::new();
        for id in inner["impls"].as_array().into_iter().flatten().filter_map(self::id) {
            let Some(item) = self.item(&id) else { continue };
            let implementation = &item["inner"]["impl"];
            if !implementation["blanket_impl"].is_null() || implementation["is_negative"] == true {
                continue;
            }
            // The last part: one may write `fmt::Debug` or `Debug`.
            match implementation["trait"]["path"].as_str().and_then(|path| path.rsplit("::").next()) {
                Some(name) if implementation["is_synthetic"] != true || AUTO.contains(&name) => {
                    traits.insert(name.to_owned());
                }
                Some(_) => {}
                None => self.members(&implementation["items"], path),
            }
        }
        let traits: Vec<_> = traits.into_iter().collect();
        self.lines.insert(format!("{kind} {path}: {}", traits.join(" ")));
        for fields in [&inner["kind"]["plain"]["fields"], &inner["kind"]["tuple"], &inner["variants"]] {
            self.members(fields, path);
        }
    }

    fn members(&mut self, ids: &Value, path: &str) {
        for id in ids.as_array().into_iter().flatten().filter_map(self::id) {
            let Some(item) = self.item(&id) else { continue };
            let Some(kind) = item["inner"].as_object().and_then(|inner| inner.keys().next()) else { continue };
            let kind = match kind.as_str() {
                "function" => "fn",
                "struct_field" => "field",
                other => other,
            };
            self.lines.insert(format!("{kind} {}", join(path, text(item, "name"))));
        }
    }
}

fn id(value: &Value) -> Option<String> {
    value.as_u64().map(|id| id.to_string()).or_else(|| value.as_str().map(str::to_owned))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_paths_traits_and_members() {
        let implementation = |name: Value, is_synthetic: bool, items: Value| {
            json!({"name": null, "inner": {"impl": {"trait": name, "is_synthetic": is_synthetic, "is_negative": false,
                   "blanket_impl": null, "items": items}}})
        };
        let document = json!({"root": 0, "index": {
            "0": {"name": "ours", "inner": {"module": {"items": [1, 2, 3, 10]}}},
            "1": {"name": null, "inner": {"use": {"name": "Cup", "source": "cup::Cup", "id": 4, "is_glob": false}}},
            "2": {"name": null, "inner": {"use": {"name": "Uri", "source": "http::Uri", "id": 99, "is_glob": false}}},
            "3": {"name": "tea", "inner": {"module": {"items": [5]}}},
            "4": {"name": "Cup", "inner": {"struct": {"kind": {"plain": {"fields": [6]}}, "impls": [7, 8, 9]}}},
            "5": {"name": "pour", "inner": {"function": {}}},
            "6": {"name": "size", "inner": {"struct_field": {}}},
            "7": implementation(json!({"path": "Send"}), true, json!([])),
            "8": implementation(json!({"path": "fmt::Debug"}), false, json!([])),
            "9": implementation(Value::Null, false, json!([5])),
            "10": {"name": "Drink", "inner": {"trait": {"items": [5]}}},
        }});
        let lines = of(&document).unwrap();
        let expected = [
            "field Cup::size",
            "fn Cup::pour",
            "fn Drink::pour",
            "fn tea::pour",
            "mod tea",
            "struct Cup: Debug Send",
            "trait Drink",
            "use Uri = http::Uri",
        ];
        assert_eq!(lines, expected);
        let differences = difference("mod tea\nfn old\n", &["mod tea".to_owned(), "fn new".to_owned()]);
        assert_eq!(differences, ["- fn old", "+ fn new"]);
    }

    #[test]
    fn another_form_is_an_error() {
        assert_eq!(of(&json!({"items": []})).unwrap_err(), "no root");
    }
}
