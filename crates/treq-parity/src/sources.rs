//! The tests of the workspace, by their names.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of all functions of the workspace that begin with `parity_`.
#[derive(Clone, Debug, Default)]
pub struct Sources(BTreeSet<String>);

impl Sources {
    /// Reads all Rust sources below `crates` of this folder.
    ///
    /// # Errors
    ///
    /// For a folder or file that cannot be read.
    pub fn scan(workspace: &Path) -> Result<Sources, String> {
        let mut names = BTreeSet::new();
        scan(&workspace.join("crates"), &mut names).map_err(|error| error.to_string())?;
        Ok(Sources(names))
    }

    /// Whether a test is named after `id`: `parity_c_pool_13` or `parity_c_pool_13_and_more` after `C-POOL-13`.
    pub fn has_test(&self, id: &str) -> bool {
        let name = format!("parity_{}", id.to_ascii_lowercase().replace('-', "_"));
        let begins = self.0.range(name.clone()..).take_while(|other| other.starts_with(&name));
        begins.into_iter().any(|other| other.len() == name.len() || other[name.len()..].starts_with('_'))
    }
}

fn scan(folder: &Path, names: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scan(&path, names)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                let rest = line.strip_prefix("async ").unwrap_or(line);
                if let Some(rest) = rest.strip_prefix("fn ") {
                    if is_test && rest.starts_with("parity_") {
                        let name = rest.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next();
                        names.extend(name.map(str::to_owned));
                    }
                    is_test = false;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_the_beginning_of_another() {
        let sources = Sources(["parity_c_pool_13_heads", "parity_req_01"].map(str::to_owned).into());
        assert!(sources.has_test("C-POOL-13") && sources.has_test("REQ-01"));
        assert!(!sources.has_test("C-POOL-1") && !sources.has_test("REQ-0") && !sources.has_test("REQ-011"));
    }
}
