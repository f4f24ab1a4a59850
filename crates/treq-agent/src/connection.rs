use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{EXPECT, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::client::conn::{TrySendError, http1};
use tokio_util::sync::ReusableBoxFuture;
use treq_core::{
    BoxError, Connection, ConnectionFacts, ConnectionId, Error, Exchange, ExchangeError, Facts, Framing, Hold, Kind,
    Reason, Resend, Wire,
};

use crate::body::Unsent;
use crate::expect::{self, Opener};
use crate::outgoing::{Gate, Outgoing, Tied};
use crate::shared::Shared;
use crate::{AgentBody, failure, head};

/// A connection on which HTTP/1.1 or HTTP/2 is spoken: what an [`HttpHandshake`](crate::HttpHandshake) makes.
pub struct HttpConnection<B> {
    // A box, so that pools and futures move one word.
    inner: Box<Inner<B>>,
}

type Sent<B> = Result<Response<hyper::body::Incoming>, TrySendError<Request<Outgoing<B>>>>;

struct Inner<B> {
    // Before the sender, whose drop wakes the tasks of HTTP/2: they look at who is left.
    shared: Arc<Shared>,
    sender: Sender<B>,
    /// hyper's future cannot be named; its box is kept for the next exchange.
    sending: Option<ReusableBoxFuture<'static, Sent<B>>>,
    exchange: Started,
    /// The body of the request under way, where there is nothing of it to send.
    unsent: Option<B>,
    idle_hint: Option<Duration>,
    /// An answer was refused: what follows it on the stream means nothing.
    broken: bool,
}

pub(crate) enum Sender<B> {
    Http1(http1::SendRequest<Outgoing<B>>),
    #[cfg(feature = "http2")]
    Http2(hyper::client::conn::http2::SendRequest<Outgoing<B>>),
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
    asks_upgrade: bool,
    /// Opens the body's gate; dropped when the answer has come.
    gate: Option<Arc<Opener>>,
    /// Of a body over HTTP/2.
    tied: Option<Tied>,
}

impl<B> HttpConnection<B> {
    pub(crate) fn new(sender: Sender<B>, shared: Arc<Shared>) -> HttpConnection<B> {
        let exchange = Started::default();
        let inner = Inner { sender, sending: None, shared, exchange, unsent: None, idle_hint: None, broken: false };
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
            Sender::Http1(sender) => {
                !self.inner.broken && !sender.is_closed() && !self.inner.shared.watch.is_uploading()
            }
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => !sender.is_closed() && !self.inner.shared.watch.is_lost(),
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

    fn id(&self) -> Option<ConnectionId> {
        Some(self.inner.shared.facts.id)
    }

    fn max_shares(&self) -> Option<usize> {
        match &self.inner.sender {
            Sender::Http1(_) => Some(1),
            #[cfg(feature = "http2")]
            Sender::Http2(_) => self.inner.shared.watch.streams(),
        }
    }

    fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>) {
        // One pool has the connection.
        let _ = self.inner.shared.on_change.set(changed);
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
    type Body = AgentBody;

    // The request is changed where it stands, and moved once: into hyper.
    fn begin(&mut self, mut request: Request<B>) {
        let http2 = self.is_http2();
        let inner = &mut *self.inner;
        let uploads = !request.body().is_end_stream();
        let (mut announced, mut gate) = (None, None);
        if uploads {
            let size = request.body().size_hint();
            announced = head::announced(request.headers(), &size);
            if !http2 && head::needs_chunked(&request, &size) {
                request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            if !http2 && expect::is_expected(request.headers()) {
                let (sender, waiting) = Gate::new(inner.shared.expect_wait);
                inner.exchange.gate = Some(Arc::new(Opener::new(sender)));
                gate = Some(waiting);
            }
        } else {
            head::say_of_nothing(&mut request);
        }
        inner.exchange.is_head = request.method() == Method::HEAD;
        inner.exchange.is_connect = request.method() == Method::CONNECT;
        // Few fields are sooner looked through than looked up.
        let (mut asks_upgrade, mut expects) = (false, false);
        for name in request.headers().keys() {
            asks_upgrade |= *name == UPGRADE;
            expects |= *name == EXPECT;
        }
        inner.exchange.asks_upgrade = asks_upgrade;
        // Nothing may be expected for a body that is not there: RFC 9110, section 10.1.1.
        if !uploads && expects {
            request.headers_mut().remove(EXPECT);
        }
        inner.exchange.reused = inner.shared.begun.fetch_add(1, Ordering::Relaxed) > 0;
        inner.exchange.read_before = inner.shared.watch.begin(uploads);
        if !http2 {
            expect::observe(&mut request, inner.exchange.gate.clone());
        }
        let request = request.map(|body| {
            if uploads {
                let outgoing = Outgoing::new(body, announced, gate, &inner.shared.watch);
                #[cfg(feature = "http2")]
                if http2 {
                    return outgoing.tied(&mut inner.exchange.tied);
                }
                return outgoing;
            }
            inner.unsent = Some(body);
            Outgoing::nothing()
        });
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
        wire.version = shared.facts.protocol;
        Some(wire)
    }

    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<AgentBody>, ExchangeError<B>>> {
        let inner = &mut *self.inner;
        let Some(sending) = &mut inner.sending else { return Poll::Pending };
        // Matched as a whole, since each binding moves it.
        match sending.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(mut response)) => {
                inner.unsent = None;
                inner.lock_gate();
                match inner.accept(&mut response) {
                    Ok((facts, upload)) => {
                        let (head, body) = response.into_parts();
                        Poll::Ready(Ok(Response::from_parts(head, AgentBody::new(body, facts, upload))))
                    }
                    Err(error) => {
                        inner.broken = true;
                        Poll::Ready(Err(ExchangeError::new(error)))
                    }
                }
            }
            Poll::Ready(Err(failed)) => {
                inner.lock_gate();
                Poll::Ready(Err(inner.refuse(failed)))
            }
        }
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
    /// The answer has come: a body that still waits is not sent.
    fn lock_gate(&mut self) {
        if let Some(gate) = self.exchange.gate.take() {
            gate.lock();
        }
    }

    /// How the body of an answer is framed, and what is wrong with an answer that hyper takes.
    fn framing(&self, response: &Response<hyper::body::Incoming>) -> Result<Framing, Error> {
        let status = response.status();
        if status == StatusCode::SWITCHING_PROTOCOLS && !self.exchange.asks_upgrade {
            // https://www.rfc-editor.org/rfc/rfc9110#section-7.8
            let why = "the server switched protocols (101), which nobody had asked for";
            return Err(Error::new(Kind::Protocol, why));
        }
        if self.is_bodyless(status) {
            return Ok(Framing::None);
        }
        if response.body().size_hint().exact().is_some() || response.version() == Version::HTTP_2 {
            return Ok(Framing::Delimited);
        }
        // The request's TE offers no other transfer coding: https://www.rfc-editor.org/rfc/rfc9112#section-7
        let mut codings = response.headers().get_all(TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (None, _) => Ok(Framing::Close),
            (Some(one), None) if one.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(Framing::Delimited),
            _ => Err(Error::new(Kind::Protocol, "the answer has another Transfer-Encoding than chunked")),
        }
    }

    /// What an answer's body carries: the facts of its connection, and the connection itself while it still sends.
    fn accept(
        &mut self,
        response: &mut Response<hyper::body::Incoming>,
    ) -> Result<(Facts, Option<Box<Unsent>>), Error> {
        let framing = self.framing(response)?;
        // A server says it with its first answer or never.
        if response.version() != Version::HTTP_2 && (!self.exchange.reused || self.idle_hint.is_some()) {
            self.idle_hint = head::idle_hint(response.headers());
        }
        let facts = Facts::new(Arc::clone(&self.shared.facts), self.exchange.reused, framing);
        let extensions = response.extensions_mut();
        if let Some(reason) = extensions.remove::<hyper::ext::ReasonPhrase>() {
            extensions.insert(Reason::new(Bytes::copy_from_slice(reason.as_bytes())));
        }
        if self.shared.facts_in_extensions {
            extensions.insert(facts.clone());
        }
        if self.hands_over(response.status()) {
            // Over HTTP/2 a tunnel is one stream of many.
            if matches!(self.sender, Sender::Http1(_)) {
                self.shared.watch.hand_over();
            }
            response.extensions_mut().insert(Hold::default());
        }
        let unsent = self.shared.watch.is_uploading() && matches!(self.sender, Sender::Http1(_));
        let of_connection = || unsent.then(|| Unsent::Connection(Arc::clone(&self.shared)));
        let sending = self.exchange.tied.take().map(Unsent::Stream).or_else(of_connection);
        Ok((facts, sending.map(Box::new)))
    }

    /// Returns true if a response with this status hands its connection over.
    fn hands_over(&self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || (self.exchange.is_connect && status.is_success())
    }

    /// Whether such an answer has no body, whatever its fields say.
    fn is_bodyless(&self, status: StatusCode) -> bool {
        self.exchange.is_head || matches!(status.as_u16(), 204 | 304) || self.hands_over(status)
    }

    fn refuse(&mut self, mut failed: TrySendError<Request<Outgoing<B>>>) -> ExchangeError<B> {
        if let Some(told) = self.exchange.tied.take().and_then(|mut tied| tied.failure()) {
            return ExchangeError::new(told);
        }
        let mut unsent = self.unsent.take();
        let request = failed.take_message().and_then(|request| {
            let (head, outgoing) = request.into_parts();
            Some(Request::from_parts(head, outgoing.into_inner().or_else(|| unsent.take())?))
        });
        let error = failed.into_error();
        // Over HTTP/2 bytes may have arrived for other exchanges, which only makes this more careful; there the peer can
        // also say which requests it did not look at.
        let nothing_arrived = self.shared.watch.read() == self.exchange.read_before;
        let dead = self.exchange.reused && nothing_arrived && failure::is_closed(&error);
        let (wants_http1, goes_away) = (failure::wants_http1(&error), failure::goes_away(&error));
        let unread = failure::refused_by_peer(&error);
        let mut refused = ExchangeError::new(self.explain(error, request.is_some()));
        refused.stale = unread || dead;
        (refused.wants_http1, refused.goes_away) = (wants_http1, goes_away && unread);
        refused.request = request;
        refused.body = unsent;
        refused
    }

    /// The error of the exchange; `unsent` if hyper returned the request.
    fn explain(&self, error: hyper::Error, unsent: bool) -> Error {
        if let Some(limit) = self.shared.watch.excess() {
            return Error::new(Kind::Protocol, format!("the server sent {limit}")).with_source(limit);
        }
        let Some(end) = self.shared.end.get() else { return failure::of_exchange(error, unsent) };
        // A request that still waits for its stream when the connection ends has never been sent.
        let waited = !matches!(self.sender, Sender::Http1(_)) && failure::is_forgotten(&error);
        let resend = if unsent || waited { Resend::Safe } else { Resend::MaybeProcessed };
        match end {
            Some(broken) if error.is_canceled() || error.is_closed() => {
                Error::new(Kind::Protocol, broken.clone()).with_source(error).with_resend(resend)
            }
            _ if waited => failure::unsent().with_source(error).with_resend(resend),
            _ => failure::of_exchange(error, unsent),
        }
    }
}

impl<B> fmt::Debug for HttpConnection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnection").field("facts", self.facts()).finish_non_exhaustive()
    }
}
