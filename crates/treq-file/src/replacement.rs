use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::access::Access;
use crate::destination::{Destination, Target};

/// The bytes that a file will have, which appear under its name all at once. See the [crate's page](crate).
#[derive(Debug)]
pub struct Replacement(Kind);

#[derive(Debug)]
enum Kind {
    Beside { file: NamedTempFile, target: Box<Target> },
    Direct(File),
}

impl Replacement {
    /// Begins to write the new file at `path`.
    ///
    /// # Errors
    ///
    /// If the path names no file or a directory, or its folder is missing or not writable.
    pub fn create(path: &Path, access: Access) -> io::Result<Replacement> {
        let target = match Destination::of(path)? {
            Destination::Special(path) => {
                return OpenOptions::new().write(true).open(path).map(Kind::Direct).map(Replacement);
            }
            Destination::File(target) => target,
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        if access == Access::Ordinary {
            use std::os::unix::fs::PermissionsExt;
            // The umask takes its part of it.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        // A short name, which fits wherever the file's own does.
        let file = builder.prefix(".new-").tempfile_in(target.folder())?;
        target.dress(file.as_file(), access)?;
        Ok(Replacement(Kind::Beside { file, target: Box::new(target) }))
    }

    /// Puts the file in its place, once its bytes are on the disk.
    ///
    /// # Errors
    ///
    /// Those of the file system. The old file is unchanged then.
    pub fn commit(self) -> io::Result<()> {
        match self.0 {
            Kind::Beside { file, target } => {
                file.as_file().sync_all()?;
                file.persist(&target.path).map_err(|error| error.error)?;
                target.sync_folder();
                Ok(())
            }
            // Devices need not know what that is.
            Kind::Direct(mut file) => file.flush(),
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Beside { file, .. } => file.write(bytes),
            Kind::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Beside { file, .. } => file.flush(),
            Kind::Direct(file) => file.flush(),
        }
    }
}
