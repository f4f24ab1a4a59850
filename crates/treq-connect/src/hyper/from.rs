use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::uri::{Parts, PathAndQuery, Scheme, Uri};
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Forward, HttpVersion, Kind, Origin, Peer, Resend, Target, TlsFacts};

/// A connector of hyper-util's client, as a connector here.
///
/// Any `Service<Uri>` whose response is a [`Connection`] over hyper's IO traits will do: hyper-util's own `HttpConnector`,
/// or one of the crates hyper-rustls, hyper-tls, hyperlocal.
///
/// The connector is called with scheme, host and port of the target, as hyper-util's client would call it. Below a
/// [`TlsLayer`](crate::TlsLayer), as in `treq::ClientBuilder::connector`, it must not speak TLS itself, and must take
/// `https` URLs: that is what `enforce_http(false)` is for.
///
/// ```
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use treq_connect::hyper::FromHyper;
///
/// let mut http = HttpConnector::new();
/// http.enforce_http(false);
/// # #[cfg(feature = "tls")] {
/// use tower_layer::Layer;
/// use treq_connect::{TlsConfig, TlsLayer};
///
/// let connect = TlsLayer::new(TlsConfig::default()).layer(FromHyper::new(http));
/// # let _ = connect;
/// # }
/// ```
///
/// # Facts
///
/// A connector for hyper says less than one here. The peer is [`Peer::Unknown`] unless the connection has an [`HttpInfo`].
/// Of TLS it is only known that HTTP/2 was agreed on: then [`Connected::tls`] says so, otherwise it is `None`. A connector
/// that goes to a forward proxy has [`Connected::forward`] set, without credentials.
///
/// # Errors
///
/// [`Kind::Connect`], naming host and port, with the connector's error as its source; an [`Error`] is returned as it is.
/// [`Kind::Tls`] if the target wishes for HTTP/1.1 and the connector has agreed on HTTP/2. All of them but the connector's
/// own [`Error`] are [`Resend::Safe`].
#[derive(Clone, Debug)]
pub struct FromHyper<C> {
    inner: C,
}

pin_project! {
    /// The future of [`FromHyper`].
    #[must_use = "futures do nothing unless polled"]
    pub struct FromHyperFuture<F> {
        #[pin]
        connecting: F,
        origin: Origin,
        http_version: HttpVersion,
    }
}

impl<C> FromHyper<C> {
    /// Connects by `inner`.
    pub fn new(inner: C) -> FromHyper<C> {
        FromHyper { inner }
    }

    /// Returns a reference to the connector below.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns a mutable reference to the connector below.
    pub fn get_mut(&mut self) -> &mut C {
        &mut self.inner
    }

    /// Returns the connector below by value.
    pub fn into_inner(self) -> C {
        self.inner
    }
}

impl<C> Service<Target> for FromHyper<C>
where
    C: Service<Uri>,
    C::Response: Connection,
    C::Error: Into<BoxError>,
{
    type Response = Connected<TokioIo<C::Response>>;
    type Error = Error;
    type Future = FromHyperFuture<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(|cause| failed("the connector failed".to_owned(), cause))
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.inner.call(url(&target.origin));
        FromHyperFuture { connecting, origin: target.origin, http_version: target.http_version }
    }
}

impl<F, IO, E> Future for FromHyperFuture<F>
where
    F: Future<Output = Result<IO, E>>,
    IO: Connection,
    E: Into<BoxError>,
{
    type Output = Result<Connected<TokioIo<IO>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let io = match ready!(this.connecting.poll(cx)) {
            Ok(io) => io,
            Err(cause) => return Poll::Ready(Err(failed(format!("could not connect to {}", this.origin), cause))),
        };
        Poll::Ready(connected(io, this.origin, *this.http_version))
    }
}

fn connected<IO: Connection>(
    io: IO,
    origin: &Origin,
    http_version: HttpVersion,
) -> Result<Connected<TokioIo<IO>>, Error> {
    let known = io.connected();
    let is_http2 = known.is_negotiated_h2();
    if is_http2 && http_version == HttpVersion::Http1 {
        let message = format!(
            "HTTP/1.1 alone was asked for, but the connector has agreed on HTTP/2 with {origin}: let it offer HTTP/1.1 only"
        );
        return Err(Error::new(Kind::Tls, message).with_resend(Resend::Safe));
    }
    let mut extensions = http::Extensions::new();
    known.get_extras(&mut extensions);
    let peer = extensions.get::<HttpInfo>().map_or(Peer::Unknown, |info| Peer::Tcp(info.remote_addr()));
    let mut connected = Connected::new(TokioIo::new(io), peer);
    if is_http2 {
        let mut facts = TlsFacts::default();
        facts.alpn = Some(bytes::Bytes::from_static(b"h2"));
        connected.tls = Some(Arc::new(facts));
    }
    connected.forward = known.is_proxied().then(Forward::default);
    Ok(connected)
}

/// An origin as hyper-util's client writes it for its connectors.
fn url(origin: &Origin) -> Uri {
    let mut parts = Parts::default();
    parts.scheme = Some(if origin.is_https() { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(origin.authority().clone());
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).expect("a URL of all its parts")
}

fn failed(message: String, cause: impl Into<BoxError>) -> Error {
    match cause.into().downcast::<Error>() {
        Ok(ours) => *ours,
        Err(cause) => Error::new(Kind::Connect, message).with_source(cause).with_resend(Resend::Safe),
    }
}

impl<F> fmt::Debug for FromHyperFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromHyperFuture").field("origin", &self.origin).finish_non_exhaustive()
    }
}
