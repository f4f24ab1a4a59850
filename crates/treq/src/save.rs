use std::fmt;
use std::fs::File;
use std::future::{Future, IntoFuture};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use tempfile::NamedTempFile;
use treq_core::{Error, Kind};

use crate::Response;

/// How much is gathered for one trip to the blocking threads.
const BATCH: usize = 256 * 1024;

/// Told how many bytes there are so far, and how many there will be where that is known.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(u64, Option<u64>) + Send + 'a>;

impl Response {
    /// Writes the rest of the body to a file, which is there whole or not at all: the bytes go to a temporary file in the same
    /// folder, which takes the name at the end and replaces a file that has it. Awaited, it returns how many bytes were written.
    ///
    /// [`RequestBuilder::download`](crate::RequestBuilder::download) goes on where an earlier attempt was cut.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut or the file cannot be written, naming it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = treq_httpbin::Server::start().await?;
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("page.html");
    /// let mut seen = 0;
    /// let mut response = treq::get(server.url("/html")).await?;
    /// let bytes = response.save(&path).on_progress(|bytes, _total| seen = bytes).await?;
    /// assert_eq!((std::fs::metadata(&path)?.len(), seen), (bytes, bytes));
    /// # Ok(()) }
    /// ```
    pub fn save(&mut self, path: impl AsRef<Path>) -> Save<'_> {
        Save { response: self, path: path.as_ref().to_owned(), told: None }
    }
}

/// A body on its way into a file; awaiting it writes.
#[must_use = "nothing is written until it is awaited"]
pub struct Save<'a> {
    response: &'a mut Response,
    path: PathBuf,
    told: Option<OnProgress<'a>>,
}

impl<'a> Save<'a> {
    /// Calls `told` with the bytes so far, each time some were written, and with how many there will be where the server
    /// said it.
    pub fn on_progress(mut self, told: impl FnMut(u64, Option<u64>) + Send + 'a) -> Save<'a> {
        self.told = Some(Box::new(told));
        self
    }

    async fn run(self) -> Result<u64, Error> {
        let Save { response, path, mut told } = self;
        let folder = folder(&path).to_owned();
        let mut file = blocking(&path, move || NamedTempFile::new_in(folder)).await?;
        let total = response.content_length();
        let mut written = 0;
        loop {
            let batch = response.batch().await;
            batch.outcome?;
            written += batch.bytes;
            file = blocking(&path, move || {
                batch.pieces.iter().try_for_each(|piece| file.write_all(piece))?;
                Ok(file)
            })
            .await?;
            if let Some(told) = &mut told {
                told(written, total);
            }
            if batch.ended {
                break;
            }
        }
        let target = path.clone();
        blocking(&path, move || {
            #[cfg(unix)]
            permit(file.as_file())?;
            file.persist(target).map_err(|error| error.error)
        })
        .await?;
        Ok(written)
    }
}

impl<'a> IntoFuture for Save<'a> {
    type Output = Result<u64, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Pieces that are written at once.
pub(crate) struct Batch {
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) bytes: u64,
    pub(crate) ended: bool,
    /// What came after the pieces.
    pub(crate) outcome: Result<(), Error>,
}

impl Response {
    pub(crate) async fn batch(&mut self) -> Batch {
        let mut batch = Batch { pieces: Vec::new(), bytes: 0, ended: false, outcome: Ok(()) };
        while batch.bytes < BATCH as u64 {
            match self.chunk().await {
                Ok(Some(piece)) => {
                    batch.bytes += piece.len() as u64;
                    batch.pieces.push(piece);
                }
                Ok(None) => {
                    batch.ended = true;
                    break;
                }
                Err(error) => {
                    batch.outcome = Err(error);
                    break;
                }
            }
        }
        batch
    }
}

/// The folder that a file stands in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are for their owner only; what is saved is an ordinary file.
#[cfg(unix)]
fn permit(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// Work on a file that may wait for a disk.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let failed = |error| Error::new(Kind::Body, format!("{} cannot be written", path.display())).with_source(error);
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(lost) => Err(failed(io::Error::other(lost))),
    }
}
