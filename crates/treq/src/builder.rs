use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_layer::{Identity, Layer};
use tower_service::Service;
use treq_connect::TcpConnect;
use treq_core::{Body, BoxError, Connected, Error, Kind, Target};

use crate::boxed::BoxConnect;
use crate::client::Client;
use crate::client_pool::Connections;
use crate::defaults::Fields;
use crate::erased::{BoxService, Stack};
use crate::response::Reading;
use crate::stack::Layers;
use crate::typed::Builder;

/// Sets up a [`Client`]. It can be cloned, kept, and passed on: its type is the same whatever it is told.
///
/// Each layer that is added to it costs a request one allocation, and a custom connector each connection one;
/// [`into_stack`](ClientBuilder::into_stack) does without.
///
/// ```
/// use std::time::Duration;
/// use treq::pool::PoolLayer;
///
/// # fn main() -> Result<(), treq::Error> {
/// let client = treq::Client::builder()
///     .header("user-agent", "shop/1.0")
///     .pool_layer(PoolLayer::new().max_per_host(8).idle_time(Duration::from_secs(30)))
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    outer: Around,
    agent: Around,
    connect: Option<Arc<Mutex<BoxConnect>>>,
    tcp: TcpConnect,
    pub(crate) parts: Parts,
}

/// Layers of the caller's, the inner ones first.
#[derive(Clone, Default)]
struct Around(Vec<Arc<dyn Fn(Stack) -> Stack + Send + Sync>>);

impl Around {
    fn add<L, B>(&mut self, layer: L)
    where
        L: Layer<BoxService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        self.0.push(Arc::new(move |inner| Stack::new(layer.layer(BoxService(inner)))));
    }

    fn around(&self, inner: Stack) -> Stack {
        self.0.iter().fold(inner, |inner, layer| layer(inner))
    }
}

impl<S, B> Layer<S> for Around
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError> + 'static,
{
    type Service = BoxService;

    fn layer(&self, inner: S) -> BoxService {
        BoxService(self.around(Stack::new(inner)))
    }
}

/// What does not depend on the types of connector and layers.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) layers: Layers,
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub(crate) tls: treq_connect::TlsConfig,
    /// Apart, so that sessions with proxies and with origins are never mixed.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub(crate) proxy_tls: treq_connect::TlsConfig,
    pub(crate) http: Http,
    pub(crate) jar: Option<treq_cookies::Jar>,
    /// The caller has said where cookies are kept.
    pub(crate) has_store: bool,
    pub(crate) fields: Fields,
    pub(crate) reading: Reading,
    /// Codings are offered and decoded.
    pub(crate) decoding: bool,
    /// That of the deadline's layer.
    pub(crate) total_timeout: Option<Duration>,
    /// What looks names up for proxies that take addresses; the system, if another connector does without.
    pub(crate) resolver: Option<TcpConnect>,
    /// The first thing that was wrong.
    pub(crate) error: Option<Arc<Error>>,
}

