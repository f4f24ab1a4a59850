use std::io::{self, Write};
use std::path::Path;

use treq_file::{Access, Replacement};

/// Writes a file whole, or not at all; its owner alone can read it if it is new.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = Replacement::create(path, Access::Private)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}
