use std::any::TypeId;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_layer::{Identity, Layer, Stack as Both};
use tower_service::Service;
use treq_agent::HttpConnector;
use treq_connect::TcpConnect;
use treq_core::{Body, BoxError, Connected, Error, Kind, Target, Wish};
use treq_decode::DecodeLayer;
use treq_pool::PoolLayer;
use treq_redirect::RedirectLayer;
use treq_timeout::TimeoutLayer;

use crate::Client;
use crate::client::{Connections, Settings};
use crate::erased::Stack;
use crate::https::Https;
use crate::stack::{Exchanging, Layered, Layers, Pooling, stack};

/// Sets up a [`Client`].
///
/// `C` yields byte streams, `A` are the layers next to the agent, `O` those around everything. Each method that puts one
/// in changes the type; nothing is boxed.
///
/// ```
/// use std::time::Duration;
/// use treq::PoolLayer;
///
/// # fn main() -> Result<(), treq::Error> {
/// let client = treq::Client::builder()
///     .header("user-agent", "shop/1.0")
///     .pool(PoolLayer::new().max_per_host(8).idle_time(Duration::from_secs(30)))
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder<O = Identity, A = Identity, C = TcpConnect> {
    outer: O,
    agent: A,
    connect: C,
    parts: Parts,
}

/// What does not depend on the types of connector and layers.
struct Parts {
    layers: Layers,
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    tls: treq_connect::TlsConfig,
    http: Http,
    #[cfg(feature = "cookies")]
    jar: Option<treq_cookies::Jar>,
    settings: Settings,
    /// The first thing that was wrong.
    error: Option<Error>,
}

/// Limits on heads, kept until the type of the connector is known.
#[derive(Clone, Copy, Debug, Default)]
struct Http {
    max_headers: Option<usize>,
    max_head_size: Option<usize>,
    expect_wait: Option<Duration>,
    title_case: bool,
}

impl ClientBuilder {
    pub(crate) fn new() -> ClientBuilder {
        #[cfg(feature = "cookies")]
        let jar = treq_cookies::Jar::new();
        let parts = Parts {
            #[cfg(feature = "cookies")]
            layers: Layers::new(&jar),
            #[cfg(not(feature = "cookies"))]
            layers: Layers::new(),
            #[cfg(any(feature = "tls", feature = "tls-ring"))]
            tls: treq_connect::TlsConfig::default(),
            http: Http::default(),
            #[cfg(feature = "cookies")]
            jar: Some(jar),
            settings: Settings::default(),
            error: None,
        };
        ClientBuilder { outer: Identity::new(), agent: Identity::new(), connect: TcpConnect::new(), parts }
    }
}

impl<O, A> ClientBuilder<O, A, TcpConnect> {
    /// How TCP connections are made: resolver, static addresses, keep-alive.
    ///
    /// ```
    /// use treq::{Client, TcpConnect};
    ///
    /// # fn main() -> Result<(), treq::Error> {
    /// let tcp = TcpConnect::new().resolve_to("api.test", ["127.0.0.1:8080".parse().unwrap()]);
    /// let client = Client::builder().tcp(tcp).build()?;
    /// # Ok(()) }
    /// ```
    pub fn tcp(mut self, connect: TcpConnect) -> Self {
        self.connect = connect;
        self
    }
}

impl<O, A, C> ClientBuilder<O, A, C> {
    /// Where byte streams come from: any `Service<Target>` that yields [`Connected`] ones, such as an in-memory pipe.
    /// TLS is spoken over them for https.
    pub fn connector<T>(self, connect: T) -> ClientBuilder<O, A, T> {
        ClientBuilder { outer: self.outer, agent: self.agent, connect, parts: self.parts }
    }

    /// Every connection goes to this Unix socket, whatever the host of the URL.
    #[cfg(unix)]
    pub fn unix_socket(self, path: impl Into<std::path::PathBuf>) -> ClientBuilder<O, A, treq_connect::UnixConnect> {
        self.connector(treq_connect::UnixConnect::new(path))
    }

    /// A layer around everything: it sees what the caller sent and the answer that the caller gets. One that is added
    /// later is further out.
    pub fn layer<T>(self, layer: T) -> ClientBuilder<Both<O, T>, A, C> {
        ClientBuilder {
            outer: Both::new(self.outer, layer),
            agent: self.agent,
            connect: self.connect,
            parts: self.parts,
        }
    }

    /// A layer next to the agent: it sees each request that goes to the network, and its answer as it comes from there.
    /// One that is added later is further out.
    pub fn agent_layer<T>(self, layer: T) -> ClientBuilder<O, Both<A, T>, C> {
        ClientBuilder {
            outer: self.outer,
            agent: Both::new(self.agent, layer),
            connect: self.connect,
            parts: self.parts,
        }
    }

