use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
#[cfg(feature = "http2")]
use std::sync::Weak;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Version;
use http_body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use treq_core::{BoxError, Connected, ConnectionFacts, Error, HttpVersion, Kind, Origin, Resend, Target};

use crate::connection::Sender;
use crate::interim::{Frames, Heads, Interim};
use crate::outgoing::Outgoing;
use crate::shared::Shared;
use crate::watch::{Watch, Watched};
use crate::{HttpConnection, failure, head};

/// Middleware that makes HTTP connections of byte streams: `Service<Target>` to `Service<Target>`.
///
/// Over TLS the protocol is the one that ALPN chose; in the clear it is HTTP/1.1, or HTTP/2 where the target
/// [wishes](HttpVersion) so. Each connection is driven by a task on the runtime that asked for it; the task ends with the
/// connection.
pub struct HttpHandshake<C, B = treq_core::Body> {
    connector: C,
    options: Options,
    body: PhantomData<fn(B)>,
}

/// How large a head may be.
const MAX_HEAD: u32 = 64 * 1024;

/// The HTTP/2 windows of a stream and of a connection: unread responses must not stall those that are being read, so only
/// the windows of the streams limit them.
#[cfg(feature = "http2")]
const STREAM_WINDOW: u32 = 1024 * 1024;
#[cfg(feature = "http2")]
const CONNECTION_WINDOW: u32 = i32::MAX as u32;

/// A peer that says nothing for so long while streams are open is asked whether it is there, by a PING
/// ([RFC 9113, section 6.7](https://www.rfc-editor.org/rfc/rfc9113#section-6.7)), and has so long to answer: one connection
/// carries everything to its origin, so a dead one would be used again and again.
#[cfg(feature = "http2")]
const PING_AFTER: Duration = Duration::from_secs(20);
#[cfg(feature = "http2")]
const PING_WAIT: Duration = Duration::from_secs(10);

/// The time that an HTTP/2 peer has to send its first SETTINGS, which must be the first frame
/// ([RFC 9113, section 3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4)). After that it is assumed to allow as many
/// streams as [section 6.5.2](https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2) recommends at least.
#[cfg(feature = "http2")]
const SETTINGS_WAIT: Duration = Duration::from_secs(1);
#[cfg(feature = "http2")]
const INITIAL_STREAMS: usize = 100;

/// The number of locally reset streams to remember, so that frames that still arrive on them do not count against the peer:
/// short timeouts cancel requests by the hundred.
#[cfg(feature = "http2")]
const RESET_STREAMS: usize = 16 * 1024;

/// The largest frame that the peer may send: some servers send heads in frames larger than the minimum of
/// [RFC 9113, section 4.2](https://www.rfc-editor.org/rfc/rfc9113#section-4.2).
#[cfg(feature = "http2")]
const MAX_FRAME: u32 = 64 * 1024;

#[derive(Clone, Debug)]
struct Options {
    http1: http1::Builder,
    expect_wait: Duration,
    facts_in_extensions: bool,
    #[cfg(feature = "http2")]
    max_header_list: u32,
}

impl<C> HttpHandshake<C> {
    /// HTTP over the streams that `connector` yields, for requests with a [`treq_core::Body`].
    pub fn new(connector: C) -> HttpHandshake<C> {
        let mut http1 = http1::Builder::new();
        http1.max_header_size(MAX_HEAD as usize);
        let options = Options {
            http1,
            expect_wait: Duration::from_secs(1),
            facts_in_extensions: false,
            #[cfg(feature = "http2")]
            max_header_list: MAX_HEAD,
        };
        HttpHandshake { connector, options, body: PhantomData }
    }
}

impl<C, B> HttpHandshake<C, B> {
    /// The same for requests with another body.
    #[must_use]
    pub fn for_body<T>(self) -> HttpHandshake<C, T> {
        HttpHandshake { connector: self.connector, options: self.options, body: PhantomData }
    }

