//! The same for code without async: scripts, build tools, threads of one's own.
//!
//! Requests are put together with the same [`RequestBuilder`](crate::RequestBuilder) and sent with
//! [`send`](RequestBuilder::send). A thread in the background drives the connections; it ends with the last client and response
//! that use it.
//!
//! ```
//! # let runtime = tokio::runtime::Runtime::new().unwrap();
//! # let server = runtime.block_on(treq_httpbin::Server::start()).unwrap();
//! # let url = server.url("/post");
//! let mut response = treq::blocking::post(url).form(&[("tea", "green")]).send()?;
//! assert_eq!(response.status(), 200);
//! assert!(response.text()?.contains("green"));
//! # Ok::<(), treq::Error>(())
//! ```
//!
//! # Errors
//!
//! Besides those of the async client: [`Kind::Other`] where this thread is inside of a tokio runtime, `spawn_blocking`
//! included. There a wait would stop the tasks beside it, or all of them; await the async client instead, or wait on a
//! `std::thread`.

use std::future::{Future, IntoFuture};
use std::io::{self, BufRead as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes};
use http::Method;
use http_body::Body as HttpBody;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Kind};

use crate::request::ResponseFuture;
use crate::{ClientPool, Collected, Data, Downloaded, IntoUrl, PoolStats};

/// A request being put together; [`send`](RequestBuilder::send) sends it.
pub type RequestBuilder = crate::RequestBuilder<Blocking>;

/// A download; [`send`](Download::send) sends and writes.
pub type Download = crate::Download<Blocking>;

/// The way of a [`RequestBuilder`] that waits for its answer.
#[derive(Clone, Debug)]
pub struct Blocking(Option<Arc<Driver>>);

/// A thread that drives connections for as long as somebody holds this.
#[derive(Debug)]
struct Driver {
    runtime: Handle,
    /// Dropped, it ends the thread.
    _until: oneshot::Sender<()>,
}

impl Driver {
    fn start() -> Result<Arc<Driver>, Error> {
        let failed =
            |error| Error::new(Kind::Other, "the thread for blocking calls cannot be started").with_source(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (until, ended) = oneshot::channel();
        let drive = move || _ = runtime.block_on(ended);
        std::thread::Builder::new().name("treq-blocking".to_owned()).spawn(drive).map_err(failed)?;
        Ok(Arc::new(Driver { runtime: handle, _until: until }))
    }

    fn wait<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        outside()?;
        self.runtime.block_on(future)
    }
}

/// Whether it is safe to wait here.
fn outside() -> Result<(), Error> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    let why = "treq::blocking was called inside of a tokio runtime, whose tasks it would stop: await treq's async client \
               there, or call it on a std::thread";
    Err(Error::new(Kind::Other, why))
}

/// A blocking client. Cloning is cheap, and clones share connections and thread.
///
/// Every request that it makes has [`send`](RequestBuilder::send). It does not dereference to
/// [`treq::Client`](crate::Client), whose requests are awaited:
///
/// ```compile_fail,E0308
/// fn awaited(client: &treq::blocking::Client) -> &treq::Client {
///     client
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    client: crate::Client,
    driver: Arc<Driver>,
}

impl Client {
    /// A client with the defaults.
    ///
    /// # Errors
    ///
    /// Where its thread cannot be started.
    pub fn new() -> Result<Client, Error> {
        Client::from_async(crate::Client::new())
    }

    /// A client to be set up, which [`build_blocking`](crate::ClientBuilder::build_blocking) makes.
    ///
    /// ```
    /// use treq::blocking;
    ///
    /// let client = blocking::Client::builder().header("user-agent", "shop/1.0").build_blocking()?;
    /// # let _ = client;
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn builder() -> crate::ClientBuilder {
        crate::Client::builder()
    }

