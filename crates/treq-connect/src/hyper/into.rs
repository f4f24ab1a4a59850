use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Uri;
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, HttpVersion, Kind, Origin, Resend, Target};

use super::HyperStream;

/// A connector here, as a connector for hyper-util's client.
///
/// The inner service may be [`TcpConnect`](crate::TcpConnect) or [`UnixConnect`](crate::UnixConnect), a
/// [`TlsLayer`](crate::TlsLayer) or treq-proxy's `ProxyLayer` over them, or your own.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use treq_connect::TcpConnect;
/// use treq_connect::hyper::IntoHyper;
///
/// let connector = IntoHyper::new(TcpConnect::new());
/// let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
/// # let _ = client;
/// ```
///
/// # Facts
///
/// Each response has the [`Peer`](treq_core::Peer) of its connection among its extensions, and, if TLS is spoken, an
/// `Arc<TlsFacts>`. The client learns whether HTTP/2 was agreed on, and whether the connection goes to a forward proxy.
///
/// # Errors
///
/// The inner connector's, adopted. [`Kind::Builder`] for a URL without `http` or `https` and a host; for an `https` URL over
/// a connector that does not speak TLS (see [`enforce_tls`](IntoHyper::enforce_tls)); for a forward proxy with credentials,
/// which hyper-util's client has no way to send: have the proxy
/// [tunnel](https://docs.rs/treq-proxy/latest/treq_proxy/struct.Proxy.html#method.always_tunnel). All are [`Resend::Safe`].
#[derive(Clone, Debug)]
pub struct IntoHyper<C> {
    inner: C,
    http_version: HttpVersion,
    enforce_tls: bool,
}

/// The future of [`IntoHyper`]. It is one box per connection: hyper-util's client takes only futures that are `Unpin`.
#[must_use = "futures do nothing unless polled"]
pub struct IntoHyperFuture<F> {
    step: Step<F>,
}

enum Step<F> {
    Refused(Option<Error>),
    Connecting {
        connecting: Pin<Box<F>>,
        /// Set if a stream in the clear must not be handed out.
        enforced: Option<Origin>,
    },
}

impl<C> IntoHyper<C> {
    /// Connects by `inner`.
    pub fn new(inner: C) -> IntoHyper<C> {
        IntoHyper { inner, http_version: HttpVersion::Any, enforce_tls: true }
    }

    /// Sets the version of HTTP that is offered by ALPN (default: any). It has to be one that the client speaks: HTTP/1.1 for
    /// a client without the feature `http2`, HTTP/2 for one with `http2_only`.
    #[must_use]
    pub fn http_version(mut self, version: HttpVersion) -> IntoHyper<C> {
        self.http_version = version;
        self
    }

    /// Sets whether connecting for an `https` URL fails if the inner connector does not speak TLS (default: true), so that
    /// nothing goes out in the clear by mistake. Switch it off below a connector that speaks TLS over this one, such as
    /// hyper-rustls'.
    #[must_use]
    pub fn enforce_tls(mut self, enforce: bool) -> IntoHyper<C> {
        self.enforce_tls = enforce;
        self
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

impl<C, IO> Service<Uri> for IntoHyper<C>
where
    C: Service<Target, Response = Connected<IO>>,
    C::Error: Into<BoxError> + 'static,
{
    type Response = HyperStream<IO>;
    type Error = Error;
    type Future = IntoHyperFuture<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let origin = match Origin::from_uri(&url) {
            Ok(origin) => origin,
            Err(error) => return IntoHyperFuture { step: Step::Refused(Some(error.with_resend(Resend::Safe))) },
        };
        let enforced = (self.enforce_tls && origin.is_https()).then(|| origin.clone());
        let mut target = Target::new(origin);
        target.http_version = self.http_version;
        IntoHyperFuture { step: Step::Connecting { connecting: Box::pin(self.inner.call(target)), enforced } }
    }
}

impl<F, IO, E> Future for IntoHyperFuture<F>
where
    F: Future<Output = Result<Connected<IO>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<HyperStream<IO>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.step {
            Step::Refused(error) => Poll::Ready(Err(error.take().expect("IntoHyperFuture polled after completion"))),
            Step::Connecting { connecting, enforced } => {
                let connected = ready!(connecting.as_mut().poll(cx)).map_err(Error::from_boxed)?;
                Poll::Ready(usable(connected, enforced.as_ref()).map(HyperStream::new))
            }
        }
    }
}

/// The stream, unless hyper-util's client would write on it what must not or cannot be.
fn usable<IO>(connected: Connected<IO>, enforced: Option<&Origin>) -> Result<Connected<IO>, Error> {
    let refuse = |message: String| Err(Error::new(Kind::Builder, message).with_resend(Resend::Safe));
    if let (Some(origin), None) = (enforced, &connected.tls) {
        return refuse(format!(
            "the connector does not speak TLS, which {origin} needs: put a TlsLayer around it, or, if TLS is spoken over \
             IntoHyper, switch off IntoHyper::enforce_tls"
        ));
    }
    if connected.forward.as_ref().is_some_and(|forward| forward.authorization.is_some()) {
        return refuse(
            "a client of hyper-util sends no credentials to a forward proxy: tunnel to it with Proxy::always_tunnel"
                .to_owned(),
        );
    }
    Ok(connected)
}

impl<F> fmt::Debug for IntoHyperFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntoHyperFuture")
    }
}
