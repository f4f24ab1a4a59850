//! The rows of the catalogue, and how each is checked.
//!
//! `data/rows.jsonl` says of a row which cases show it (`{"row": "REQ-03", "cases": ["C-REQ-12"]}`) or why it has no
//! counterpart or another one (`{"row": "API-14", "different": ".."}`). A row that it does not name needs a test that is
//! named after it: `parity_pool_06_..`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{Json, Outcome, Sources};

/// A section of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Such as `A. Entry points and call signatures`.
    pub title: String,
    /// The ids of its rows.
    pub rows: Vec<String>,
}

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As there, and shown.
    Done,
    /// Otherwise, for this reason.
    Different(String),
    /// Neither; what is missing.
    Open(String),
}

/// What is said of a row.
#[derive(Clone, Debug, Default)]
struct Entry {
    cases: Vec<String>,
    different: Option<String>,
}

/// What is said of all rows.
#[derive(Clone, Debug, Default)]
pub struct Table(BTreeMap<String, Entry>);

/// The sections of a catalogue, in order.
///
/// # Errors
///
/// For a file that cannot be read.
pub fn catalogue(path: &Path) -> Result<Vec<Section>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.to_owned(), rows: Vec::new() });
        } else if line.starts_with("# ") && !sections.is_empty() {
            break;
        } else if let (Some(id), Some(section)) = (id(line), sections.last_mut()) {
            section.rows.push(id.to_owned());
        }
    }
    Ok(sections)
}

/// The id in the first column of a table's line.
fn id(line: &str) -> Option<&str> {
    let first = line.strip_prefix('|')?.split('|').next()?.trim();
    let (name, number) = first.split_once('-')?;
    let is_id = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_uppercase())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(first)
}

impl Table {
    /// Reads `rows.jsonl`.
    ///
    /// # Errors
    ///
    /// For a file that cannot be read, and a line that is not of its form.
    pub fn read(path: &Path) -> Result<Table, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut table = BTreeMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let broken = |why: &str| format!("{}:{}: {why}", path.display(), at + 1);
            let json: Json = serde_json::from_str(line).map_err(|error| broken(&error.to_string()))?;
            let row = json.get("row").and_then(Json::text).ok_or_else(|| broken("there is no row"))?;
            let cases = json.get("cases").and_then(Json::list).unwrap_or_default().iter().filter_map(Json::text);
            let different = json.get("different").and_then(Json::text).map(str::to_owned);
            let entry = Entry { cases: cases.map(str::to_owned).collect(), different };
            if entry.cases.is_empty() && entry.different.is_none() {
                return Err(broken("neither cases nor a difference"));
            }
            if table.insert(row.to_owned(), entry).is_some() {
                return Err(broken("the row is named twice"));
            }
        }
        Ok(Table(table))
    }

    /// The ids that it names.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How a row stands, by the outcomes of all cases.
    pub fn standing(&self, row: &str, outcomes: &BTreeMap<String, Outcome>, sources: &Sources) -> Standing {
        let tested = sources.has_test(row);
        let Some(entry) = self.0.get(row) else {
            return if tested { Standing::Done } else { Standing::Open("neither case nor test".to_owned()) };
        };
        let mut reason = entry.different.clone();
        for id in &entry.cases {
            match outcomes.get(id) {
                Some(Outcome::Passed | Outcome::ByHand) => {}
                Some(Outcome::Different(why)) => _ = reason.get_or_insert_with(|| why.join("; ")),
                Some(Outcome::Failed(why)) => return Standing::Open(format!("{id}: {why}")),
                None => return Standing::Open(format!("there is no case {id}")),
            }
        }
        match reason {
            Some(reason) => Standing::Different(reason),
            None => Standing::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_other_lines_of_tables() {
        assert_eq!(id("| CK-04 | Scope leaks | LAB |"), Some("CK-04"));
        for line in
            ["| Id | Must be true | Where |", "|---|---|---|", "| treq #62 | A way | |", "CK-04", "| C-REQ-01 | x |"]
        {
            assert_eq!(id(line), None, "{line}");
        }
    }
}