    /// The surface of a client over any service; see [`treq::Client::from_service`](crate::Client::from_service).
    ///
    /// # Errors
    ///
    /// Where its thread cannot be started.
    pub fn from_service<S, B>(service: S) -> Result<Client, Error>
    where
        S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        Client::from_async(crate::Client::from_service(service))
    }

    /// Any client, as [`treq::Client::builder`](crate::Client::builder) makes it. One that has been used elsewhere has
    /// connections that another runtime drives: give this one its own.
    ///
    /// # Errors
    ///
    /// Where its thread cannot be started.
    ///
    /// ```
    /// use treq::blocking;
    ///
    /// let client = blocking::Client::from_async(treq::Client::new())?;
    /// # let _ = client;
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn from_async(client: crate::Client) -> Result<Client, Error> {
        Ok(Client { client, driver: Driver::start()? })
    }

    /// A request with any method.
    pub fn request<T>(&self, method: T, url: impl IntoUrl) -> RequestBuilder
    where
        T: AsRef<str> + TryInto<Method>,
        T::Error: Into<BoxError>,
    {
        let mode = Blocking(Some(Arc::clone(&self.driver)));
        RequestBuilder::new(self.client.clone(), mode, method, url)
    }

    /// A POST request whose body is sent as it is; see [`treq::blocking::upload`](upload()).
    pub fn upload(&self, url: impl IntoUrl, data: impl Data) -> RequestBuilder {
        self.post(url).upload(data)
    }

    /// The jar of this client; see [`treq::Client::jar`](crate::Client::jar).
    #[cfg(feature = "cookies")]
    pub fn jar(&self) -> Option<&crate::Jar> {
        self.client.jar()
    }

    /// The connections of this client; see [`treq::Client::pool`](crate::Client::pool).
    pub fn pool(&self) -> Option<ClientPool> {
        self.client.pool()
    }

    /// The figures of the connection pool; see [`treq::Client::pool_stats`](crate::Client::pool_stats).
    pub fn pool_stats(&self) -> Option<PoolStats> {
        self.client.pool_stats()
    }

    /// Closes all idle connections; see [`treq::Client::close_idle`](crate::Client::close_idle).
    pub fn close_idle(&self) {
        self.client.close_idle();
    }
}

static DEFAULT: Mutex<Option<Client>> = Mutex::new(None);

/// The client of the free functions of this module.
///
/// # Errors
///
/// Where its thread cannot be started.
pub fn default_client() -> Result<Client, Error> {
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    match &*default {
        Some(client) => Ok(client.clone()),
        None => Ok(default.insert(Client::new()?).clone()),
    }
}

/// Makes this the client of the free functions of this module from now on, and returns the one before.
///
/// # Errors
///
/// As [`default_client`].
pub fn set_default_client(client: Client) -> Result<Client, Error> {
    let before = default_client()?;
    *DEFAULT.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    Ok(before)
}

/// A request with any method.
pub fn request<T>(method: T, url: impl IntoUrl) -> RequestBuilder
where
    T: AsRef<str> + TryInto<Method>,
    T::Error: Into<BoxError>,
{
    let (client, mode) = match default_client() {
        Ok(Client { client, driver }) => (Ok(client), Blocking(Some(driver))),
        Err(error) => (Err(error), Blocking(None)),
    };
    RequestBuilder::on_default(client, mode, method, url)
}

macro_rules! verbs {
    ($($verb:ident = $method:ident),+ $(,)?) => {
        $(
            #[doc = concat!("A ", stringify!($method), " request.")]
            pub fn $verb(url: impl IntoUrl) -> RequestBuilder {
                request(Method::$method, url)
            }
        )+

        impl Client {$(
            #[doc = concat!("A ", stringify!($method), " request.")]
            pub fn $verb(&self, url: impl IntoUrl) -> RequestBuilder {
                self.request(Method::$method, url)
            }
        )+}
    };
}

verbs! { get = GET, head = HEAD, post = POST, put = PUT, patch = PATCH, delete = DELETE, options = OPTIONS }

/// A POST request whose body is sent as it is, such as a file, a reader or bytes; see [`treq::upload`](crate::upload()).
///
/// ```
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # let server = runtime.block_on(treq_httpbin::Server::start()).unwrap();
/// # let url = server.url("/post");
/// let mut response = treq::blocking::upload(url, "two sugars").send()?;
/// assert!(response.text()?.contains("two sugars"));
/// # Ok::<(), treq::Error>(())
/// ```
pub fn upload(url: impl IntoUrl, data: impl Data) -> RequestBuilder {
    post(url).upload(data)
}

impl RequestBuilder {
    /// Sends the request and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// What was wrong with the request, what went wrong with the exchange, and being inside of a runtime.
    pub fn send(self) -> Result<Response, Error> {
        let driver = self.mode.0.clone();
        let (client, request) = self.ready()?;
        let Some(driver) = driver else { return Err(Error::new(Kind::Other, "there is no thread for blocking calls")) };
        outside()?;
        let response = driver.wait(async { ResponseFuture::of(&client, request).await })?;
        Ok(Response { response, rest: Bytes::new(), driver })
    }
}

