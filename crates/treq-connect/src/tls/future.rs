use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::{Connect, TlsStream};
use treq_core::{BoxError, Connected, Error, HttpVersion, Kind, Origin, Resend};

use super::config::Preparing;
use super::{MaybeTls, TlsConfig, facts, reason};

pin_project! {
    /// The future of [`TlsConnect`](super::TlsConnect).
    #[must_use = "futures do nothing unless polled"]
    pub struct TlsFuture<F, IO> {
        #[pin]
        connect: F,
        step: Step<IO>,
    }
}

enum Step<IO> {
    Refused(Option<Error>),
    Plain,
    /// The configuration is being built; this comes first, so that a machine without roots is not connected from in
    /// vain. Boxed: it happens once per configuration.
    Preparing(Preparing, Option<Plan>),
    Connecting(Arc<ClientConfig>, Option<Plan>),
    /// The handshake is boxed as the stream will be: a TLS session is some kilobytes.
    Handshaking(Box<Connect<IO>>, Option<Plain>),
}

/// What the handshake is to be about.
struct Plan {
    origin: Origin,
    server: ServerName<'static>,
    http_version: HttpVersion,
    alpn: Vec<Vec<u8>>,
}

/// The facts of the connection below, for which the handshake runs.
struct Plain {
    origin: Origin,
    http_version: HttpVersion,
    connected: Connected<()>,
}

impl<F, IO> TlsFuture<F, IO> {
    pub(super) fn plain(connect: F) -> TlsFuture<F, IO> {
        TlsFuture { connect, step: Step::Plain }
    }

    pub(super) fn tls(connect: F, config: &TlsConfig, origin: Origin, http_version: HttpVersion) -> TlsFuture<F, IO> {
        let step = match Plan::new(config, origin, http_version) {
            Err(error) => Step::Refused(Some(error)),
            Ok(plan) => match config.ready() {
                Some(client) => Step::Connecting(client, Some(plan)),
                None => Step::Preparing(config.prepare(), Some(plan)),
            },
        };
        TlsFuture { connect, step }
    }
}

impl<F, IO, E> Future for TlsFuture<F, IO>
where
    F: Future<Output = Result<Connected<IO>, E>>,
    E: Into<BoxError> + 'static,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = Result<Connected<MaybeTls<IO>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const DONE: &str = "a future is not polled again once it is ready";
        let mut this = self.project();
        loop {
            *this.step = match &mut *this.step {
                Step::Refused(error) => return Poll::Ready(Err(error.take().expect(DONE))),
                Step::Plain => {
                    let connected = ready!(this.connect.poll(cx)).map_err(Error::from_boxed)?;
                    return Poll::Ready(Ok(connected.map(MaybeTls::plain)));
                }
                Step::Preparing(preparing, plan) => {
                    let client = ready!(preparing.as_mut().poll(cx))?;
                    Step::Connecting(client, plan.take())
                }
                Step::Connecting(client, plan) => {
                    let connected = ready!(this.connect.as_mut().poll(cx)).map_err(Error::from_boxed)?;
                    plan.take().expect(DONE).handshake(client, connected)
                }
                Step::Handshaking(handshake, plain) => {
                    let result = ready!(Pin::new(&mut **handshake).poll(cx));
                    return Poll::Ready(plain.take().expect(DONE).secured(result));
                }
            };
        }
    }
}

impl<F, IO> fmt::Debug for TlsFuture<F, IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFuture").finish_non_exhaustive()
    }
}

impl Plan {
    fn new(config: &TlsConfig, origin: Origin, http_version: HttpVersion) -> Result<Plan, Error> {
        let alpn = config.offer(http_version)?;
        let server = ServerName::try_from(origin.host().to_owned()).map_err(|cause| {
            let message = format!("{:?} is not a name that a TLS certificate can be for", origin.host());
            Error::new(Kind::Tls, message).with_source(cause).with_resend(Resend::Safe)
        })?;
        Ok(Plan { origin, server, http_version, alpn })
    }

    fn handshake<IO>(self, client: &Arc<ClientConfig>, connected: Connected<IO>) -> Step<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(Arc::clone(client));
        let (io, connected) = split(connected);
        let handshake = Box::new(connector.with_alpn(self.alpn).connect(self.server, io));
        Step::Handshaking(handshake, Some(Plain { origin: self.origin, http_version: self.http_version, connected }))
    }
}

impl Plain {
    fn secured<IO>(self, result: io::Result<TlsStream<IO>>) -> Result<Connected<MaybeTls<IO>>, Error> {
        let stream = result.map_err(|error| reason::explain(&self.origin, error))?;
        let facts = facts::of(stream.get_ref().1);
        if self.http_version == HttpVersion::Http2 && facts.alpn.as_deref() != Some(b"h2") {
            // The server has no ALPN at all: one that has would have refused the handshake.
            return Err(reason::no_http2(&self.origin));
        }
        let mut connected = self.connected.map(|()| MaybeTls::tls(stream));
        connected.tls = Some(Arc::new(facts));
        Ok(connected)
    }
}

/// The stream apart from its facts.
fn split<IO>(connected: Connected<IO>) -> (IO, Connected<()>) {
    let Connected { io, peer, tls, forward, .. } = connected;
    let mut facts = Connected::new((), peer);
    facts.tls = tls;
    facts.forward = forward;
    (io, facts)
}