    /// How many fields a response's head may have over HTTP/1.1: 100 unless set. More are an error of
    /// [`Kind::Protocol`]. More than 24,576 are not had: no `HeaderMap` holds them.
    #[must_use]
    pub fn max_headers(mut self, fields: usize) -> Self {
        // Beyond that the map panics, on a task that nobody sees.
        const MAP: usize = 24 * 1024;
        self.options.http1.max_headers(fields.min(MAP));
        self
    }

    /// How many bytes a response's head may have: 64 KiB unless set. More are an error of [`Kind::Protocol`].
    #[must_use]
    pub fn max_head_size(mut self, bytes: usize) -> Self {
        // A head is read whole, so the buffer must hold it; this is what hyper allows it unless told.
        const BUFFER: usize = 408 * 1024;
        self.options.http1.max_header_size(bytes).max_buf_size(bytes.max(BUFFER));
        #[cfg(feature = "http2")]
        {
            self.options.max_header_list = u32::try_from(bytes).unwrap_or(u32::MAX);
        }
        self
    }

    /// Whether a response's field that goes on in further lines is taken, as one field, which servers have not been allowed to
    /// send since 2014 ([RFC 9112, section 5.2](https://www.rfc-editor.org/rfc/rfc9112#section-5.2)). Off unless set: then it
    /// is an error.
    pub fn folded_fields(mut self, on: bool) -> Self {
        self.options.http1.allow_obsolete_multiline_headers_in_responses(on);
        self
    }

    /// Whether field names go out as `Title-Case` over HTTP/1.1, for servers that compare them letter by letter. Off
    /// unless set.
    #[must_use]
    pub fn title_case_headers(mut self, on: bool) -> Self {
        self.options.http1.title_case_headers(on);
        self
    }

    /// How long the body of a request with `Expect: 100-continue` waits for the server's word before it is sent all
    /// the same: one second unless set ([RFC 9110, section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1)).
    #[must_use]
    pub fn expect_wait(mut self, wait: Duration) -> Self {
        self.options.expect_wait = wait;
        self
    }

    /// Whether the [`Facts`](treq_core::Facts) of an exchange are put into its response's extensions too, for layers that
    /// cannot read them off the [body](crate::AgentBody::facts). Off unless set: it takes three allocations per response.
    #[must_use]
    pub fn facts_in_extensions(mut self, on: bool) -> Self {
        self.options.facts_in_extensions = on;
        self
    }
}

impl<C, B, IO> Service<Target> for HttpHandshake<C, B>
where
    C: Service<Target, Response = Connected<IO>>,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = HttpConnection<B>;
    type Error = Error;
    // Boxed: once per connection, not per request.
    type Future = Pin<Box<dyn Future<Output = Result<HttpConnection<B>, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connector.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut target: Target) -> Self::Future {
        if cfg!(not(feature = "http2")) && target.http_version == HttpVersion::Any {
            // What cannot be spoken must not be offered by ALPN.
            target.http_version = HttpVersion::Http1;
        }
        let (origin, http_version) = (target.origin.clone(), target.http_version);
        let connecting = self.connector.call(target);
        let options = self.options.clone();
        Box::pin(async move {
            let connected = connecting.await.map_err(Error::from_boxed)?;
            handshake(connected, origin, http_version, options).await.map_err(|error| error.with_resend(Resend::Safe))
        })
    }
}