    /// How connections are kept.
    pub fn pool(mut self, pool: PoolLayer) -> Self {
        self.parts.layers.pool = pool;
        self
    }

    /// How redirects are followed: policy, limit, fields of one's own that do not cross origins. What is not set on
    /// `redirect` is as in a plain [`RedirectLayer`].
    pub fn redirect(mut self, redirect: RedirectLayer) -> Self {
        self.parts.layers.redirect = redirect.drain_until(|| tokio::time::sleep(crate::stack::DRAIN));
        self
    }

    /// Credentials for the origins that they are given for, and those of a netrc file: both are sent to no other, and not
    /// on a chain of redirects that has been elsewhere.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use treq::{AuthLayer, Basic, Origin};
    ///
    /// let shop = Origin::of(&"https://shop.test".parse()?)?;
    /// let client = treq::Client::builder().auth(AuthLayer::new().credentials(shop, Basic::new("ada", "s3cret")?)).build()?;
    /// # Ok(()) }
    /// ```
    pub fn auth(mut self, auth: treq_auth::AuthLayer) -> Self {
        self.parts.layers.detour.auth = crate::stack::within(auth);
        self.parts.layers.detour.always = true;
        self
    }

    /// Which content codings are undone, and within which limits: codings of one's own, a limit on decoded streams.
    pub fn decode(mut self, decode: DecodeLayer) -> Self {
        self.parts.layers.decode = decode;
        self
    }

    /// The jar that cookies are kept in: an empty one of the client's own unless set. Clients that are given the same
    /// [`Jar`](crate::Jar) share it, and what it holds can be looked at and saved at any time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::SystemTime;
    /// use treq::{Cookie, Jar};
    ///
    /// let jar = Jar::new();
    /// jar.insert(Cookie::builder(&"https://shop.test/".parse()?, "sid", "7f").build()?, SystemTime::now());
    /// let client = treq::Client::builder().cookies(jar.clone()).build()?;
    /// assert_eq!(client.jar().map(|jar| jar.len()), Some(1));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "cookies")]
    pub fn cookies(mut self, jar: treq_cookies::Jar) -> Self {
        self.parts.jar = Some(jar.clone());
        self.parts.layers.cookies = crate::cookies::layer(crate::cookies::AnyStore::new(jar));
        self
    }

    /// Cookies are kept elsewhere: in any [`Store`](crate::Store), such as the adapter for a `cookie_store::CookieStore`.
    #[cfg(feature = "cookies")]
    pub fn cookie_store(mut self, store: impl treq_cookies::Store + Send + Sync + 'static) -> Self {
        self.parts.jar = None;
        self.parts.layers.cookies = crate::cookies::layer(crate::cookies::AnyStore::new(store));
        self
    }

    /// No cookie is kept. Those of a [request](crate::RequestBuilder::cookies) are sent.
    #[cfg(feature = "cookies")]
    pub fn without_cookies(self) -> Self {
        self.cookie_store(crate::cookies::NoStore)
    }