impl Download {
    /// Sends the request and writes the body of its response to the file.
    ///
    /// # Errors
    ///
    /// As of [`download`](RequestBuilder::download), and being inside of a runtime.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Runtime::new().unwrap();
    /// # let server = runtime.block_on(treq_httpbin::Server::start()).unwrap();
    /// # let (url, folder) = (server.url("/range/1024"), tempfile::tempdir().unwrap());
    /// # let path = folder.path().join("range");
    /// let done = treq::blocking::get(url).download(&path).resume(true).send()?;
    /// assert_eq!(done.bytes, 1024);
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn send(self) -> Result<Downloaded, Error> {
        let driver = self.request.mode.0.clone();
        let Some(driver) = driver else { return Err(Error::new(Kind::Other, "there is no thread for blocking calls")) };
        driver.wait(self.run())
    }
}

impl crate::ClientBuilder {
    /// The client for code without async.
    ///
    /// # Errors
    ///
    /// As [`build`](crate::ClientBuilder::build), and [`Kind::Other`] where its thread cannot be started.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Client::from_async(self.build()?)
    }
}

/// A response. Its body is read by the methods here, or as an [`io::Read`] or [`io::BufRead`].
#[derive(Debug)]
pub struct Response {
    response: crate::Response,
    /// What a read has left of a piece.
    rest: Bytes,
    driver: Arc<Driver>,
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

    /// The whole body as text, with what does not fit an error; see [`treq::Response::text_exact`](crate::Response::text_exact).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_exact(&mut self) -> Result<String, Error> {
        self.driver.wait(self.response.text_exact())
    }

    /// The whole body as text, by this charset if it names none; see [`treq::Response::text_or`](crate::Response::text_or).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_or(&mut self, charset: &str) -> Result<String, Error> {
        self.driver.wait(self.response.text_or(charset))
    }

    /// The whole body as text in this charset; see [`treq::Response::text_as`](crate::Response::text_as).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn text_as(&mut self, charset: &str) -> Result<String, Error> {
        self.driver.wait(self.response.text_as(charset))
    }

    /// The connection itself, after a 101 or a 2xx to CONNECT; see [`treq::Response::upgrade`](crate::Response::upgrade).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn upgrade(self) -> Result<Upgraded, Error> {
        let Response { response, driver, .. } = self;
        let stream = driver.wait(response.upgrade())?;
        Ok(Upgraded { stream, driver })
    }

    /// Hands each piece of the body to `collector`; see [`treq::Response::collect`](crate::Response::collect).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn collect<R: Collected>(&mut self, collector: impl FnMut(Bytes) -> R) -> Result<(), Error> {
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
        Ok(Response { response, rest: self.rest, driver: self.driver })
    }
}

macro_rules! known {
    ($($(#[$attribute:meta])* $name:ident -> $of:ty),+ $(,)?) => {
        impl Response {$(
            $(#[$attribute])*
            #[doc = concat!("See [`treq::Response::", stringify!($name), "`](crate::Response::", stringify!($name), ").")]
            pub fn $name(&self) -> $of {
                self.response.$name()
            }
        )+}
    };
}

known! {
    body_end -> Option<crate::BodyEnd>,
    content_disposition -> Option<crate::ContentDisposition>,
    content_length -> Option<u64>,
    content_type -> Option<crate::MediaType>,
    #[cfg(feature = "cookies")]
    cookies -> Vec<crate::Cookie>,
    extensions -> &http::Extensions,
    facts -> Option<&crate::Facts>,
    file_name -> Option<String>,
    headers -> &http::HeaderMap,
    history -> &[crate::Hop],
    links -> Vec<crate::Link>,
    previous -> Option<&crate::Hop>,
    reason -> &str,
    remote_addr -> Option<std::net::SocketAddr>,
    status -> http::StatusCode,
    timings -> Option<&crate::Timings>,
    url -> &http::Uri,
    version -> http::Version,
}

impl Response {
    /// See [`treq::Response::link`](crate::Response::link).
    pub fn link(&self, rel: &str) -> Option<crate::Link> {
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
    stream: crate::Upgraded,
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
        if self.rest.is_empty() {
            self.rest = self.chunk()?.unwrap_or_default();
        }
        Ok(&self.rest)
    }

    fn consume(&mut self, bytes: usize) {
        self.rest.advance(bytes.min(self.rest.len()));
    }
}
