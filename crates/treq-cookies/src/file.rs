use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::SystemTime;

use treq_core::{Error, Kind};
use treq_file::{Access, Replacement};

use crate::{Jar, SessionCookies};

impl Jar {
    /// Writes the file at `path` as [`save_json`](Jar::save_json) does. It is replaced at once and whole, so that nobody
    /// ever reads a part of it; one that is new on Unix only its owner can read.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use treq_cookies::{Jar, SessionCookies};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("cookies.json");
    /// let (jar, now) = (Jar::new(), SystemTime::now());
    /// jar.set_cookie(b"sid=7f; Max-Age=3600", &"https://example.com/".parse()?, now);
    /// jar.save_file(&path, SessionCookies::Skip, now)?;
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
    pub fn save_file(&self, path: impl AsRef<Path>, session: SessionCookies, now: SystemTime) -> io::Result<()> {
        let mut writer = BufWriter::new(Replacement::create(path.as_ref(), Access::Private)?);
        self.save_json(&mut writer, session, now)?;
        writer.into_inner()?.commit()
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
