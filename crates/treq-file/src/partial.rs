use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::access::Access;
use crate::destination::{Destination, Target};
use crate::names::{MAX_NOTE, beside, identity, is_at, lock, open, read, remove, write_new};

/// The time to wait for another attempt's lock: one that was given up may have a piece on its way to the disk.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// A file that may be cut and continued later. See the [crate's page](crate).
///
/// The bytes are in `NAME-NUMBER.part` next to the file that they are to become, the note in `NAME-NUMBER.part.note`, which its
/// owner alone can read. The number, of 16 hexadecimal digits, is always the same for a name: so no other file is called that by
/// chance. A name that would be too long is shortened.
pub struct Partial {
    target: Target,
    part: PathBuf,
    noted: PathBuf,
    /// `None` once it has been committed.
    file: Option<File>,
    len: u64,
    /// Something has been written since it was opened or begun again.
    written: bool,
    note: Option<Vec<u8>>,
}

impl Partial {
    /// Opens the partial file that an earlier attempt has left for `path`, or begins one. Returns `None` if `path` leads to
    /// something other than a regular file, which cannot be continued.
    ///
    /// # Errors
    ///
    /// Those of [`Replacement::create`](crate::Replacement::create); [`io::ErrorKind::WouldBlock`] if another attempt has it open
    /// for 2 s more; and [`io::ErrorKind::InvalidInput`] if something other than a regular file has the partial file's name: it is
    /// neither followed nor written to.
    pub fn open(path: &Path) -> io::Result<Option<Partial>> {
        let target = match Destination::of(path)? {
            Destination::File(target) => target,
            Destination::Special(_) => return Ok(None),
        };
        let (part, noted) = (beside(&target.path, ".part"), beside(&target.path, ".part.note"));
        let until = Instant::now() + LOCK_WAIT;
        let file = loop {
            let file = open(&part).map_err(|error| named(&part, error))?;
            if lock(&file)? && is_at(&file, &part) {
                break file;
            }
            if Instant::now() >= until {
                let why = format!(
                    "{} is in use: another download writes to it; wait for it, or choose another path",
                    part.display()
                );
                return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        target.cover(&file).map_err(|error| named(&part, error))?;
        let len = file.metadata()?.len();
        let note = if len > 0 { read(&noted, &identity(&file)?)? } else { None };
        Ok(Some(Partial { target, part, noted, file: Some(file), len, written: false, note }))
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns true if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The note that was left with the bytes, if there are any.
    pub fn note(&self) -> Option<&[u8]> {
        self.note.as_deref()
    }

    /// The path of the bytes.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Drops all bytes, and saves a note on those that follow; without a note no later attempt continues them. A note of more
    /// than 256 KiB is not saved.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`io::ErrorKind::InvalidData`] if another file has taken the name of this one.
    pub fn restart(&mut self, note: Option<&[u8]>) -> io::Result<()> {
        // Before any byte is written that could not be committed.
        self.keeps_its_name()?;
        // No note may ever be next to bytes that it does not describe.
        remove(&self.noted)?;
        self.note = None;
        self.file()?.set_len(0)?;
        self.file()?.rewind()?;
        (self.len, self.written) = (0, false);
        if let Some(note) = note.filter(|note| note.len() <= MAX_NOTE) {
            self.write_note(note)?;
            self.note = Some(note.to_vec());
        }
        Ok(())
    }

    /// Cuts off bytes that something else has appended since it was opened, before any are written.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`io::ErrorKind::InvalidData`] if another file has taken its name, or if bytes have been
    /// written: nobody knows which of them are in their places.
    pub fn trim(&mut self) -> io::Result<()> {
        self.keeps_its_name()?;
        let (len, written) = (self.len, self.written);
        let file = self.file()?;
        match file.metadata()?.len() {
            there if there > len && written => Err(mixed(&self.part, there, len)),
            there if there > len => file.set_len(len),
            _ => Ok(()),
        }
    }

    /// Puts the file in its place, once its bytes are on the disk.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`io::ErrorKind::InvalidData`] if something else has written to the file meanwhile: the note
    /// is dropped then, so that no later attempt continues it. The same if another file has taken its name: that one stays as it
    /// is.
    pub fn commit(mut self) -> io::Result<()> {
        self.place().inspect_err(|_| {
            // What went wrong first is what there is to tell; a later attempt goes on with what is there.
            let _ = self.file.as_ref().map(|file| self.target.now().cover(file));
            if self.keeps_its_name().is_ok() && self.is_its_own().is_ok() {
                let _ = self.note.as_ref().map(|note| self.write_note(note));
            }
        })?;
        self.file = None;
        self.target.sync_folder();
        Ok(())
    }

    fn place(&self) -> io::Result<()> {
        let file = self.file.as_ref().ok_or_else(over)?;
        file.sync_all()?;
        // Before the name is free: then the next may begin, and leave a note of its own.
        self.forget()?;
        // Right before the name is used, since the sync may take its time; and the mode last, with which an attempt that is
        // ended here could not be continued.
        self.is_its_own()?;
        self.keeps_its_name()?;
        self.target.now().dress(file, Access::Ordinary)?;
        fs::rename(&self.part, &self.target.path)?;
        // The mode. The bytes are there whatever becomes of this.
        let _ = file.sync_all();
        // What is renamed is what has the name then: if that was taken between the two calls, say so.
        if is_at(file, &self.target.path) { Ok(()) } else { Err(taken(&self.target.path)) }
    }

    /// Removes the bytes and the note.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn discard(mut self) -> io::Result<()> {
        self.forget()?;
        if self.keeps_its_name().is_ok() {
            self.file()?.set_len(0)?;
        }
        // Nothing of it is wanted, whatever has become of it.
        self.len = 0;
        Ok(())
    }

    /// Fails if something else has written to the file.
    fn is_its_own(&self) -> io::Result<()> {
        let there = self.file.as_ref().ok_or_else(over)?.metadata()?.len();
        if there == self.len { Ok(()) } else { Err(mixed(&self.part, there, self.len)) }
    }

    /// Fails if another file has the name by now.
    fn keeps_its_name(&self) -> io::Result<()> {
        let file = self.file.as_ref().ok_or_else(over)?;
        if is_at(file, &self.part) { Ok(()) } else { Err(taken(&self.part)) }
    }

    /// Removes the note, unless it is next to another file that has taken the name, and is on that one.
    fn forget(&self) -> io::Result<()> {
        let file = self.file.as_ref().ok_or_else(over)?;
        if is_at(file, &self.part) || read(&self.noted, &identity(file)?)?.is_some() {
            remove(&self.noted)?;
        }
        Ok(())
    }

    /// Saves the note, and with it the file that it describes.
    fn write_note(&self, note: &[u8]) -> io::Result<()> {
        let file = self.file.as_ref().ok_or_else(over)?;
        let written = write_new(&self.noted, &[identity(file)?.as_bytes(), note].concat());
        // The beginning of one says something else.
        written.inspect_err(|_| drop(self.forget()))
    }

    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(over)
    }
}

impl fmt::Debug for Partial {
    /// Without the note, which may have a secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial").field("path", &self.part).field("len", &self.len).finish_non_exhaustive()
    }
}

fn taken(path: &Path) -> io::Error {
    let path = path.display();
    invalid(format!("{path} is not the file that was written: something else has moved or replaced it"))
}

fn mixed(part: &Path, there: u64, len: u64) -> io::Error {
    let part = part.display();
    invalid(format!("{part} has {there} bytes, not {len}: something else writes to it too"))
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The error with the path, unless it has it already.
fn named(path: &Path, error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => io::Error::new(error.kind(), format!("{} cannot be used: {error}", path.display())),
        None => error,
    }
}

fn over() -> io::Error {
    io::Error::other("the file is in its place already")
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file()?.write(bytes)?;
        self.len += written as u64;
        self.written = true;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Drop for Partial {
    /// Removes the file of an attempt that wrote nothing, unless another has taken its name.
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        // Another may have written to it.
        if self.len > 0 || !file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return;
        }
        let _ = self.forget();
        if is_at(file, &self.part) {
            let _ = remove(&self.part);
        }
    }
}
