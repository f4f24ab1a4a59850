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

mod response;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Method;
use http_body::Body as HttpBody;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Kind};

use crate::client_pool::ClientPool;
use crate::download::Downloaded;
use crate::into_url::IntoUrl;
use crate::request::ResponseFuture;

pub use response::{Chunks, Response, Upgraded};

/// A request being put together; [`send`](RequestBuilder::send) sends it.
pub type RequestBuilder = crate::request::RequestBuilder<Blocking>;

/// A download; [`send`](Download::send) sends and writes.
pub type Download = crate::download::Download<Blocking>;

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
    client: crate::client::Client,
    driver: Arc<Driver>,
}

impl Client {
    /// A client with the defaults.
    ///
    /// # Errors
    ///
    /// Where its thread cannot be started.
    pub fn new() -> Result<Client, Error> {
        Client::from_async(crate::client::Client::new())
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
    pub fn builder() -> crate::builder::ClientBuilder {
        crate::client::Client::builder()
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
        Client::from_async(crate::client::Client::from_service(service))
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
    pub fn from_async(client: crate::client::Client) -> Result<Client, Error> {
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

    /// The jar of this client; see [`treq::Client::jar`](crate::Client::jar).
    pub fn jar(&self) -> Option<&treq_cookies::Jar> {
        self.client.jar()
    }

    /// The connections of this client; see [`treq::Client::pool`](crate::Client::pool).
    pub fn pool(&self) -> Option<ClientPool> {
        self.client.pool()
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
        Ok(Response::new(response, driver))
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

impl crate::builder::ClientBuilder {
    /// The client for code without async.
    ///
    /// # Errors
    ///
    /// As [`build`](crate::ClientBuilder::build), and [`Kind::Other`] where its thread cannot be started.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Client::from_async(self.build()?)
    }
}
