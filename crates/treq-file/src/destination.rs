//! The file that a path leads to.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::access::Access;

/// The number of symbolic links to follow in a row: as many as Linux does.
const MAX_LINKS: usize = 40;

/// The destination of bytes for a path.
pub(crate) enum Destination {
    /// A regular file, or none yet, to be replaced by a rename.
    File(Target),
    /// A device or FIFO, to be written to; a socket, which cannot be opened.
    Special(PathBuf),
}

/// A file that exists or will exist.
#[derive(Debug)]
pub(crate) struct Target {
    /// The path after all links.
    pub(crate) path: PathBuf,
    /// The metadata of the present file.
    pub(crate) old: Option<Metadata>,
}

impl Destination {
    pub(crate) fn of(path: &Path) -> io::Result<Destination> {
        let ends_in_slash =
            path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| std::path::is_separator(byte.into()));
        if path.file_name().is_none() || ends_in_slash {
            let why = format!("{path:?} names no file: give a path that ends in the name of one");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let path = follow(path)?;
        let old = match fs::metadata(&path) {
            Ok(old) if old.is_dir() => {
                let why = format!("{path:?} is a directory: give the path of a file");
                return Err(io::Error::new(io::ErrorKind::IsADirectory, why));
            }
            Ok(old) if !old.is_file() => return Ok(Destination::Special(path)),
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let target = Target { path, old };
        if target.old.is_none()
            && fs::metadata(target.folder()).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            let why = format!("the folder {:?} does not exist: create it first", target.folder());
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        Ok(Destination::File(target))
    }
}

impl Target {
    /// The folder that the file is in.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// The same with the present file as it is now: its mode may have been changed meanwhile.
    pub(crate) fn now(&self) -> Target {
        let old = fs::metadata(&self.path).ok().filter(Metadata::is_file);
        Target { path: self.path.clone(), old: old.or_else(|| self.old.clone()) }
    }

    /// Gives a new file the mode of the old one, the owner's part of it if private, and its owner if that may be set.
    #[cfg(unix)]
    pub(crate) fn dress(&self, file: &File, access: Access) -> io::Result<()> {
        self.hand_over(file, |mode| if access == Access::Private { mode & 0o700 } else { mode })
    }

    /// Gives a partial file the mode of the old one, and read and write for its owner, so that a later attempt can open it.
    #[cfg(unix)]
    pub(crate) fn cover(&self, file: &File) -> io::Result<()> {
        self.hand_over(file, |mode| mode | 0o600)
    }

    #[cfg(unix)]
    fn hand_over(&self, file: &File, change: impl Fn(u32) -> u32) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

        let Some(old) = &self.old else { return Ok(()) };
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give files away; the group is set alone where that is allowed.
            let _ = fchown(file, Some(old.uid()), Some(old.gid())).or_else(|_| fchown(file, None, Some(old.gid())));
        }
        // After the owner, whose change takes some bits away. New bytes do not run with the rights of the old ones' owner, as after
        // any write.
        file.set_permissions(fs::Permissions::from_mode(change(old.mode() & 0o777)))
    }

    #[cfg(not(unix))]
    pub(crate) fn dress(&self, _: &File, _: Access) -> io::Result<()> {
        Ok(())
    }

    #[cfg(not(unix))]
    pub(crate) fn cover(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    /// Syncs the new name to disk, if the folder can be synced.
    pub(crate) fn sync_folder(&self) {
        if cfg!(unix) {
            // The bytes are there whatever becomes of this.
            let _ = File::open(self.folder()).and_then(|folder| folder.sync_all());
        }
    }
}

/// The path after symbolic links, the last of which may lead nowhere yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let given = path;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let link = fs::read_link(&path)?;
                // Relative to the folder of the link.
                path = path.parent().map_or_else(|| link.clone(), |folder| folder.join(&link));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(path),
        }
    }
    let why =
        format!("{given:?} leads through more than {MAX_LINKS} symbolic links: remove the loop, or give another path");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
