//! Downloads that go on where they were cut.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::future::{Future, IntoFuture};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Body as _;
use treq_core::{Body, Error, Kind};
use treq_decode::Decoding;

use crate::request::Pending;
use crate::save::{OnProgress, blocking};
use crate::{RequestBuilder, Response};

impl RequestBuilder {
    /// Sends the request and writes the body of its answer to a file, which is there whole or not at all. A status of 400 or
    /// above is an error, and nothing is written.
    ///
    /// Until then the bytes stand in a file beside it. With [`resume`](Download::resume) that has `.part` behind the name and
    /// stays there when the body is cut or the future dropped, and the next download of the same URL goes on from it.
    ///
    /// # Errors
    ///
    /// Those of [`send`](RequestBuilder::send) and [`Response::save`], and [`Kind::Body`] where something else has written to
    /// that file meanwhile: it is then written anew the next time.
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
    pub fn download(self, path: impl AsRef<Path>) -> Download {
        Download { request: self, path: path.as_ref().to_owned(), resume: false, told: None }
    }
}

/// A download; awaiting it sends and writes.
#[must_use = "nothing is sent until it is awaited"]
pub struct Download {
    request: RequestBuilder,
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

impl Download {
    /// Whether it goes on from what an earlier download of this URL has left, by a range request
    /// ([RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14)). Off unless set.
    ///
    /// What is there is used only where the server says that it still has the same: by a strong `ETag`, or a
    /// `Last-Modified` that is old enough to be one. Else the file is written anew. Contents are asked for as they are,
    /// without a coding. It must be a GET without a body.
    pub fn resume(mut self, on: bool) -> Download {
        self.resume = on;
        self
    }

    /// Calls `told` with the bytes that the file has so far, and with how many there will be where the server said it.
    pub fn on_progress(mut self, told: impl FnMut(u64, Option<u64>) + Send + 'static) -> Download {
        self.told = Some(Box::new(told));
        self
    }

    async fn run(self) -> Result<Downloaded, Error> {
        let Download { request, path, resume, mut told } = self;
        let (client, request) = request.ready()?;
        if !resume {
            let mut response = Pending::of(&client, request).await?.error_for_status().await?;
            let mut save = response.save(path);
            if let Some(told) = told {
                save = save.on_progress(told);
            }
            return Ok(Downloaded { bytes: save.await?, resumed_at: 0 });
        }
        if request.method() != Method::GET || !request.body().is_end_stream() || request.headers().contains_key(RANGE) {
            let why = "only a GET without a body and without a Range of its own can be resumed";
            return Err(Error::new(Kind::Builder, why).with_url(request.uri()));
        }
        let files = Files::of(&path);
        let url = request.uri().to_string();
        let mut kept = files.kept(&url).await?;
        // A second time where what is kept turns out to be of no use.
        loop {
            let at = kept.as_ref().map_or(0, |kept| kept.bytes);
            let next = asking(&request, kept.as_ref());
            let mut response = Pending::of(&client, next).await?;
            match answered(&response, kept.as_ref()) {
                Answered::Anew => kept = None,
                Answered::Done => {
                    files.finish(&path).await?;
                    return Ok(Downloaded { bytes: at, resumed_at: at });
                }
                Answered::Rest(total) => {
                    let bytes = files.write(&mut response, None, at, total, &mut told).await?;
                    files.finish(&path).await?;
                    return Ok(Downloaded { bytes, resumed_at: at });
                }
                Answered::Whole => {
                    let mut response = response.error_for_status().await?;
                    let total = response.content_length();
                    let note = validator(response.headers()).map(|value| note(&url, value));
                    let bytes = files.write(&mut response, Some(note), 0, total, &mut told).await?;
                    files.finish(&path).await?;
                    return Ok(Downloaded { bytes, resumed_at: 0 });
                }
            }
        }
    }
}

/// The request for what is missing.
fn asking(request: &Request<Body>, kept: Option<&Kept>) -> Request<Body> {
    let mut next = Request::new(Body::empty());
    *next.uri_mut() = request.uri().clone();
    *next.version_mut() = request.version();
    *next.headers_mut() = request.headers().clone();
    *next.extensions_mut() = request.extensions().clone();
    // A part of a coded content cannot be added to a part of another coding of it.
    next.extensions_mut().insert(Decoding::Off);
    next.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(kept) = kept {
        let range = format!("bytes={}-", kept.bytes);
        next.headers_mut().insert(RANGE, HeaderValue::try_from(range).unwrap_or(HeaderValue::from_static("bytes=0-")));
        next.headers_mut().insert(IF_RANGE, kept.validator.clone());
    }
    next
}

/// What an answer means for what is kept.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    /// The whole, or an error.
    Whole,
    /// What is missing, and how much it is then in all.
    Rest(Option<u64>),
    /// Nothing is missing.
    Done,
    /// What is kept is of no use.
    Anew,
}

