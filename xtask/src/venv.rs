//! Python environments with pinned packages, kept below the target folder from run to run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Outcome, command, root, to_end};

/// Makes the environment of a file of requirements, named from the root, and says where its Python is. It is made anew
/// only when the pins have changed.
pub(crate) fn provide(venv: &Path, requirements: &str) -> Outcome<PathBuf> {
    let python = venv.join("bin/python");
    let stamp = venv.join("requirements.txt");
    let file = root()?.join(requirements);
    let wanted = fs::read_to_string(&file).map_err(|error| format!("{requirements}: {error}"))?;
    if is_installed(&stamp, &wanted) {
        return Ok(python);
    }
    to_end(command("python3", &["-m", "venv", "--clear"])?.arg(venv))?;
    let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"];
    to_end(command(&python, &pip)?.arg(file)).map_err(|error| unreachable_index(requirements, &error))?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// Written when all is there: without it, nothing is.
fn is_installed(stamp: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|installed| installed == wanted)
}

fn unreachable_index(requirements: &str, error: &str) -> String {
    format!("{error}: the packages of {requirements} come from PyPI, which must be within reach the first time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_there_once_its_stamp_is_and_says_the_same() {
        let folder = std::env::temp_dir().join(format!("xtask-venv-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let stamp = folder.join("requirements.txt");
        assert!(!is_installed(&stamp, "a==1\n"));
        fs::write(&stamp, "a==1\n").unwrap();
        assert!(is_installed(&stamp, "a==1\n"));
        assert!(!is_installed(&stamp, "a==2\n"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_error_says_what_is_needed_once() {
        let error = unreachable_index("live/requirements.txt", "`pip` ended with exit status: 1");
        assert!(error.starts_with("`pip` ended with") && error.contains("live/requirements.txt"), "{error}");
    }
}
