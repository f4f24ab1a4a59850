use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use treq_core::{Error, Kind};

use crate::{Jar, Session};

impl Jar {
    /// Writes the file at `path` as [`save_json`](Jar::save_json) does. It is replaced at once and whole, so that nobody
    /// ever reads a part of it; on Unix only its owner can read it.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use treq_cookies::{Jar, Session};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("cookies.json");
    /// let (jar, now) = (Jar::new(), SystemTime::now());
    /// jar.set_cookie(b"sid=7f; Max-Age=3600", &"https://example.com/".parse()?, now);
    /// jar.save_file(&path, Session::Skip, now)?;
    ///
    /// let later = Jar::new();
    /// assert_eq!(later.load_file(&path, now)?, 1);
    /// assert!(later.get("sid")?.unwrap().host_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the file system; the file that was there is then unchanged.
    pub fn save_file(&self, path: impl AsRef<Path>, session: Session, now: SystemTime) -> io::Result<()> {
        let path = path.as_ref();
        let (file, beside) = create_beside(path)?;
        let written = self.write_to(file, session, now).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // The error at hand says more than one of this.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn write_to(&self, file: File, session: Session, now: SystemTime) -> io::Result<()> {
        let mut writer = BufWriter::new(file);
        self.save_json(&mut writer, session, now)?;
        writer.flush()?;
        writer.get_ref().sync_all()
    }

    /// Puts in what stands in the file at `path`, as [`load_json`](Jar::load_json) does.
    ///
    /// # Errors
    ///
    /// As there; and [`Kind::Builder`] with the cause for a file that cannot be opened.
    pub fn load_file(&self, path: impl AsRef<Path>, now: SystemTime) -> Result<usize, Error> {
        let path = path.as_ref();
        let file = File::open(path)
            .map_err(|error| Error::new(Kind::Builder, format!("{path:?} could not be opened")).with_source(error))?;
        self.load_json(file, now)
    }
}

/// A new file in the folder of `path`, from where it can be renamed in one step.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut number = 0_u32;
    loop {
        let mut beside = name.to_owned();
        beside.push(format!(".{}-{}.new", std::process::id(), number));
        let beside = path.with_file_name(beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&beside) {
            // Another thread's, or left by a process that had the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            outcome => return outcome.map(|file| (file, beside)),
        }
    }
}