fn answered(response: &Response, kept: Option<&Kept>) -> Answered {
    let Some(kept) = kept else { return Answered::Whole };
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(content_range);
    match (response.status(), range) {
        (StatusCode::PARTIAL_CONTENT, Some((Some(start), total))) if start == kept.bytes => {
            // It must not contradict what was asked for.
            match response.headers().get(ETAG) {
                Some(tag) if kept.is_tag() && *tag != kept.validator => Answered::Anew,
                _ => Answered::Rest(total),
            }
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some((None, Some(total)))) if total == kept.bytes => Answered::Done,
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => Answered::Anew,
        _ => Answered::Whole,
    }
}

/// `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`: start and total
/// ([RFC 9110, section 14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)).
fn content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    if range == "*" {
        return Some((None, total));
    }
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
    (start <= end && total.is_none_or(|total| end < total)).then_some((Some(start), total))
}

/// What tells that a content is byte for byte the same
/// ([RFC 9110, section 8.8](https://www.rfc-editor.org/rfc/rfc9110#section-8.8)).
fn validator(headers: &HeaderMap) -> Option<&HeaderValue> {
    if let Some(tag) = headers.get(ETAG) {
        let bytes = tag.as_bytes();
        return Some(tag).filter(|_| bytes.len() > 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\""));
    }
    let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    let age = date(DATE)?.duration_since(date(LAST_MODIFIED)?).ok()?;
    // Within a second it may change without a trace; section 8.8.2.2 has a minute for clocks that differ.
    headers.get(LAST_MODIFIED).filter(|_| age.as_secs() >= 60)
}

/// What an earlier download has left.
#[derive(Debug)]
struct Kept {
    bytes: u64,
    validator: HeaderValue,
}

impl Kept {
    fn is_tag(&self) -> bool {
        self.validator.as_bytes().starts_with(b"\"")
    }
}

/// What stands in the file beside the bytes.
fn note(url: &str, validator: &HeaderValue) -> Vec<u8> {
    [url.as_bytes(), b"\n", validator.as_bytes(), b"\n"].concat()
}

/// The files beside the one that is wanted.
struct Files {
    part: PathBuf,
    /// URL and validator of what is in it.
    note: PathBuf,
}

impl Files {
    fn of(path: &Path) -> Files {
        let beside = |end: &str| {
            let mut name = OsString::from(path);
            name.push(end);
            PathBuf::from(name)
        };
        Files { part: beside(".part"), note: beside(".part.note") }
    }

