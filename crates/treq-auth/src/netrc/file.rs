use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use treq_core::Error;

use super::{Netrc, syntax};
use crate::AuthErrorReason;
use crate::error::unusable;

pub(super) fn from_user() -> Result<Netrc, Error> {
    if let Some(path) = std::env::var_os("NETRC").filter(|path| !path.is_empty()) {
        return load(Path::new(&path));
    }
    let (home, name) = if cfg!(windows) { ("USERPROFILE", "_netrc") } else { ("HOME", ".netrc") };
    let Some(home) = std::env::var_os(home).filter(|home| !home.is_empty()) else { return Ok(Netrc::default()) };
    let path = Path::new(&home).join(name);
    match File::open(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Netrc::default()),
        Err(error) => Err(unreadable(&path, &error)),
    }
}

pub(super) fn load(path: &Path) -> Result<Netrc, Error> {
    File::open(path).map_err(|error| unreadable(path, &error)).and_then(|file| read(file, path))
}

fn read(file: File, path: &Path) -> Result<Netrc, Error> {
    // Of the open file: what stands at the path may be another one by now.
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    let mut text = String::new();
    // One byte more, so that the limit is noticed.
    let limit = syntax::TEXT_LEN as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    let netrc = Netrc::parse(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        unusable(AuthErrorReason::Syntax, message)
    })?;
    if netrc.entries().iter().any(|entry| entry.password().is_some()) {
        check(&metadata, path)?;
    }
    Ok(netrc)
}

#[cfg(unix)]
fn check(metadata: &Metadata, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let path = path.display();
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let message = format!("{path} holds passwords and belongs to another user: make it your own");
        return Err(unusable(AuthErrorReason::File, message));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        let message = format!("{path} holds passwords and has mode {mode:04o}: make that 0600");
        return Err(unusable(AuthErrorReason::File, message));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(_: &Metadata, _: &Path) -> Result<(), Error> {
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    unusable(AuthErrorReason::File, format!("{} cannot be read: {error}", path.display()))
}
