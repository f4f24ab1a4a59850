use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_layer::{Identity, Layer, Stack as Both};
use tower_service::Service;
use treq_agent::HttpConnector;
use treq_connect::TcpConnect;
use treq_core::{Body, BoxError, Connected, Error, Kind, Target};
use treq_proxy::{Proxies, ProxyLayer};

use crate::Client;
use crate::client::Settings;
use crate::erased::Stack;
use crate::https::Https;
use crate::pool::Connections;
use crate::stack::{Connecting, Exchanging, Layered, Layers, Pooling, Proxied, stack};

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
    pub(crate) outer: O,
    pub(crate) agent: A,
    pub(crate) connect: C,
    pub(crate) parts: Parts,
}

/// What does not depend on the types of connector and layers.
pub(crate) struct Parts {
    pub(crate) layers: Layers,
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub(crate) tls: treq_connect::TlsConfig,
    /// Apart, so that sessions with proxies and with origins are never mixed.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub(crate) proxy_tls: treq_connect::TlsConfig,
    pub(crate) http: Http,
    #[cfg(feature = "cookies")]
    pub(crate) jar: Option<treq_cookies::Jar>,
    pub(crate) settings: Settings,
    /// What looks names up for proxies that take addresses; the system, if another connector does without.
    pub(crate) resolver: Option<TcpConnect>,
    /// The first thing that was wrong.
    pub(crate) error: Option<Error>,
}

/// Limits on heads, kept until the type of the connector is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Http {
    pub(crate) max_headers: Option<usize>,
    pub(crate) max_head_size: Option<usize>,
    pub(crate) expect_wait: Option<Duration>,
    pub(crate) title_case: bool,
    pub(crate) folded_fields: bool,
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
            #[cfg(any(feature = "tls", feature = "tls-ring"))]
            proxy_tls: treq_connect::TlsConfig::default(),
            http: Http::default(),
            #[cfg(feature = "cookies")]
            jar: Some(jar),
            settings: Settings::default(),
            resolver: Some(TcpConnect::new()),
            error: None,
        };
        ClientBuilder { outer: Identity::new(), agent: Identity::new(), connect: TcpConnect::new(), parts }
    }
}

impl<O, A> ClientBuilder<O, A, TcpConnect> {
    /// How TCP connections are made: resolver, static addresses, keep-alive. SOCKS proxies that take addresses (`socks4`,
    /// `socks5`) are given those that it finds.
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
        self.parts.resolver = Some(connect.clone());
        self.connect = connect;
        self
    }
}

impl<O, A, C> ClientBuilder<O, A, C> {
    /// Where byte streams come from: any `Service<Target>` that yields [`Connected`] ones, such as an in-memory pipe.
    /// TLS is spoken over them for https.
    pub fn connector<T>(mut self, connect: T) -> ClientBuilder<O, A, T> {
        self.parts.resolver = None;
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

    fn http(&self, https: Https<Proxied<C>>) -> Connecting<C>
    where
        C: Clone,
    {
        let mut http = HttpConnector::new(https)
            .title_case_headers(self.parts.http.title_case)
            .folded_fields(self.parts.http.folded_fields);
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
    pub fn build<B>(mut self) -> Result<Client, Error>
    where
        O::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <O::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <O::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        match self.parts.error.take() {
            Some(error) => Err(error),
            None => Ok(self.made()),
        }
    }

    /// The client, of settings that are right.
    pub(crate) fn made<B>(self) -> Client
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
        let (service, pool) = self.assemble(!plain);
        let pool: Arc<dyn Connections> = Arc::new(pool);
        let client = Client::of(Stack::new(service), Some(pool), settings);
        #[cfg(feature = "cookies")]
        let client = client.with_jar(jar);
        client
    }

    /// The stack itself, in its own type, without the client's surface and settings: a
    /// `Service<http::Request<Body>>` for another stack to stand on.
    ///
    /// # Errors
    ///
    /// As [`build`](ClientBuilder::build).
    pub fn into_service(mut self) -> Result<O::Service, Error> {
        if let Some(error) = self.parts.error.take() {
            return Err(error);
        }
        // Requests may come from anywhere, userinfo in their URLs.
        self.parts.layers.detour.always = true;
        Ok(self.assemble(true).0)
    }

    fn assemble(mut self, facts_in_extensions: bool) -> (O::Service, Pooling<C>) {
        #[cfg(any(feature = "tls", feature = "tls-ring"))]
        let (tls, proxy_tls) = (&self.parts.tls, &self.parts.proxy_tls);
        #[cfg(not(any(feature = "tls", feature = "tls-ring")))]
        let (tls, proxy_tls) = ((), ());
        // Which proxy it is stands in each target's route.
        let to_proxy = crate::https::https(self.connect.clone(), proxy_tls);
        let mut proxy = ProxyLayer::new(Proxies::none()).secure(to_proxy);
        if let Some(resolver) = self.parts.resolver.take() {
            proxy = proxy.resolver(resolver);
        }
        let connect = proxy.layer(self.connect.clone());
        let https = crate::https::https(connect, tls);
        let (service, pool) =
            stack(self.http(https).facts_in_extensions(facts_in_extensions), &self.parts.layers, &self.agent);
        (self.outer.layer(service), pool)
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