    /// How long a request may take as a whole, from the call to the end of its answer's body, with all redirects: as long
    /// as it takes unless set. [`RequestBuilder::timeout`](crate::RequestBuilder::timeout) overrides it.
    ///
    /// ```
    /// # fn main() -> Result<(), treq::Error> {
    /// use std::time::Duration;
    ///
    /// let client = treq::Client::builder()
    ///     .timeout(Duration::from_secs(30))
    ///     .connect_timeout(Duration::from_secs(3))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.deadline = self.parts.layers.deadline.total(limit);
        self
    }

    /// How long a new connection may take, TLS included: 10 seconds unless set.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.connect_timeout = self.parts.layers.connect_timeout.limit(limit);
        self
    }

    /// How long the parts of each exchange may take: the head, and each piece of the bodies, 60 seconds unless set.
    pub fn timeouts(mut self, timeouts: TimeoutLayer) -> Self {
        self.parts.layers.timeouts = timeouts;
        self
    }

    /// How TLS is spoken: roots, client certificates, versions.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub fn tls(mut self, config: treq_connect::TlsConfig) -> Self {
        self.parts.tls = config;
        self
    }

    /// Which version of HTTP is spoken unless a request says otherwise. [`Wish::Http2`] speaks HTTP/2 with prior
    /// knowledge in the clear.
    pub fn http_version(mut self, wish: Wish) -> Self {
        self.parts.settings.wish = wish;
        self
    }

    /// A field of every request that does not set it itself. Given again, the name has several values.
    ///
    /// A name that is no token or a value with control characters is an error of [`Kind::Builder`] when the client is
    /// built.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: AsRef<str> + TryInto<HeaderName>,
        K::Error: Into<BoxError>,
        V: AsRef<[u8]> + TryInto<HeaderValue>,
        V::Error: Into<BoxError>,
    {
        match crate::fields::field(name, value) {
            Ok((name, value)) => _ = self.parts.settings.headers.append(name, value),
            Err(error) => _ = self.parts.error.get_or_insert(error),
        }
        self
    }

    /// How many bytes of a body `content`, `text` and `json` take: 32 MiB unless set. More is an error of
    /// [`Kind::Body`] that names the limit. Streams have no limit.
    pub fn content_limit(mut self, bytes: usize) -> Self {
        self.parts.settings.reading.content_limit = bytes;
        self
    }

    /// The charset of text whose `Content-Type` names none: UTF-8 unless set. `iso-8859-1` is what HTTP/1.1 once said, and
    /// what Python treq does. A charset that is not known is an error of [`Kind::Builder`] when the client is built.
    pub fn default_charset(mut self, label: &str) -> Self {
        match crate::text::labelled(label) {
            Ok(charset) => self.parts.settings.reading.charset = charset,
            Err(error) => _ = self.parts.error.get_or_insert(error),
        }
        self
    }

    /// How many fields a response's head may have over HTTP/1.1: 100 unless set.
    pub fn max_headers(mut self, fields: usize) -> Self {
        self.parts.http.max_headers = Some(fields);
        self
    }

    /// How many bytes a response's head may have: 64 KiB unless set.
    pub fn max_head_size(mut self, bytes: usize) -> Self {
        self.parts.http.max_head_size = Some(bytes);
        self
    }

    /// How long the body of a request with `Expect: 100-continue` waits for the server's word before it is sent all
    /// the same: one second unless set.
    pub fn expect_wait(mut self, wait: Duration) -> Self {
        self.parts.http.expect_wait = Some(wait);
        self
    }

    /// Whether field names go out as `Title-Case` over HTTP/1.1. Off unless set.
    pub fn title_case_headers(mut self, on: bool) -> Self {
        self.parts.http.title_case = on;
        self
    }

    fn http(&self, https: Https<C>) -> HttpConnector<Https<C>, Body>
    where
        C: Clone,
    {
        let mut http = HttpConnector::new(https).title_case_headers(self.parts.http.title_case);
        if let Some(fields) = self.parts.http.max_headers {
            http = http.max_headers(fields);
        }
        if let Some(bytes) = self.parts.http.max_head_size {
            http = http.max_head_size(bytes);
        }
        if let Some(wait) = self.parts.http.expect_wait {
            http = http.expect_wait(wait);
        }
        http
    }
}

impl<O, A, C, IO> ClientBuilder<O, A, C>
where
    C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Layer<Exchanging<C>>,
    A::Service: Service<Request<Body>> + Clone,
    O: Layer<Layered<A::Service>>,
{
    /// The client.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong with what the builder was given. TLS is set up later, at the first https URL.
    pub fn build<B>(self) -> Result<Client, Error>
    where
        O::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <O::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <O::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        let settings = self.parts.settings.clone();
        #[cfg(feature = "cookies")]
        let jar = self.parts.jar.clone();
        // With layers of the caller's, they or what is above them may look for the facts where every service has them.
        let plain = TypeId::of::<O::Service>() == TypeId::of::<Layered<Exchanging<C>>>();
        let (service, pool) = self.assemble(!plain)?;
        let pool: Box<dyn Connections> = Box::new(pool);
        let client = Client::of(Stack::new(service), Some(pool), settings);
        #[cfg(feature = "cookies")]
        let client = client.with_jar(jar);
        Ok(client)
    }

    /// The stack itself, in its own type, without the client's surface and settings: a
    /// `Service<http::Request<Body>>` for another stack to stand on.
    ///
    /// # Errors
    ///
    /// As [`build`](ClientBuilder::build).
    pub fn into_service(self) -> Result<O::Service, Error> {
        Ok(self.assemble(true)?.0)
    }

    fn assemble(mut self, facts_in_extensions: bool) -> Result<(O::Service, Pooling<C>), Error> {
        if let Some(error) = self.parts.error.take() {
            return Err(error);
        }
        #[cfg(any(feature = "tls", feature = "tls-ring"))]
        let https = crate::https::https(self.connect.clone(), &self.parts.tls);
        #[cfg(not(any(feature = "tls", feature = "tls-ring")))]
        let https = crate::https::https(self.connect.clone());
        let (service, pool) =
            stack(self.http(https).facts_in_extensions(facts_in_extensions), &self.parts.layers, &self.agent);
        Ok((self.outer.layer(service), pool))
    }
}

impl<O, A, C: fmt::Debug> fmt::Debug for ClientBuilder<O, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("connect", &self.connect)
            .field("layers", &self.parts.layers)
            .finish_non_exhaustive()
    }
}

/// A refusal that names the field.
pub(crate) fn refuse(what: String, source: impl Into<BoxError>) -> Error {
    Error::new(Kind::Builder, what).with_source(source)
}
