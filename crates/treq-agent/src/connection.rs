use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, request};
use http_body::Body;
use hyper::client::conn::{TrySendError, http1};
use tokio_util::sync::ReusableBoxFuture;
use treq_core::{
    BoxError, Connection, ConnectionFacts, Error, Exchange, Facts, Forward, Framing, Origin, Reason, Refused, Wire,
};

use crate::expect::{self, Opener};
use crate::outgoing::{Gate, Outgoing};
use crate::watch::Watch;
use crate::{Incoming, failure, head};

/// A connection on which HTTP/1.1 or HTTP/2 is spoken: what an [`HttpConnector`](crate::HttpConnector) makes.
pub struct HttpConnection<B> {
    // A box, so that pools and futures move one word.
    inner: Box<Inner<B>>,
}

type Sent<B> = Result<Response<hyper::body::Incoming>, TrySendError<Request<Outgoing<B>>>>;

struct Inner<B> {
    sender: Sender<B>,
    /// hyper's future cannot be named; its box is kept for the next exchange.
    sending: Option<ReusableBoxFuture<'static, Sent<B>>>,
    shared: Arc<Shared>,
    exchange: Started,
    idle_hint: Option<Duration>,
}

pub(crate) enum Sender<B> {
    Http1(http1::SendRequest<Outgoing<B>>),
    #[cfg(feature = "http2")]
    Http2(hyper::client::conn::http2::SendRequest<Outgoing<B>>),
}

/// What all handles on one connection have in common.
pub(crate) struct Shared {
    pub(crate) facts: Arc<ConnectionFacts>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) origin: Origin,
    /// The `Host` field of the origin.
    pub(crate) host: HeaderValue,
    pub(crate) forward: Option<Forward>,
    pub(crate) begun: AtomicU32,
    /// How many streams the HTTP/2 peer admits, as far as its settings have been read.
    #[cfg(feature = "http2")]
    pub(crate) max_streams: std::sync::atomic::AtomicUsize,
    /// How long a body waits for `100 Continue`.
    pub(crate) expect_wait: Duration,
}

/// The exchange under way.
#[derive(Default)]
struct Started {
    /// Whether the connection had carried one before.
    reused: bool,
    /// Bytes read on the connection before it.
    read_before: u64,
    is_head: bool,
    is_connect: bool,
    /// Opens the body's gate; dropped when the answer has come.
    gate: Option<Arc<Opener>>,
}

impl<B> HttpConnection<B> {
    pub(crate) fn new(sender: Sender<B>, shared: Arc<Shared>) -> HttpConnection<B> {
        let inner = Inner { sender, sending: None, shared, exchange: Started::default(), idle_hint: None };
        HttpConnection { inner: Box::new(inner) }
    }

    fn is_http2(&self) -> bool {
        match &self.inner.sender {
            Sender::Http1(_) => false,
            #[cfg(feature = "http2")]
            Sender::Http2(_) => true,
        }
    }

    /// What is known of the connection.
    pub fn facts(&self) -> &ConnectionFacts {
        &self.inner.shared.facts
    }
}

impl<B: Send + 'static> Connection for HttpConnection<B> {
    fn is_open(&self) -> bool {
        match &self.inner.sender {
            // An answer that came before the whole body was sent leaves a connection of which nobody knows when it
            // will be free again.
            Sender::Http1(sender) => !sender.is_closed() && !self.inner.shared.watch.is_uploading(),
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => !sender.is_closed(),
        }
    }

    fn is_ready(&self) -> bool {
        match &self.inner.sender {
            Sender::Http1(sender) => sender.is_ready(),
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = match &mut self.inner.sender {
            Sender::Http1(sender) => sender.poll_ready(cx),
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => sender.poll_ready(cx),
        };
        ready.map_err(|error| failure::of_exchange(error, true))
    }

    fn share(&self) -> Option<HttpConnection<B>> {
        match &self.inner.sender {
            Sender::Http1(_) => None,
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => {
                Some(HttpConnection::new(Sender::Http2(sender.clone()), Arc::clone(&self.inner.shared)))
            }
        }
    }

    fn max_shares(&self) -> usize {
        match &self.inner.sender {
            Sender::Http1(_) => 1,
            #[cfg(feature = "http2")]
            Sender::Http2(_) => self.inner.shared.max_streams.load(Ordering::Relaxed),
        }
    }

    fn is_reused(&self) -> bool {
        self.inner.shared.begun.load(Ordering::Relaxed) > 0
    }

    fn idle_hint(&self) -> Option<Duration> {
        self.inner.idle_hint
    }
}

