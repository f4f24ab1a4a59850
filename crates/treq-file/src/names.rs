//! The names of a partial file and of its note, and what has them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The longest name that file systems accept, in bytes.
const MAX_NAME: usize = 255;

/// The largest note, in bytes: one is a URL and a few values.
pub(crate) const MAX_NOTE: usize = 256 * 1024;

/// Opens a partial file, or makes it. A link there is refused: another user of the folder may have put it there.
pub(crate) fn open(part: &Path) -> io::Result<File> {
    let strange = |what: &str| {
        let why = format!("{} is in the way: it {what}; remove it, or choose another path", part.display());
        io::Error::new(io::ErrorKind::InvalidInput, why)
    };
    if fs::symlink_metadata(part).is_ok_and(|found| !found.is_file()) {
        return Err(strange("is no regular file"));
    }
    let mut options = OpenOptions::new();
    // One that has come there since.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, no_follow());
    let file = options.read(true).append(true).create(true).open(part)?;
    match file.metadata()? {
        found if !found.is_file() => Err(strange("is no regular file")),
        found if has_more_names(&found) => Err(strange("has another name, whose file would be written too")),
        _ => Ok(file),
    }
}

#[cfg(unix)]
fn has_more_names(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn has_more_names(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn no_follow() -> i32 {
    // One bit of few: it is far from the sign.
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

/// Writes a new file that only its owner can read.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)?.write_all(bytes)
}

/// Locks the file; returns false if another has it locked.
#[cfg(unix)]
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(false),
        // A file system that knows no locks, such as some over a network.
        Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK | rustix::io::Errno::NOSYS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
pub(crate) fn lock(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// Returns true if the file still has that name: another attempt may have committed it meanwhile.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(own), fs::symlink_metadata(path).map(own)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// A line that tells the file from another that has its name later: a note next to that one does not describe it.
pub(crate) fn identity(file: &File) -> io::Result<String> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    let number = {
        // Without the device's, which may be another after the next start of the machine.
        std::os::unix::fs::MetadataExt::ino(&metadata)
    };
    #[cfg(not(unix))]
    let number = 0;
    // A number is given out again; not every file system knows when a file was made.
    let made = metadata.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("{number}:{}\n", made.as_nanos()))
}

/// The name with a number and an ending. One that is too long keeps its beginning.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    // FNV-1a: the same in each build, since a later one looks for the name.
    let number = name
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let end = format!("-{number:016x}{end}");
    let mut whole = OsString::from(name);
    if name.len() + end.len() <= MAX_NAME {
        whole.push(end);
        return path.with_file_name(whole);
    }
    // Cut where a character ends, whatever the rest is.
    let shown: String = name
        .to_string_lossy()
        .chars()
        .scan(0, |len, char| {
            *len += char.len_utf8();
            (*len <= 128).then_some(char)
        })
        .collect();
    path.with_file_name(shown + &end)
}

/// The note in this file, if it is on the file of that identity.
pub(crate) fn read(path: &Path, identity: &str) -> io::Result<Option<Vec<u8>>> {
    let mut note = Vec::new();
    // Nothing that is no regular file is a note, and reading a FIFO might not end.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) => {
            // Of one that is too long the beginning alone would say something else.
            let most = identity.len() + MAX_NOTE;
            file.take(most as u64 + 1).read_to_end(&mut note)?;
            let whole = Some(note).filter(|note| note.len() <= most);
            Ok(whole.and_then(|note| Some(note.strip_prefix(identity.as_bytes())?.to_vec())))
        }
        // That of another user is on what he has written.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("{} cannot be removed: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
