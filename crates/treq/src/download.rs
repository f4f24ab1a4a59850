//! Downloads that go on where they were cut.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use http::header::{CONTENT_RANGE, HeaderValue, RANGE};
use http::{Method, Request, StatusCode};
use http_body::Body as _;
use tokio::time::Instant;
use treq_core::options::{Decoding, TotalTimeout};
use treq_core::{Body, Error, Kind};
use treq_file::Partial;

use crate::client::Client;
use crate::request::{Async, RequestBuilder, ResponseFuture};
use crate::response::Response;
use crate::resume::{self, Action, Kept};
use crate::save::{OnProgress, SaveGuard, blocking, pour, save};

impl<M> RequestBuilder<M> {
    /// Sends the request and writes the body of its response to a file, which is there whole or not at all, as
    /// [`Response::save`] does. Any status but 200, or 206 with a part of the `Range` that was asked for, is an error, and nothing
    /// is written; so is a HEAD request, whose response has no content.
    ///
    /// Until then the bytes are in a file next to it. With [`resume`](Download::resume) that has a number and `.part` after the name and
    /// stays there when the body is cut or the future dropped, and the next download of the same URL goes on from it. It is
    /// locked meanwhile: of two such downloads to one path the second waits for 2 s and then fails.
    ///
    /// # Errors
    ///
    /// Those of [`send`](RequestBuilder::send) and [`Response::save`]; [`Kind::Builder`] for HEAD, CONNECT, and what cannot be
    /// resumed; [`Kind::Status`] for a response that is not the content;
    /// and [`Kind::Body`] where another download, or something else, writes to the same partial file.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = treq_httpbin::Server::start().await?;
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("range");
    /// let done = treq::get(server.url("/range/1024")).download(&path).resume(true).await?;
    /// assert_eq!((done.bytes, done.resumed_at, std::fs::metadata(&path)?.len()), (1024, 0, 1024));
    /// # Ok(()) }
    /// ```
    pub fn download(self, path: impl AsRef<Path>) -> Download<M> {
        Download { request: self, path: path.as_ref().to_owned(), resume: false, told: None }
    }
}

/// A download; awaiting it sends and writes, or `send` in `treq::blocking`.
#[must_use = "nothing is sent until it is awaited or sent"]
pub struct Download<M = Async> {
    pub(crate) request: RequestBuilder<M>,
    path: PathBuf,
    resume: bool,
    told: Option<OnProgress<'static>>,
}

/// What a [`Download`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// How large the file is.
    pub bytes: u64,
    /// How much of it was there before; 0 where it was written from its beginning.
    pub resumed_at: u64,
}

impl<M> Download<M> {
    /// Whether it goes on from what an earlier download of this URL has left, by a range request
    /// ([RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14)). Off unless set.
    ///
    /// What is there is used only if the server says that it still has the same: by a strong `ETag`, or, without any `ETag`, by a
    /// `Last-Modified` at least a minute older than `Date`
    /// ([RFC 9110, section 13.1.5](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5)). Otherwise, as with a weak `ETag`, the
    /// file is written anew. Contents are asked for as they are,
    /// without a coding; of a server that codes them all the same the whole is fetched, and nothing kept of it. It must be a GET
    /// without a body.
    pub fn resume(mut self, on: bool) -> Download<M> {
        self.resume = on;
        self
    }

    /// Calls `told` with the bytes that the file has so far, and with how many there will be where the server said it.
    pub fn on_progress(mut self, told: impl FnMut(u64, Option<u64>) + Send + 'static) -> Download<M> {
        self.told = Some(Box::new(told));
        self
    }

