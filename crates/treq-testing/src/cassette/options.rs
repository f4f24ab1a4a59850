use std::fs;
use std::io;
use std::path::Path;

use treq_core::{Error, Kind};

use super::shared::Shared;
use super::{Cassette, Masks, Matching, Mode, har};

/// How a [`Cassette`] is to be.
#[derive(Clone, Debug)]
pub struct CassetteOptions {
    pub(super) mode: Mode,
    pub(super) matching: Matching,
    pub(super) masks: Masks,
    pub(super) repeat: bool,
    pub(super) max_body: usize,
}

impl CassetteOptions {
    /// The defaults: [`Mode::Once`], [`Matching::strict`], [`Masks::new`], each entry once, bodies of up to 10 MiB.
    pub fn new() -> CassetteOptions {
        CassetteOptions {
            mode: Mode::default(),
            matching: Matching::default(),
            masks: Masks::default(),
            repeat: false,
            max_body: 10 * 1024 * 1024,
        }
    }

    /// When it records.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> CassetteOptions {
        self.mode = mode;
        self
    }

    /// Which entry answers a request.
    #[must_use]
    pub fn matching(mut self, matching: Matching) -> CassetteOptions {
        self.matching = matching;
        self
    }

    /// What is kept out of the file.
    #[must_use]
    pub fn masks(mut self, masks: Masks) -> CassetteOptions {
        self.masks = masks;
        self
    }

    /// Plays an entry again once all that match have been played.
    #[must_use]
    pub fn repeat(mut self, repeat: bool) -> CassetteOptions {
        self.repeat = repeat;
        self
    }

    /// The largest body that is recorded, in bytes, of requests and of answers. A larger one passes, but its exchange is
    /// not kept, and [`Cassette::finish`] says so.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> CassetteOptions {
        self.max_body = bytes;
        self
    }

    /// The cassette of this file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no archive: the message names the place in it. In [`Mode::Replay`] also where
    /// there is none.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Cassette, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        // What is replaced is not read: of a FIFO, or a device, that might not end.
        let text = match (self.mode, (self.mode != Mode::Always).then(|| fs::read_to_string(path))) {
            (_, None) => None,
            (_, Some(Ok(text))) => Some(text),
            (Mode::Once | Mode::New, Some(Err(error))) if error.kind() == io::ErrorKind::NotFound => None,
            (_, Some(Err(error))) => {
                let what = if error.kind() == io::ErrorKind::NotFound {
                    format!("there is no cassette {name}: Mode::Once or Mode::Always records one")
                } else {
                    format!("the cassette {name} cannot be read")
                };
                return Err(Error::new(Kind::Other, what).with_source(error));
            }
        };
        let entries = text.as_deref().map(har::read).transpose();
        let entries = entries.map_err(|why| wrong(&name, &format!("{why}; delete the file to record it anew")))?;
        Ok(Cassette::of(Shared::new(name, Some(path.to_owned()), self, entries)))
    }

    /// A cassette of an archive's text, which plays; it has no file, and never records.
    ///
    /// # Errors
    ///
    /// If the text is no archive: the message names the place in it.
    pub fn parse(mut self, har: &str) -> Result<Cassette, Error> {
        let name = "in memory".to_owned();
        self.mode = Mode::Replay;
        let entries = har::read(har).map_err(|why| wrong(&name, &why))?;
        Ok(Cassette::of(Shared::new(name, None, self, Some(entries))))
    }
}

impl Default for CassetteOptions {
    fn default() -> CassetteOptions {
        CassetteOptions::new()
    }
}

fn wrong(name: &str, why: &str) -> Error {
    Error::new(Kind::Other, format!("the cassette {name} is no HTTP Archive 1.2: {why}"))
}
