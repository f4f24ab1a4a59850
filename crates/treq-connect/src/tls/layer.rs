use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Target};

use super::{MaybeTls, TlsConfig, TlsFuture};

/// A layer over any connector that speaks TLS with `https` targets and lets `http` targets through.
///
/// The connector below is whatever makes the byte stream: [`TcpConnect`](crate::TcpConnect), a tunnel through a proxy,
/// a pipe in memory. The certificate must be for the target's host, whatever the stream is connected to.
///
/// ALPN ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)) follows the target's HTTP version: `Any` offers `h2` and
/// `http/1.1`, `Http1` and `Http2` that one only. What was agreed on stands in [`Connected::tls`].
///
/// ```
/// use treq_connect::{TcpConnect, TlsConfig, TlsLayer};
/// use tower_layer::Layer;
///
/// let connect = TlsLayer::new(TlsConfig::default()).layer(TcpConnect::new());
/// # let _ = connect;
/// ```
///
/// # Errors
///
/// Those of the connector below, and [`Kind::Tls`](treq_core::Kind::Tls), whose message names the host, the reason and
/// what to do about it; its source is a `rustls::Error`, or a [`std::io::Error`] where the stream broke. A http_version for
/// HTTP/2 that [`http2(false)`](super::TlsConfigBuilder::http2) forbids is
/// [`Kind::Builder`](treq_core::Kind::Builder). All are [`Resend::Safe`](treq_core::Resend::Safe): the handshake comes
/// before the request.
///
/// A TLS 1.3 server refuses a client certificate only after the handshake, so that this refusal is an error of the
/// first read.
#[derive(Clone, Debug, Default)]
pub struct TlsLayer {
    config: TlsConfig,
}

/// The service of [`TlsLayer`].
#[derive(Clone, Debug)]
pub struct TlsConnect<S> {
    inner: S,
    config: TlsConfig,
}

impl TlsLayer {
    /// A layer that speaks TLS by `config`.
    pub fn new(config: TlsConfig) -> TlsLayer {
        TlsLayer { config }
    }
}

impl<S> TlsConnect<S> {
    /// Speaks TLS by `config` over the streams of `inner`, as [`TlsLayer`] makes it.
    pub fn new(inner: S, config: TlsConfig) -> TlsConnect<S> {
        TlsConnect { inner, config }
    }

    /// Returns a reference to the connector below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the connector below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the connector below by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> Layer<S> for TlsLayer {
    type Service = TlsConnect<S>;

    fn layer(&self, inner: S) -> TlsConnect<S> {
        TlsConnect::new(inner, self.config.clone())
    }
}

impl<S, IO> Service<Target> for TlsConnect<S>
where
    S: Service<Target, Response = Connected<IO>>,
    S::Error: Into<BoxError> + 'static,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Response = Connected<MaybeTls<IO>>;
    type Error = Error;
    type Future = TlsFuture<S::Future, IO>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: Target) -> TlsFuture<S::Future, IO> {
        let origin = target.origin.clone();
        let http_version = target.http_version;
        // Called even where TLS cannot come of it: the readiness that was reserved must be used up. Its future is not
        // polled before the configuration stands.
        let connect = self.inner.call(target);
        if origin.is_https() {
            TlsFuture::tls(connect, &self.config, origin, http_version)
        } else {
            TlsFuture::plain(connect)
        }
    }
}