    async fn kept(&self, url: &str) -> Result<Option<Kept>, Error> {
        let (part, noted, url) = (self.part.clone(), self.note.clone(), url.to_owned());
        blocking(&self.part, move || {
            let (Ok(note), Ok(part)) = (fs::read(noted), fs::metadata(part)) else { return Ok(None) };
            let rest = note.strip_prefix(url.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
            let validator = rest.and_then(|rest| HeaderValue::from_bytes(rest.strip_suffix(b"\n")?).ok());
            Ok(validator
                .filter(|_| part.is_file() && part.len() > 0)
                .map(|validator| Kept { bytes: part.len(), validator }))
        })
        .await
    }

    /// Writes the body behind the bytes that are there: all that has come, also where the rest does not. A note is for a
    /// content that begins anew.
    async fn write(
        &self,
        response: &mut Response,
        anew: Option<Option<Vec<u8>>>,
        at: u64,
        total: Option<u64>,
        told: &mut Option<OnProgress<'static>>,
    ) -> Result<u64, Error> {
        let (part, noted) = (self.part.clone(), self.note.clone());
        let mut file = blocking(&self.part, move || {
            let mut options = OpenOptions::new();
            match anew {
                Some(note) => {
                    // No note may ever stand beside bytes that it does not describe.
                    remove(&noted)?;
                    // A file of its own: whoever still writes to the old one does so unseen.
                    remove(&part)?;
                    let file = options.append(true).create_new(true).open(&part)?;
                    if let Some(note) = note {
                        private(&noted)?.write_all(&note)?;
                    }
                    Ok(file)
                }
                None => {
                    // A download that was given up may have had a piece on its way to the disk.
                    if fs::metadata(&part)?.len() > at {
                        OpenOptions::new().write(true).open(&part)?.set_len(at)?;
                    }
                    options.append(true).open(&part)
                }
            }
        })
        .await?;
        let mut bytes = at;
        loop {
            let batch = response.batch().await;
            bytes += batch.bytes;
            file = blocking(&self.part, move || {
                batch.pieces.iter().try_for_each(|piece| file.write_all(piece))?;
                Ok(file)
            })
            .await?;
            if let Some(told) = told {
                told(bytes, total);
            }
            batch.outcome?;
            if batch.ended {
                break;
            }
        }
        let (part, noted, written) = (self.part.clone(), self.note.clone(), bytes);
        let there = blocking(&self.part, move || {
            // By its name: another download may have put a file of its own there.
            let there = fs::metadata(part)?.len();
            if there != written {
                remove(&noted)?;
            }
            Ok(there)
        })
        .await?;
        let part = self.part.display();
        let why = match total {
            _ if there != bytes => format!("{part} has {there} bytes, not {bytes}: something else writes to it too"),
            Some(total) if total != bytes => format!("{part} has {bytes} bytes, where the server announced {total}"),
            _ => return Ok(bytes),
        };
        Err(Error::new(Kind::Body, why).with_url(response.url()))
    }

    async fn finish(&self, path: &Path) -> Result<(), Error> {
        let (part, noted, path) = (self.part.clone(), self.note.clone(), path.to_owned());
        blocking(&self.part, move || {
            fs::rename(part, path)?;
            remove(&noted)
        })
        .await
    }
}

/// A URL may hold secrets.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create(true).truncate(true).open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl IntoFuture for Download {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("request", &self.request).field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_make_no_sense_are_none() {
        for (text, want) in [
            ("bytes 5-9/10", Some((Some(5), Some(10)))),
            ("bytes 5-9/*", Some((Some(5), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes=5-9/10", None),
            ("items 5-9/10", None),
            ("bytes 5-9", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), want, "{text}");
        }
    }

    #[test]
    fn only_what_is_strong_validates() {
        let of = |fields: &[(&'static str, &'static str)]| {
            let field = |&(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value));
            let headers: HeaderMap = fields.iter().map(field).collect();
            validator(&headers).map(|value| value.to_str().unwrap().to_owned())
        };
        let (old, late) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:36 GMT");
        assert_eq!(of(&[("etag", "\"a\"")]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\""), ("last-modified", old), ("date", "Mon, 07 Nov 1994 08:49:37 GMT")]), None);
        assert_eq!(of(&[("last-modified", old), ("date", "Mon, 07 Nov 1994 08:49:37 GMT")]).as_deref(), Some(old));
        assert_eq!(of(&[("last-modified", old), ("date", late)]), None);
        assert_eq!(of(&[("last-modified", old)]), None);
    }
}
