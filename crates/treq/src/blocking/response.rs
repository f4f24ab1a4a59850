//! The response of a blocking request.

use std::future::IntoFuture;
use std::io::{self, BufRead as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use treq_core::Error;

use super::Driver;
use crate::reading::ChunkOutcome;

/// A response. Its body is read by the methods here, or as an [`io::Read`] or [`io::BufRead`].
///
/// ```
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # let server = runtime.block_on(treq_httpbin::Server::start()).unwrap();
/// # let url = server.url("/stream/3");
/// use std::io::BufRead;
///
/// let response = treq::blocking::get(url).send()?.error_for_status()?;
/// for line in response.lines() {
///     assert!(line?.starts_with('{'));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Response {
    response: crate::response::Response,
    driver: Arc<Driver>,
}

impl Response {
    pub(super) fn new(response: crate::response::Response, driver: Arc<Driver>) -> Response {
        Response { response, driver }
    }
}

impl Response {
    /// The whole body; see [`treq::Response::content`](crate::Response::content).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn content(&mut self) -> Result<Bytes, Error> {
        self.driver.wait(self.response.content())
    }

    /// The whole body as text; see [`treq::Response::text`](crate::Response::text).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text(&mut self) -> Result<String, Error> {
        self.driver.wait(self.response.text())
    }

    /// The whole body as JSON; see [`treq::Response::json`](crate::Response::json).
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        self.driver.wait(self.response.json())
    }

    /// The next piece of the body; see [`treq::Response::chunk`](crate::Response::chunk).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.driver.wait(self.response.chunk())
    }

    /// The pieces of the body as they arrive; see [`treq::Response::chunk`](crate::Response::chunk).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Runtime::new().unwrap();
    /// # let server = runtime.block_on(treq_httpbin::Server::start()).unwrap();
    /// # let url = server.url("/bytes/3000");
    /// let mut bytes = 0;
    /// for piece in treq::blocking::get(url).send()?.chunks() {
    ///     bytes += piece?.len();
    /// }
    /// assert_eq!(bytes, 3000);
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn chunks(&mut self) -> Chunks<'_> {
        Chunks { response: self, failed: false }
    }

    /// The whole body as text, with what does not fit an error; see [`treq::Response::text_strict`](crate::Response::text_strict).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_strict(&mut self) -> Result<String, Error> {
        self.driver.wait(self.response.text_strict())
    }

    /// The whole body as text, by this charset if it names none; see [`treq::Response::text_with_default`](crate::Response::text_with_default).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_with_default(&mut self, charset: &str) -> Result<String, Error> {
        self.driver.wait(self.response.text_with_default(charset))
    }

    /// The whole body as text in this charset; see [`treq::Response::text_with_charset`](crate::Response::text_with_charset).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_with_charset(&mut self, charset: &str) -> Result<String, Error> {
        self.driver.wait(self.response.text_with_charset(charset))
    }

    /// The connection itself, after a 101 or a 2xx to CONNECT; see [`treq::Response::upgrade`](crate::Response::upgrade).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn upgrade(self) -> Result<Upgraded, Error> {
        let Response { response, driver } = self;
        let stream = driver.wait(response.upgrade())?;
        Ok(Upgraded { stream, driver })
    }

    /// Hands each piece of the body to `collector`; see [`treq::Response::collect`](crate::Response::collect).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn collect<R: ChunkOutcome>(&mut self, collector: impl FnMut(Bytes) -> R) -> Result<(), Error> {
        self.driver.wait(self.response.collect(collector))
    }

    /// Pieces of at most so many bytes; see [`treq::Response::chunk_size`](crate::Response::chunk_size).
    #[must_use]
    pub fn chunk_size(mut self, bytes: usize) -> Response {
        self.response = self.response.chunk_size(bytes);
        self
    }

    /// Writes the rest of the body to a file; see [`treq::Response::save`](crate::Response::save).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        self.driver.wait(self.response.save(path).into_future())
    }

    /// This response, or an error; see [`treq::Response::error_for_status`](crate::Response::error_for_status).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn error_for_status(self) -> Result<Response, Error> {
        let response = self.driver.wait(self.response.error_for_status())?;
        Ok(Response { response, driver: self.driver })
    }
}

macro_rules! known {
    ($($(#[$attribute:meta])* $name:ident -> $of:ty),+ $(,)?) => {
        impl Response {$(
            $(#[$attribute])*
            #[doc = concat!("See [`treq::Response::", stringify!($name), "`](crate::response::Response::", stringify!($name), ").")]
            pub fn $name(&self) -> $of {
                self.response.$name()
            }
        )+}
    };
}

known! {
    body_end -> Option<treq_core::BodyEnd>,
    content_disposition -> Option<crate::disposition::ContentDisposition>,
    content_length -> Option<u64>,
    content_type -> Option<crate::media_type::MediaType>,
    cookies -> Vec<treq_cookies::Cookie>,
    extensions -> &http::Extensions,
    facts -> Option<&treq_core::Facts>,
    file_name -> Option<String>,
    headers -> &http::HeaderMap,
    history -> &[treq_redirect::Hop],
    links -> Vec<crate::links::Link>,
    previous -> Option<&treq_redirect::Hop>,
    reason -> &str,
    remote_addr -> Option<std::net::SocketAddr>,
    status -> http::StatusCode,
    timings -> Option<&crate::connect::Timings>,
    url -> &http::Uri,
    version -> http::Version,
}

impl Response {
    /// See [`treq::Response::link`](crate::Response::link).
    pub fn link(&self, rel: &str) -> Option<crate::links::Link> {
        self.response.link(rel)
    }
}

/// The pieces of a body; an error is the last one.
#[derive(Debug)]
pub struct Chunks<'a> {
    response: &'a mut Response,
    failed: bool,
}

impl Iterator for Chunks<'_> {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let piece = self.response.chunk();
        self.failed = piece.is_err();
        piece.transpose()
    }
}

/// A connection that HTTP has been left on: bytes in both directions.
#[derive(Debug)]
pub struct Upgraded {
    stream: treq_agent::Upgraded,
    driver: Arc<Driver>,
}

impl io::Read for Upgraded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.driver.wait(async { Ok(self.stream.read(into).await) })?
    }
}

impl io::Write for Upgraded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.driver.wait(async { Ok(self.stream.write(bytes).await) })?
    }

    fn flush(&mut self) -> io::Result<()> {
        self.driver.wait(async { Ok(self.stream.flush().await) })?
    }
}

impl io::Read for Response {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let there = self.fill_buf()?;
        let taken = there.len().min(into.len());
        into[..taken].copy_from_slice(&there[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl io::BufRead for Response {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.driver.wait(self.response.fill())?;
        Ok(self.response.rest())
    }

    fn consume(&mut self, bytes: usize) {
        self.response.consume(bytes);
    }
}
