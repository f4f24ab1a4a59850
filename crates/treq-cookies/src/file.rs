use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::SystemTime;

use treq_core::{Error, Kind};
use treq_file::{Access, Replacement};

use crate::{Jar, SessionCookies};

impl Jar {
    /// Writes the file at `path` as [`save_json`](Jar::save_json) does. It is replaced whole, so that no reader ever sees a
    /// part of it. On Unix a new file can be read by its owner alone.
    ///
    /// ```
    /// use treq_cookies::{Jar, SessionCookies};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("cookies.json");
    /// let jar = Jar::new();
    /// jar.set_cookie(b"sid=7f; Max-Age=3600", &"https://example.com/".parse()?);
    /// jar.save_file(&path, SessionCookies::Skip)?;
    ///
    /// let later = Jar::new();
    /// assert_eq!(later.load_file(&path)?, 1);
    /// assert!(later.get("sid")?.unwrap().host_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Kind::Other`] if the file cannot be written, with the path and the [`io::Error`] as its cause. An earlier file is
    /// then unchanged.
    pub fn save_file(&self, path: impl AsRef<Path>, session: SessionCookies) -> Result<(), Error> {
        self.save_file_at(path, session, SystemTime::now())
    }

    /// As [`save_file`](Jar::save_file), without the cookies that have expired by the time `now`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_file_at(&self, path: impl AsRef<Path>, session: SessionCookies, now: SystemTime) -> Result<(), Error> {
        let path = path.as_ref();
        let failed =
            |error| Error::new(Kind::Other, format!("the cookies could not be saved in {path:?}")).with_source(error);
        self.replace(path, session, now).map_err(failed)
    }

    fn replace(&self, path: &Path, session: SessionCookies, now: SystemTime) -> io::Result<()> {
        let mut writer = BufWriter::new(Replacement::create(path, Access::Private)?);
        self.write_json(&mut writer, session, now)?;
        writer.into_inner()?.commit()
    }

    /// Puts in the cookies of the file at `path`, as [`load_json`](Jar::load_json) does. Returns how many were put in.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`] with the path. Its cause is the [`io::Error`] of a file that cannot be opened, or the error of
    /// [`load_json`](Jar::load_json). The jar is then unchanged.
    pub fn load_file(&self, path: impl AsRef<Path>) -> Result<usize, Error> {
        self.load_file_at(path, SystemTime::now())
    }

    /// As [`load_file`](Jar::load_file), without the cookies that have expired by the time `now`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load_file_at(&self, path: impl AsRef<Path>, now: SystemTime) -> Result<usize, Error> {
        let path = path.as_ref();
        let failed = || Error::new(Kind::Builder, format!("the cookies could not be loaded from {path:?}"));
        let file = File::open(path).map_err(|error| failed().with_source(error))?;
        self.load_json_at(file, now).map_err(|error| failed().with_source(error))
    }
}
