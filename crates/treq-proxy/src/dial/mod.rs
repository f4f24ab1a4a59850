//! The IO of connecting through a proxy: streams are dialled here, and what goes over them is decided elsewhere.

mod by_socks;
mod by_tunnel;

use std::future::poll_fn;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Forward, HttpVersion, Origin, Resolve, Target, UriScheme};

use crate::credentials::Credentials;
use crate::error::failed;
use crate::stream::Io;
use crate::{Proxy, ProxyScheme, ProxyStream};

/// How the proxy is reached, once and maybe once more.
pub(crate) struct Dial<C, S> {
    plain: C,
    /// Whether `plain` was found ready by the caller.
    ready: bool,
    secure: S,
    proxy: Proxy,
    target: Target,
}

impl<C, S, P, T> Dial<C, S>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
{
    /// `plain` must be ready.
    pub(crate) fn new(plain: C, secure: S, proxy: Proxy, target: Target) -> Dial<C, S> {
        Dial { plain, ready: true, secure, proxy, target }
    }

    /// A new connection to the proxy.
    async fn dial(&mut self) -> Result<Connected<ProxyStream<P, T>>, Error> {
        let mut target = Target::new(self.proxy.origin().clone());
        // Proxies are spoken with in HTTP/1.1, which ALPN must not leave open.
        target.http_version = HttpVersion::Http1;
        let dialled = if self.proxy.scheme() == ProxyScheme::Https {
            call(&mut self.secure, false, target).await.map(|connected| connected.map(Io::Secure))
        } else {
            let ready = std::mem::take(&mut self.ready);
            call(&mut self.plain, ready, target).await.map(|connected| connected.map(Io::Plain))
        };
        match dialled {
            Ok(connected) => {
                // Facts of TLS are for the origin, and none of it has been spoken with yet.
                let mut connected = connected.map(ProxyStream::new);
                connected.tls = None;
                connected.forward = None;
                Ok(connected)
            }
            // A limit on time stays one.
            Err(error) if error.is_timeout() => Err(error),
            Err(error) => Err(failed(&self.proxy, &self.target.origin, "cannot be connected to").with_source(error)),
        }
    }
}

async fn call<C: Service<Target>>(connector: &mut C, ready: bool, target: Target) -> Result<C::Response, Error>
where
    C::Error: Into<BoxError> + 'static,
{
    if !ready {
        poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Error::from_boxed)?;
    }
    connector.call(target).await.map_err(Error::from_boxed)
}

/// A connection to the target by way of the proxy.
pub(crate) async fn through<C, S, P, T>(
    mut dial: Dial<C, S>,
    resolver: Arc<dyn Resolve>,
) -> Result<Connected<ProxyStream<P, T>>, Error>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    P: AsyncRead + AsyncWrite + Unpin,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    if !dial.proxy.scheme().is_http() {
        return by_socks::connect(&mut dial, &*resolver).await;
    }
    if is_forwarded(&dial.proxy, &dial.target.origin, dial.target.http_version) {
        let mut connected = dial.dial().await?;
        let mut forward = Forward::default();
        if let Credentials::Login(login) = dial.proxy.credentials() {
            forward.authorization = Some(login.basic());
        }
        connected.forward = Some(forward);
        return Ok(connected);
    }
    by_tunnel::connect(&mut dial).await
}

/// Whether requests to an origin are handed to the proxy in the clear. HTTP/2 with the origin itself needs a tunnel.
pub(crate) fn is_forwarded(proxy: &Proxy, origin: &Origin, http_version: HttpVersion) -> bool {
    proxy.forwards() && origin.scheme() == UriScheme::Http && http_version != HttpVersion::Http2
}