async fn handshake<IO, B>(
    connected: Connected<IO>,
    origin: Origin,
    http_version: HttpVersion,
    options: Options,
) -> Result<HttpConnection<B>, Error>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let protocol = protocol(&connected, http_version)?;
    let watch = Arc::new(Watch::default());
    let interim = match protocol {
        Version::HTTP_2 => Interim::Frames(Frames::default()),
        _ => Interim::Heads(Heads::default()),
    };
    let io = TokioIo::new(Watched::new(connected.io, Arc::clone(&watch), interim));
    let shared = Arc::new(Shared {
        facts: Arc::new(ConnectionFacts::new(connected.peer, protocol, connected.tls)),
        watch,
        host: head::host(&origin)?,
        origin,
        forward: connected.forward,
        begun: AtomicU32::new(0),
        on_change: OnceLock::new(),
        expect_wait: options.expect_wait,
        end: OnceLock::new(),
        task: OnceLock::new(),
        facts_in_extensions: options.facts_in_extensions,
    });
    let failed = |error| failure::of_exchange(error, true);
    let sender = match protocol {
        #[cfg(feature = "http2")]
        Version::HTTP_2 => {
            let tasks = crate::goodbye::Tasks(Arc::downgrade(&shared.facts), Arc::downgrade(&shared));
            let mut builder = hyper::client::conn::http2::Builder::new(tasks);
            builder
                .timer(hyper_util::rt::TokioTimer::new())
                .keep_alive_interval(PING_AFTER)
                .keep_alive_timeout(PING_WAIT)
                .max_header_list_size(options.max_header_list)
                .max_frame_size(MAX_FRAME)
                .max_concurrent_reset_streams(RESET_STREAMS)
                .max_local_error_reset_streams(None)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW);
            let (sender, connection) = builder.handshake::<_, Outgoing<B>>(io).await.map_err(failed)?;
            tokio::spawn(drive_http2(connection, Arc::downgrade(&shared)));
            Sender::Http2(sender)
        }
        _ => {
            let (sender, connection) = options.http1.handshake::<_, Outgoing<B>>(io).await.map_err(failed)?;
            let noting = Arc::downgrade(&shared);
            let task = tokio::spawn(async move {
                let done = connection.with_upgrades().await;
                if let Some(shared) = noting.upgrade() {
                    shared.over(done.err().as_ref());
                }
            });
            let _ = shared.task.set(task.abort_handle());
            Sender::Http1(sender)
        }
    };
    Ok(HttpConnection::new(sender, shared))
}

/// Passes requests to the streams of a connection until it ends.
#[cfg(feature = "http2")]
async fn drive_http2(connection: impl Future<Output = hyper::Result<()>>, shared: Weak<Shared>) {
    let done = {
        let mut connection = std::pin::pin!(connection);
        let mut wait = Some(Box::pin(tokio::time::sleep(SETTINGS_WAIT)));
        std::future::poll_fn(|cx| {
            if wait.as_mut().is_some_and(|wait| wait.as_mut().poll(cx).is_ready()) {
                wait = None;
                if let Some(shared) = shared.upgrade().filter(|shared| shared.watch.streams().is_none()) {
                    shared.watch.admit(INITIAL_STREAMS);
                    shared.changed();
                }
            }
            connection.as_mut().poll(cx)
        })
        .await
    };
    // The connection is gone by now, so that whoever looks sees it closed.
    if let Some(shared) = shared.upgrade() {
        shared.over(done.err().as_ref());
        shared.changed();
    }
}

/// What to speak on a stream: ALPN's choice, else what was wished for.
fn protocol<IO>(connected: &Connected<IO>, http_version: HttpVersion) -> Result<Version, Error> {
    let alpn = connected.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
    let http2 = match (alpn, http_version) {
        (Some(b"h2"), _) => true,
        (Some(_), HttpVersion::Http2) => {
            return Err(Error::new(Kind::Tls, "HTTP/2 was asked for, but the server chose HTTP/1.1 by ALPN"));
        }
        (None, HttpVersion::Http2) if connected.tls.is_some() => {
            return Err(Error::new(Kind::Tls, "HTTP/2 was asked for, but the server does not take part in ALPN"));
        }
        (Some(_), _) | (None, HttpVersion::Any | HttpVersion::Http1) => false,
        (None, _) => true,
    };
    match http2 {
        true if cfg!(feature = "http2") => Ok(Version::HTTP_2),
        true => {
            Err(Error::new(Kind::Builder, "HTTP/2 was asked for, but treq-agent was built without its feature http2"))
        }
        false => Ok(Version::HTTP_11),
    }
}

impl<C: Clone, B> Clone for HttpHandshake<C, B> {
    fn clone(&self) -> Self {
        HttpHandshake { connector: self.connector.clone(), options: self.options.clone(), body: PhantomData }
    }
}

impl<C: fmt::Debug, B> fmt::Debug for HttpHandshake<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHandshake").field("connector", &self.connector).finish_non_exhaustive()
    }
}
