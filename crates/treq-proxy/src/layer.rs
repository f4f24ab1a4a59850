use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Connected, Error, Kind, Resend, Resolve, Target};

use crate::resolve::System;
use crate::{NoStream, Proxies, ProxyConnect};

/// Middleware for connectors, which are `Service<Target>`: connects through the proxy of the target's route, or else
/// through that of these [`Proxies`], which may be none where a [`RouteLayer`](crate::RouteLayer) chooses. Whatever goes
/// direct is handed to the connector as it is.
///
/// A layer that speaks TLS to origins belongs above it. TLS to an `https` proxy is spoken below, by a connector of its
/// own:
///
/// ```
/// use tower_layer::Layer;
/// use treq_connect::{TcpConnect, TlsConfig, TlsLayer};
/// use treq_proxy::{Proxies, ProxyLayer};
///
/// let tcp = TcpConnect::new();
/// let to_proxy = TlsLayer::new(TlsConfig::default()).layer(tcp.clone());
/// let proxies = Proxies::all("https://user:password@proxy.test".parse()?);
/// // SOCKS proxies that take addresses get those that the connector would use.
/// let connect = ProxyLayer::new(proxies).secure(to_proxy).resolver(tcp.clone()).layer(tcp);
/// // TLS with origins, through the proxy.
/// let connect = TlsLayer::new(TlsConfig::default()).layer(connect);
/// # let _ = connect;
/// # Ok::<(), treq_core::Error>(())
/// ```
///
/// # What goes how
///
/// | target | HTTP proxy | SOCKS proxy |
/// |---|---|---|
/// | `http` | in the clear, with [`Connected::forward`] set: the proxy sees each request | a connection to the origin |
/// | `https`, HTTP/2 wished for, [`always_tunnel`](crate::Proxy::always_tunnel) | a tunnel, by CONNECT | the same |
///
/// # Errors
///
/// Those of the connector where there is no proxy. Else `Kind::Proxy`, naming proxy (without credentials), origin and
/// what to do; its source is [`ProxyRefused`](crate::ProxyRefused), an [`std::io::Error`], or the connector's own error. A time
/// limit of the connector stays one. All are [`Resend::Safe`]: nothing of the request was sent.
#[derive(Clone)]
pub struct ProxyLayer<S = NoTls> {
    pub(crate) proxies: Proxies,
    pub(crate) secure: S,
    pub(crate) resolver: Arc<dyn Resolve>,
}

impl ProxyLayer {
    /// These proxies, none of them `https`.
    #[must_use]
    pub fn new(proxies: Proxies) -> ProxyLayer {
        ProxyLayer { proxies, secure: NoTls, resolver: Arc::new(System) }
    }
}

impl<S> ProxyLayer<S> {
    /// The connector for `https` proxies: it is given the proxy as its target, and speaks TLS with it.
    ///
    /// Its TLS settings should not be those of the layer above: sessions of proxy and origin are not to be mixed.
    #[must_use]
    pub fn secure<T>(self, connector: T) -> ProxyLayer<T> {
        ProxyLayer { proxies: self.proxies, secure: connector, resolver: self.resolver }
    }

    /// Resolves names for `socks4` and `socks5` proxies with `resolver` (default: the system's). Ports of the addresses
    /// are not looked at.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use treq_core::resolve_fn;
    /// use treq_proxy::{Proxies, ProxyLayer};
    ///
    /// let resolver = resolve_fn(|name| async move { Ok(vec![(Ipv4Addr::LOCALHOST, name.port()).into()].into()) });
    /// let layer = ProxyLayer::new(Proxies::none()).resolver(resolver);
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> ProxyLayer<S> {
        self.resolver = Arc::new(resolver);
        self
    }
}

impl<C, S: Clone> Layer<C> for ProxyLayer<S> {
    type Service = ProxyConnect<C, S>;

    fn layer(&self, inner: C) -> ProxyConnect<C, S> {
        ProxyConnect { inner, layer: self.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for ProxyLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyLayer")
            .field("proxies", &self.proxies)
            .field("secure", &self.secure)
            .finish_non_exhaustive()
    }
}

/// The connector that stands where none speaks TLS to proxies: an error that says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTls;

impl Service<Target> for NoTls {
    type Response = Connected<NoStream>;
    type Error = Error;
    type Future = Ready<Result<Connected<NoStream>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Target) -> Self::Future {
        let message = "no connector speaks TLS to proxies: give one to ProxyLayer::secure, or use an http proxy";
        ready(Err(Error::new(Kind::Proxy, message).with_resend(Resend::Safe)))
    }
}