impl Parts {
    /// A jar for one client, unless the caller has given a store: a builder may be cloned, and sessions are not shared by that.
    fn own_jar(&mut self) {
        if !self.has_store {
            let jar = treq_cookies::Jar::new();
            self.layers.cookies = treq_cookies::CookiesLayer::with(crate::cookie_store::AnyStore::new(jar.clone()));
            self.jar = Some(jar);
        }
    }
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
        let jar = treq_cookies::Jar::new();
        let parts = Parts {
            layers: Layers::new(&jar),
            #[cfg(any(feature = "tls", feature = "tls-ring"))]
            tls: treq_connect::TlsConfig::default(),
            #[cfg(any(feature = "tls", feature = "tls-ring"))]
            proxy_tls: treq_connect::TlsConfig::default(),
            http: Http::default(),
            jar: Some(jar),
            has_store: false,
            fields: Fields::default(),
            reading: Reading::default(),
            decoding: true,
            total_timeout: None,
            resolver: Some(TcpConnect::new()),
            error: None,
        };
        let (outer, agent) = (Around::default(), Around::default());
        ClientBuilder { outer, agent, connect: None, tcp: TcpConnect::new(), parts }
    }

    /// Sets how TCP connections are made: resolver, static addresses, keep-alive. SOCKS proxies that take addresses (`socks4`,
    /// `socks5`) are given those that it finds. A [`connector`](ClientBuilder::connector) that was set before goes.
    ///
    /// ```
    /// use treq::Client;
    /// use treq::connect::TcpConnect;
    ///
    /// # fn main() -> Result<(), treq::Error> {
    /// let tcp = TcpConnect::new().resolve_to("api.test", ["127.0.0.1:8080".parse().unwrap()]);
    /// let client = Client::builder().tcp(tcp).build()?;
    /// # Ok(()) }
    /// ```
    pub fn tcp(mut self, connect: TcpConnect) -> Self {
        self.parts.resolver = Some(connect.clone());
        (self.tcp, self.connect) = (connect, None);
        self
    }

    /// Sets the source of byte streams: any `Service<Target>` that yields [`Connected`] ones, such as an in-memory pipe. TLS is
    /// spoken over them for https. It takes the place of [`tcp`](ClientBuilder::tcp) and of another connector: the last one counts.
    pub fn connector<C, IO>(mut self, connect: C) -> Self
    where
        C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
        C::Error: Into<BoxError> + 'static,
        C::Future: Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.parts.resolver = None;
        self.connect = Some(Arc::new(Mutex::new(BoxConnect::new(connect))));
        self
    }

    /// Makes every connection to this Unix socket, whatever the host of the URL. It is a [`connector`](ClientBuilder::connector).
    #[cfg(unix)]
    pub fn unix_socket(self, path: impl Into<std::path::PathBuf>) -> Self {
        self.connector(treq_connect::UnixConnect::new(path))
    }

    /// Adds a layer around everything: it sees what the caller sent and the response that the caller gets. One that is added
    /// later is further out.
    ///
    /// ```
    /// use tower::limit::ConcurrencyLimitLayer;
    /// use treq::{Client, ClientBuilder};
    ///
    /// /// Limits are for the servers of the shop.
    /// fn limited(builder: ClientBuilder, at_once: Option<usize>) -> ClientBuilder {
    ///     match at_once {
    ///         Some(at_once) => builder.layer(ConcurrencyLimitLayer::new(at_once)),
    ///         None => builder,
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), treq::Error> {
    /// let client = limited(Client::builder(), Some(8)).build()?;
    /// # Ok(()) }
    /// ```
    pub fn layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<BoxService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        self.outer.add(layer);
        self
    }

    /// Adds a layer next to the agent: it sees each request that goes to the network, and its response as it comes from there.
    /// One that is added later is further out.
    pub fn agent_layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<BoxService> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        self.agent.add(layer);
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong with what the builder was given. TLS is set up later, at the first https URL.
    pub fn build(self) -> Result<Client, Error> {
        match &self.parts.error {
            Some(error) => Err(Error::repeat(error)),
            None => Ok(self.made()),
        }
    }

    /// The client, of settings that are right.
    pub(crate) fn made(mut self) -> Client {
        self.parts.own_jar();
        let reading = self.parts.reading;
        let (jar, total_timeout) = (self.parts.jar.clone(), self.parts.total_timeout);
        let (stack, pool) = self.assemble();
        let client = Client::of(stack, Some(pool), reading);
        client.with(jar, total_timeout)
    }

    fn assemble(self) -> (Stack, Arc<dyn Connections>) {
        let ClientBuilder { outer, agent, connect, tcp, parts } = self;
        let connect = connect.map(|connect| connect.lock().unwrap_or_else(PoisonError::into_inner).clone());
        // With layers of the caller's, they or what is above them may look for the facts where every service has them.
        let facts = !outer.0.is_empty() || !agent.0.is_empty();
        let identity = Identity::new();
        let (stack, pool): (Stack, Arc<dyn Connections>) = match connect {
            None if agent.0.is_empty() => {
                let (service, pool) =
                    Builder { outer: identity, agent: Identity::new(), connect: tcp, parts }.assemble(facts);
                (Stack::new(service), Arc::new(pool))
            }
            Some(connect) if agent.0.is_empty() => {
                let (service, pool) =
                    Builder { outer: identity, agent: Identity::new(), connect, parts }.assemble(facts);
                (Stack::new(service), Arc::new(pool))
            }
            connect => {
                let connect = connect.unwrap_or_else(|| BoxConnect::new(tcp));
                let (service, pool) = Builder { outer: identity, agent, connect, parts }.assemble(facts);
                (Stack::new(service), Arc::new(pool))
            }
        };
        (outer.around(stack), pool)
    }

    /// These settings for a stack in its own type, whose layers and connector are added there: it costs no box.
    ///
    /// # Errors
    ///
    /// As [`build`](ClientBuilder::build), and [`Kind::Builder`] if a layer or a connector has been added here, where it is in a box.
    pub fn into_stack(self) -> Result<Builder, Error> {
        if let Some(error) = &self.parts.error {
            return Err(Error::repeat(error));
        }
        if !self.outer.0.is_empty() || !self.agent.0.is_empty() || self.connect.is_some() {
            let why = "the builder has a layer or a connector already: add it after `into_stack`";
            return Err(Error::new(Kind::Builder, why));
        }
        let mut parts = self.parts;
        parts.own_jar();
        Ok(Builder { outer: Identity::new(), agent: Identity::new(), connect: self.tcp, parts })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ClientBuilder");
        // A connector of the caller's may show anything.
        if self.connect.is_none() {
            debug.field("tcp", &self.tcp);
        }
        debug.field("layers", &self.parts.layers).finish_non_exhaustive()
    }
}

/// A refusal that names the field.
pub(crate) fn refuse(what: String, source: impl Into<BoxError>) -> Error {
    Error::new(Kind::Builder, what).with_source(source)
}
