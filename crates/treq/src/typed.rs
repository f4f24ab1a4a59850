use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_layer::{Identity, Layer, Stack as Both};
use tower_service::Service;
use treq_agent::HttpHandshake;
use treq_connect::TcpConnect;
use treq_core::{Body, BoxError, Connected, Target};
use treq_decode::DecodeLayer;
use treq_proxy::{Proxies, ProxyLayer};

use crate::builder::Parts;
use crate::client::Client;
use crate::client_pool::Connections;
use crate::https::Https;
use crate::stack::{Connecting, Pooling, Proxied, Stack, Wire, stack};

/// Puts a stack together in its own type, without a box: for another stack to stand on, or for a [`Client`] whose layers cost no
/// allocation. It is made by [`ClientBuilder::into_stack`](crate::ClientBuilder::into_stack).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = treq_httpbin::Server::start().await?;
/// use tower::{ServiceExt, limit::ConcurrencyLimitLayer};
/// use treq::Body;
///
/// let builder = treq::Client::builder().header("user-agent", "shop/1.0").into_stack()?;
/// let service = builder.agent_layer(ConcurrencyLimitLayer::new(8)).into_service();
/// let request = http::Request::get(server.url("/user-agent")).body(Body::empty())?;
/// assert_eq!(service.oneshot(request).await?.status(), 200);
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct Builder<Outer = Identity, Agent = Identity, Connect = TcpConnect> {
    pub(crate) outer: Outer,
    pub(crate) agent: Agent,
    pub(crate) connect: Connect,
    pub(crate) parts: Parts,
}

impl<O, A, C> Builder<O, A, C> {
    /// The source of byte streams: any `Service<Target>` that yields [`Connected`] ones. TLS is spoken over them for https.
    pub fn connector<T>(mut self, connect: T) -> Builder<O, A, T> {
        self.parts.resolver = None;
        Builder { outer: self.outer, agent: self.agent, connect, parts: self.parts }
    }

    /// Adds a layer around everything, as [`ClientBuilder::layer`](crate::ClientBuilder::layer) does.
    pub fn layer<T>(self, layer: T) -> Builder<Both<O, T>, A, C> {
        Builder { outer: Both::new(self.outer, layer), agent: self.agent, connect: self.connect, parts: self.parts }
    }

    /// Adds a layer next to the agent, as [`ClientBuilder::agent_layer`](crate::ClientBuilder::agent_layer) does.
    pub fn agent_layer<T>(self, layer: T) -> Builder<O, Both<A, T>, C> {
        Builder { outer: self.outer, agent: Both::new(self.agent, layer), connect: self.connect, parts: self.parts }
    }

    fn http(&self, https: Https<Proxied<C>>) -> Connecting<C>
    where
        C: Clone,
    {
        let mut http = HttpHandshake::new(https)
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

impl<O, A, C, IO> Builder<O, A, C>
where
    C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Layer<Wire<C>>,
    A::Service: Service<Request<Body>> + Clone,
    O: Layer<Stack<A::Service>>,
{
    /// The stack, with the builder's settings: a `Service<http::Request<Body>>` that answers as a [`Client`] would. What reads a
    /// body, such as [`content_limit`](crate::ClientBuilder::content_limit), is not part of it.
    pub fn into_service(mut self) -> O::Service {
        // Requests may come from anywhere, userinfo in their URLs.
        self.parts.layers.detour.always = true;
        self.assemble(true).0
    }

    /// A client over this stack.
    pub fn build<B>(self) -> Client
    where
        O::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <O::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <O::Service as Service<Request<Body>>>::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        let reading = self.parts.reading;
        let (jar, total_timeout) = (self.parts.jar.clone(), self.parts.total_timeout);
        // The caller's layers, or what is above them, may look for the facts where every service has them.
        let (service, pool) = self.assemble(true);
        let pool: Arc<dyn Connections> = Arc::new(pool);
        let client = Client::of(crate::erased::Stack::new(service), Some(pool), reading);
        client.with(jar, total_timeout)
    }

    pub(crate) fn assemble(mut self, facts_in_extensions: bool) -> (O::Service, Pooling<C>) {
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
        let http = self.http(https).facts_in_extensions(facts_in_extensions);
        if !self.parts.decoding {
            self.parts.layers.decode = DecodeLayer::empty();
        }
        let (service, pool) = stack(http, &self.parts.layers, self.parts.fields.shared(), &self.agent);
        (self.outer.layer(service), pool)
    }
}

impl<O, A, C> fmt::Debug for Builder<O, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("layers", &self.parts.layers).finish_non_exhaustive()
    }
}
