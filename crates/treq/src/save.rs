use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use treq_core::{Body, Error, Kind};
use treq_file::{Access, Replacement};

use crate::response::{Read, Response};

/// How much is gathered for one trip to the blocking threads, and in how many pieces at most: other tasks have their turn between.
const BATCH: usize = 256 * 1024;
const PIECES: usize = 1024;

/// Pieces that are smaller are copied to one another: each may hold a buffer that is many times as large.
const SMALL: usize = 4096;

/// Told how many bytes there are so far, and how many there will be where that is known.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(u64, Option<u64>) + Send + 'a>;

impl Response {
    /// Writes the rest of the body to a file, which is there whole or not at all: the bytes go to a temporary file in the same
    /// folder, which takes the name at the end and replaces a file that has it, whose mode it keeps. Symbolic links are
    /// followed, and devices and FIFOs written to. Awaited, it returns how many bytes were written.
    ///
    /// It writes the body of any response, whatever its status: check [`status`](Response::status), or use
    /// [`error_for_status`](Response::error_for_status). [`RequestBuilder::download`](crate::RequestBuilder::download) takes nothing
    /// but the content, and goes on where an earlier attempt was cut.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut, was read to its end before, or the file cannot be written, naming it. What was
    /// taken of the body then is lost, and further reading fails, unless [`content`](Response::content) has kept all of it.
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
        save(response, &path, None, &mut told).await
    }
}

/// Writes the body to a file, which must then have this length, if there is one.
pub(crate) async fn save(
    response: &mut Response,
    path: &Path,
    expected: Option<u64>,
    told: &mut Option<OnProgress<'_>>,
) -> Result<u64, Error> {
    // What `content` has kept stays with it.
    let mut copy = match &response.read {
        Read::Whole(bytes) => Some(Response::from(http::Response::new(Body::from(bytes.clone())))),
        Read::Passed => {
            let why = "the body has been read to its end already: `content` keeps it for a later `save`";
            return Err(Error::new(Kind::Body, why).with_url(response.url()));
        }
        _ => None,
    };
    let target = path.to_owned();
    let file = blocking(path, move || Replacement::create(&target, Access::Ordinary)).await?;
    let total = response.content_length();
    let mut guard = SaveGuard::new(copy.as_mut().unwrap_or(response));
    let (file, written) = pour(&mut guard, path, file, 0, total, told).await?;
    if let Some(expected) = expected.filter(|expected| *expected != written) {
        let why = format!("the response has {written} bytes, where its Content-Range says {expected}");
        return Err(Error::new(Kind::Body, why).with_url(guard.response.url()));
    }
    blocking(path, move || file.commit()).await?;
    guard.done();
    Ok(written)
}

/// A body on its way into a file. If it gets there in part only, by an error, a panic or a drop, nobody has the rest without
/// that part.
pub(crate) struct SaveGuard<'a> {
    response: &'a mut Response,
    taken: bool,
}

impl<'a> SaveGuard<'a> {
    pub(crate) fn new(response: &'a mut Response) -> SaveGuard<'a> {
        SaveGuard { response, taken: false }
    }

    /// The file is where it belongs.
    fn done(mut self) {
        self.taken = false;
    }
}

impl Drop for SaveGuard<'_> {
    fn drop(&mut self) {
        if self.taken && !matches!(self.response.read, Read::Broken(_)) {
            self.response.give_up();
            self.response.read = Read::Broken(None);
        }
    }
}

/// Writes the body after the `at` bytes that are there, as it comes: also what comes before an error. Returns how many bytes there
/// are then.
pub(crate) async fn pour<W: Write + Send + 'static>(
    guard: &mut SaveGuard<'_>,
    path: &Path,
    mut file: W,
    at: u64,
    total: Option<u64>,
    told: &mut Option<OnProgress<'_>>,
) -> Result<(W, u64), Error> {
    let mut written = at;
    loop {
        let batch = guard.response.batch().await;
        if !batch.pieces.is_empty() {
            guard.taken = true;
            written += batch.bytes;
            let writing = blocking(path, move || {
                batch.pieces.iter().try_for_each(|piece| file.write_all(piece))?;
                Ok(file)
            });
            file = match writing.await {
                Ok(file) => file,
                Err(error) => return Err(guard.response.fail(error)),
            };
            if let Some(told) = told {
                told(written, total);
            }
        }
        batch.outcome?;
        if batch.ended {
            if let Some(told) = told.as_mut().filter(|_| written == at) {
                // Of nothing, too, it is said that it is over.
                told(written, total);
            }
            return Ok((file, written));
        }
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
struct Batch {
    pieces: Vec<Bytes>,
    bytes: u64,
    ended: bool,
    /// What came after the pieces.
    outcome: Result<(), Error>,
}

impl Response {
    /// Waits for a piece, and takes those that are there already: a slow line is written as it comes.
    async fn batch(&mut self) -> Batch {
        let mut batch = Batch { pieces: Vec::new(), bytes: 0, ended: false, outcome: Ok(()) };
        let (mut small, mut taken) = (BytesMut::new(), 0);
        while batch.bytes < BATCH as u64 && taken < PIECES {
            let mut next = Box::pin(self.chunk());
            let wait = batch.bytes == 0;
            let piece = poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Pending if !wait => Poll::Ready(None),
                polled => polled.map(Some),
            });
            match piece.await {
                None => break,
                Some(Ok(Some(piece))) => {
                    batch.bytes += piece.len() as u64;
                    taken += 1;
                    if piece.len() < SMALL {
                        small.extend_from_slice(&piece);
                    } else {
                        batch.pieces.extend(Some(small.split().freeze()).filter(|small| !small.is_empty()));
                        batch.pieces.push(piece);
                    }
                }
                Some(Ok(None)) => {
                    batch.ended = true;
                    break;
                }
                Some(Err(error)) => {
                    batch.outcome = Err(error);
                    break;
                }
            }
        }
        batch.pieces.extend(Some(small.freeze()).filter(|small| !small.is_empty()));
        batch
    }
}

/// Work on a file that may wait for a disk.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let failed = |error: io::Error| {
        let named = path.display();
        // What the system says of itself needs the name of the file; what this crate's files say has it, and says all.
        let why = match error.get_ref() {
            Some(own) => format!("{named} cannot be written: {own}"),
            None => format!("{named} cannot be written"),
        };
        Error::new(Kind::Body, why).with_source(error)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(lost) => Err(failed(io::Error::other(lost))),
    }
}