impl<B> Exchange<B> for HttpConnection<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Body = Incoming;

    fn begin(&mut self, mut head: request::Parts, body: B) {
        let http2 = self.is_http2();
        let inner = &mut *self.inner;
        let uploads = !body.is_end_stream();
        let (mut announced, mut gate) = (None, None);
        if uploads {
            let size = body.size_hint();
            announced = head::announced(&head.headers, &size);
            if !http2 && head::needs_chunked(&head, &size) {
                head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            if !http2 && expect::is_expected(&head.headers) {
                let (sender, waiting) = Gate::new(inner.shared.expect_wait);
                inner.exchange.gate = Some(Arc::new(Opener::new(sender)));
                gate = Some(waiting);
            }
        }
        // The length of nothing is said where a body is expected: RFC 9110, section 8.6.
        if !uploads
            && matches!(head.method, Method::POST | Method::PUT | Method::PATCH)
            && !head.headers.contains_key(TRANSFER_ENCODING)
            && !head.headers.contains_key(CONTENT_LENGTH)
        {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        inner.exchange.is_head = head.method == Method::HEAD;
        inner.exchange.is_connect = head.method == Method::CONNECT;
        inner.exchange.reused = inner.shared.begun.fetch_add(1, Ordering::Relaxed) > 0;
        inner.exchange.read_before = inner.shared.watch.begin(uploads);
        let mut request = Request::from_parts(head, Outgoing::new(body, announced, gate, &inner.shared.watch));
        if !http2 {
            expect::observe(&mut request, inner.exchange.gate.clone());
        }
        match &mut inner.sender {
            Sender::Http1(sender) => set(&mut inner.sending, sender.try_send_request(request)),
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => set(&mut inner.sending, sender.try_send_request(request)),
        }
    }

    fn wire(&self) -> Option<Wire<'_>> {
        let shared = &self.inner.shared;
        let mut wire = Wire::new(&shared.origin, &shared.host);
        wire.forward = shared.forward.as_ref();
        wire.http2 = self.is_http2();
        Some(wire)
    }

    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<Incoming>, Refused<B>>> {
        let inner = &mut *self.inner;
        let Some(sending) = &mut inner.sending else { return Poll::Pending };
        let sent = ready!(sending.poll(cx));
        if let Some(gate) = inner.exchange.gate.take() {
            gate.lock();
        }
        Poll::Ready(match sent {
            Ok(response) => Ok(inner.accept(response)),
            Err(failed) => Err(inner.refuse(failed)),
        })
    }
}

fn set<B: 'static>(
    slot: &mut Option<ReusableBoxFuture<'static, Sent<B>>>,
    future: impl Future<Output = Sent<B>> + Send + 'static,
) {
    match slot {
        Some(kept) => kept.set(future),
        None => *slot = Some(ReusableBoxFuture::new(future)),
    }
}

impl<B> Inner<B> {
    /// The answer with the facts of its connection.
    fn accept(&mut self, response: Response<hyper::body::Incoming>) -> Response<Incoming> {
        let mut response = response.map(Incoming::new);
        let http2 = response.version() == Version::HTTP_2;
        let framing = if self.is_bodyless(response.status()) {
            Framing::None
        } else if response.body().size_hint().exact().is_some() || http2 || is_chunked(response.headers()) {
            Framing::Delimited
        } else {
            Framing::Close
        };
        // A server says it with its first answer or never.
        if !http2 && (!self.exchange.reused || self.idle_hint.is_some()) {
            self.idle_hint = idle_hint(response.headers());
        }
        if let Some(reason) = response.extensions_mut().remove::<hyper::ext::ReasonPhrase>() {
            response.extensions_mut().insert(Reason(Bytes::copy_from_slice(reason.as_bytes())));
        }
        response.extensions_mut().insert(Facts::new(Arc::clone(&self.shared.facts), self.exchange.reused, framing));
        response
    }

    /// Whether such an answer has no body, whatever its fields say.
    fn is_bodyless(&self, status: StatusCode) -> bool {
        if self.exchange.is_head || (self.exchange.is_connect && status.is_success()) {
            return true;
        }
        matches!(status.as_u16(), 101 | 204 | 304)
    }

    fn refuse(&self, mut failed: TrySendError<Request<Outgoing<B>>>) -> Refused<B>
    where
        B: Body,
    {
        let request = failed.take_message().map(|request| request.map(Outgoing::into_inner));
        let error = failed.into_error();
        // Over HTTP/2 bytes may have arrived for other exchanges, which only makes this more careful; there the peer can
        // also say which requests it did not look at.
        let nothing_arrived = self.shared.watch.read() == self.exchange.read_before;
        let silent = failure::refused_by_peer(&error) || (nothing_arrived && failure::is_closed(&error));
        let mut refused = Refused::new(failure::of_exchange(error, request.is_some()));
        refused.stale = self.exchange.reused && silent;
        refused.request = request;
        refused
    }
}

/// Whether the last transfer coding is chunked; anything else ends with the connection
/// ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    last.is_some_and(|value| {
        let coding = value.as_bytes().rsplit(|&byte| byte == b',').next().unwrap_or_default();
        coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
    })
}

/// The seconds of `Keep-Alive: timeout=5, max=100`.
fn idle_hint(headers: &HeaderMap) -> Option<Duration> {
    static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let value = headers.get(&KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse::<u64>().ok()).flatten()
    })?;
    Some(Duration::from_secs(seconds))
}

impl<B> fmt::Debug for HttpConnection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnection").field("facts", self.facts()).finish_non_exhaustive()
    }
}