    pub(crate) async fn run(self) -> Result<Downloaded, Error> {
        let Download { request, path, resume, mut told } = self;
        let (client, request) = request.ready()?;
        if matches!(*request.method(), Method::HEAD | Method::CONNECT) {
            let why = format!(
                "invalid method {} of a download: its response has no content; await the request itself",
                request.method()
            );
            return Err(Error::new(Kind::Builder, why).with_url(request.uri()));
        }
        if !resume {
            return whole(&client, request, &path, told).await;
        }
        if request.method() != Method::GET || !request.body().is_end_stream() || request.headers().contains_key(RANGE) {
            let why = format!(
                "invalid {} of a resumed download: it must be a GET without a body and without a Range of its own; leave `resume` out",
                request.method()
            );
            return Err(Error::new(Kind::Builder, why).with_url(request.uri()));
        }
        let opened = path.clone();
        let Some(part) = blocking(&path, move || Partial::open(&opened)).await? else {
            // Nothing is kept of what goes to a device.
            return whole(&client, request, &path, told).await;
        };
        let url = request.uri().to_string();
        let mut part = Part { file: part, ends: None };
        let mut kept = part.file.note().and_then(|note| Kept::of(&url, note, part.file.len()));
        let mut resumed_at = None;
        // All requests share the time that one may take.
        let total_timeout =
            request.extensions().get::<TotalTimeout>().map_or(client.total_timeout(), |total| total.limit());
        let begun = Instant::now();
        // A second time if what is kept turns out to be of no use, or if a part was not the last one.
        for count in 0..MAX_REQUESTS {
            let mut next = asking(&request, kept.as_ref());
            if let Some(total) = total_timeout.filter(|_| count > 0) {
                next.extensions_mut().insert(TotalTimeout::new(total.saturating_sub(begun.elapsed())));
            }
            let mut response = ResponseFuture::of(&client, next).await?;
            let action = resume::decide(response.status(), response.headers(), response.url(), kept.as_ref());
            let (at, begins, total) = match action {
                Action::Write => (0, true, response.content_length()),
                Action::Append(total) => (part.file.len(), false, total),
                Action::Finish => {
                    let bytes = part.file.len();
                    if let Some(told) = &mut told {
                        told(bytes, Some(bytes));
                    }
                    blocking(&path, move || part.file.commit()).await?;
                    return Ok(Downloaded { bytes, resumed_at: resumed_at.unwrap_or(bytes) });
                }
                Action::AskAnew => {
                    kept = None;
                    continue;
                }
                Action::AskCoded => {
                    drop(response);
                    blocking(&path, move || part.file.discard()).await?;
                    let mut request = request;
                    if let Some(total) = total_timeout {
                        request.extensions_mut().insert(TotalTimeout::new(total.saturating_sub(begun.elapsed())));
                    }
                    return whole(&client, request, &path, told).await;
                }
                Action::Fail => return Err(failure(response).await),
                Action::Refuse => return Err(no_content(&response)),
            };
            if begins {
                resumed_at = None;
            }
            let resumed_at = *resumed_at.get_or_insert(at);
            let note = resume::note(&url, response.url(), response.headers()).filter(|_| begins);
            let ends = resume::end(response.headers()).filter(|_| !begins);
            let begun = blocking(&path, move || {
                part.ends = ends;
                if begins { part.file.restart(note.as_deref()) } else { part.file.trim() }?;
                Ok(part)
            })
            .await?;
            let poured = pour(&mut SaveGuard::new(&mut response), &path, begun, at, total, &mut told).await;
            let bytes;
            (part, bytes) = poured.map_err(|error| error.with_url(response.url()))?;
            if let Some(announced) = total.or(ends).filter(|announced| *announced != bytes) {
                let part = part.file.path().display();
                let why = format!("{part} has {bytes} bytes, where the server announced {announced}");
                return Err(Error::new(Kind::Body, why).with_url(response.url()));
            }
            // A server may give less than it was asked for. If it does not say how long the whole is, it has to say that this
            // was the end.
            if let (None, Some(_), Some(kept)) = (total, ends, &mut kept) {
                kept.bytes = bytes;
                continue;
            }
            blocking(&path, move || part.file.commit()).await.map_err(|error| error.with_url(response.url()))?;
            return Ok(Downloaded { bytes, resumed_at });
        }
        let why = format!(
            "the server gave {MAX_REQUESTS} parts and did not say that one was the last: download again to go on from them"
        );
        Err(Error::new(Kind::Body, why).with_url(request.uri()))
    }
}

/// The number of requests that one download makes: a server may give less than it was asked for, though not for ever.
const MAX_REQUESTS: usize = 100;

/// A partial file that takes no more bytes than a response says it has: of one that has more, nothing is kept.
struct Part {
    file: Partial,
    /// The length of the file at the end of the response, if it says so.
    ends: Option<u64>,
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.len() + bytes.len() as u64;
        if let Some(ends) = self.ends.filter(|ends| *ends < len) {
            self.file.restart(None)?;
            let why = format!("the response has bytes up to {} at least, where it says up to {}", len - 1, ends - 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Downloads all of it, in the coding that the server likes best.
async fn whole(
    client: &Client,
    request: Request<Body>,
    path: &Path,
    mut told: Option<OnProgress<'static>>,
) -> Result<Downloaded, Error> {
    let asked = request.headers().get(RANGE).cloned();
    let mut response = ResponseFuture::of(client, request).await?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::PARTIAL_CONTENT
            if asked.as_ref().is_some_and(|asked| resume::is_part_of(asked, response.headers())) => {}
        status if status.is_client_error() || status.is_server_error() => return Err(failure(response).await),
        StatusCode::PARTIAL_CONTENT => return Err(another_part(&response, asked.as_ref())),
        _ => return Err(no_content(&response)),
    }
    let expected =
        resume::length_of_part(response.headers()).filter(|_| response.status() == StatusCode::PARTIAL_CONTENT);
    Ok(Downloaded { bytes: save(&mut response, path, expected, &mut told).await?, resumed_at: 0 })
}

/// The error that a response of 400 or above is.
async fn failure(response: Response) -> Error {
    match response.error_for_status().await {
        Err(error) => error,
        Ok(response) => no_content(&response),
    }
}

/// A response that is no error and not the content that was asked for: it must not replace a file.
fn no_content(response: &Response) -> Error {
    let why = format!("the response has status {}, where the content was asked for (200)", response.status());
    Error::new(Kind::Status, why).with_url(response.url())
}

/// A part, but not of what was asked for.
fn another_part(response: &Response, asked: Option<&HeaderValue>) -> Error {
    let Some(asked) = asked else { return no_content(response) };
    let stated = response.headers().get(CONTENT_RANGE);
    let why = format!("the response has status 206 and Content-Range {stated:?}, where Range {asked:?} was asked for");
    Error::new(Kind::Status, why).with_url(response.url())
}

/// The request for what is missing.
fn asking(request: &Request<Body>, kept: Option<&Kept>) -> Request<Body> {
    let mut next = Request::new(Body::empty());
    *next.uri_mut() = request.uri().clone();
    *next.version_mut() = request.version();
    *next.headers_mut() = request.headers().clone();
    *next.extensions_mut() = request.extensions().clone();
    next.extensions_mut().insert(Decoding::new(false));
    resume::ask(next.headers_mut(), kept);
    next
}

impl IntoFuture for Download {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<M> fmt::Debug for Download<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("request", &self.request).field("path", &self.path).finish_non_exhaustive()
    }
}
