use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body as HttpBody;
use tower_service::Service;
use treq_core::{Body, BoxError, Error};

use crate::builder::ClientBuilder;
use crate::client_pool::{ClientPool, Connections};
use crate::erased::{ResponseBody, ServiceFuture, Stack};
use crate::into_url::IntoUrl;
use crate::last_url::LastUrl;
use crate::request::{Async, RequestBuilder, ResponseFuture};
use crate::response::Reading;

/// How much of a body `content`, `text` and `json` hold in memory unless told otherwise.
pub(crate) const CONTENT_LIMIT: usize = 32 * 1024 * 1024;

/// A client: connections that are kept, and the settings that its requests share.
///
/// Cloning is cheap, and clones share the connections. A `Client`, and a `&Client`, is a
/// `tower_service::Service<http::Request<B>>` too, for any [`http_body::Body`] of [`Bytes`]: tonic's, axum's, hyper's, or
/// [`Body`], which alone can be sent again.
///
/// Its connections are driven by tasks of the tokio runtime on which they were made, and end with it. Where several runtimes take
/// turns, as with `#[tokio::test]` or a `block_on` here and there, each wants a client of its own: a connection whose runtime
/// nobody drives answers nothing. The free functions have one for each.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = treq_httpbin::Server::start().await?;
/// let client = treq::Client::builder().header("user-agent", "shop/1.0").build()?;
/// for page in 1..=3 {
///     client.get(server.url("/get")).params([("page", page)]).await?.content().await?;
/// }
/// assert_eq!(client.pool().map(|pool| pool.stats()).map(|stats| stats.open), Some(1));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    stack: Stack,
    pool: Option<Arc<dyn Connections>>,
    reading: Reading,
    last_url: LastUrl,
    jar: Option<treq_cookies::Jar>,
    /// How long an exchange may take: what needs several has to share it.
    total_timeout: Option<Duration>,
}

impl Client {
    /// A client with the defaults: what the free functions use, with connections of its own.
    ///
    /// ```
    /// use std::sync::LazyLock;
    ///
    /// static CLIENT: LazyLock<treq::Client> = LazyLock::new(treq::Client::new);
    /// # let _ = &*CLIENT;
    /// ```
    pub fn new() -> Client {
        Client::builder().made()
    }

    /// A client to be set up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// The surface of a client over any service that answers requests: an agent of your own, a stack put together by
    /// hand, a `service_fn` in a test.
    ///
    /// Nothing is added to it: limits of time, redirects, cookies, credentials, decoding are what its own layers do, and an
    /// option of a request, such as [`timeout`](crate::RequestBuilder::timeout), is a request extension that one of them reads.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// let canned = tower::service_fn(|request: http::Request<treq::Body>| async move {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(treq::Body::from(request.uri().to_string())))
    /// });
    /// let client = treq::Client::from_service(canned);
    /// assert_eq!(client.get("http://a.test/x").await?.text().await?, "http://a.test/x");
    /// # Ok(()) }
    /// ```
    pub fn from_service<S, B>(service: S) -> Client
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        Client::of(Stack::new(service), None, Reading::default())
    }

    pub(crate) fn of(stack: Stack, pool: Option<Arc<dyn Connections>>, reading: Reading) -> Client {
        let inner = Inner { stack, pool, reading, last_url: LastUrl::default(), jar: None, total_timeout: None };
        Client { inner: Arc::new(inner) }
    }

    pub(crate) fn with(mut self, jar: Option<treq_cookies::Jar>, total_timeout: Option<Duration>) -> Client {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            (inner.jar, inner.total_timeout) = (jar, total_timeout);
        }
        self
    }

    /// The jar that this client keeps its cookies in; `None` where that is another
    /// [store](ClientBuilder::cookie_store), none at all, or a service of one's own.
    pub fn jar(&self) -> Option<&treq_cookies::Jar> {
        self.inner.jar.as_ref()
    }

    /// A request with any method.
    ///
    /// A bad URL or method is reported when the request is awaited: an error of [`Kind::Builder`](crate::Kind) that
    /// names it, with nothing sent.
    pub fn request<M>(&self, method: M, url: impl IntoUrl) -> RequestBuilder
    where
        M: AsRef<str> + TryInto<Method>,
        M::Error: Into<BoxError>,
    {
        RequestBuilder::new(self.clone(), Async, method, url)
    }

    /// The connections of this client; `None` over a service of one's own.
    pub fn pool(&self) -> Option<ClientPool> {
        self.inner.pool.as_ref().map(|pool| ClientPool(Arc::clone(pool)))
    }

    /// Sends a request that was put together elsewhere, or by [`RequestBuilder::build`]: a future of this client's
    /// [`Response`](crate::Response), where the client as a service yields an [`http::Response`].
    ///
    /// # Errors
    ///
    /// As of awaiting a [`RequestBuilder`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let client = treq::Client::new();
    /// let mut request = client.get(server.url("/headers")).build()?;
    /// request.headers_mut().insert("x-signature", "7f".parse().unwrap());
    /// let mut response = client.execute(request).await?;
    /// assert!(response.text().await?.contains("7f"));
    /// # Ok(()) }
    /// ```
    pub fn execute<B>(&self, mut request: Request<B>) -> ResponseFuture
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        crate::detour::mark_userinfo(&mut request);
        ResponseFuture::of(self, request.map(Body::new))
    }

    pub(crate) fn last_url(&self) -> &LastUrl {
        &self.inner.last_url
    }

    pub(crate) fn total_timeout(&self) -> Option<Duration> {
        self.inner.total_timeout
    }

    pub(crate) fn reading(&self) -> Reading {
        self.inner.reading
    }

    #[inline]
    pub(crate) fn send(&self, request: Request<Body>) -> ServiceFuture {
        self.inner.stack.call(request)
    }
}

impl Client {}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident = $method:ident),+ $(,)?) => {
        impl Client {$(
            $(#[$doc])*
            pub fn $verb(&self, url: impl IntoUrl) -> RequestBuilder {
                self.request(Method::$method, url)
            }
        )+}
    };
}

verbs! {
    /// A GET request.
    get = GET,
    /// A HEAD request.
    head = HEAD,
    /// A POST request.
    post = POST,
    /// A PUT request.
    put = PUT,
    /// A PATCH request.
    patch = PATCH,
    /// A DELETE request.
    delete = DELETE,
    /// An OPTIONS request.
    options = OPTIONS,
}

impl<B> Service<Request<B>> for Client
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The stack is cloned for each request and made ready there.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ServiceFuture {
        crate::detour::mark_userinfo(&mut request);
        self.send(request.map(Body::new))
    }
}

impl<B> Service<Request<B>> for &Client
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ServiceFuture {
        crate::detour::mark_userinfo(&mut request);
        self.send(request.map(Body::new))
    }
}

impl Default for Client {
    fn default() -> Client {
        Client::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("pool", &self.pool().map(|pool| pool.stats())).finish_non_exhaustive()
    }
}
