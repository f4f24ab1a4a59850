use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use treq_core::{Error, Facts, Framing};

use crate::failure;
use crate::outgoing::Tied;
use crate::shared::Shared;

/// The body of an answer as it comes off the connection, its framing removed.
///
/// It ends with an error of [`Kind::Body`](treq_core::Kind) where the connection ended before the framing said so.
///
/// That of [`Default`] is empty, for layers that make a response of their own.
#[derive(Default)]
pub struct AgentBody(Option<ReceivedBody>);

struct ReceivedBody {
    // Before the body, whose drop wakes the tasks of HTTP/2: they look at who is left.
    facts: Facts,
    body: hyper::body::Incoming,
    /// Held where the answer may have come before the whole request was sent. Boxed, since most answers have none.
    upload: Option<Box<Unsent>>,
    /// hyper has said that it is over. It is not asked again: of a stream whose upload is given up then, h2 would tell of a reset.
    ended: bool,
}

/// With the last that is held the sending ends.
pub(crate) enum Unsent {
    /// Over HTTP/1.1: with it the connection.
    Connection(
        #[allow(dead_code)] // Its drop does it.
        Arc<Shared>,
    ),
    /// Over HTTP/2: with it the stream.
    Stream(Tied),
}

impl AgentBody {
    pub(crate) fn new(body: hyper::body::Incoming, facts: Facts, upload: Option<Box<Unsent>>) -> AgentBody {
        AgentBody(Some(ReceivedBody { body, facts, upload, ended: false }))
    }

    /// The connection that it comes from, and how its end is known; `None` of one that comes from no connection.
    pub fn facts(&self) -> Option<&Facts> {
        self.0.as_ref().map(|received| &received.facts)
    }
}

impl ReceivedBody {
    /// Asked at its end: whether less came than was announced, or the stream was reset before its end.
    fn is_short(&self) -> bool {
        let is_http2 = self.facts.connection().protocol == Version::HTTP_2;
        let hint = self.body.size_hint();
        (hint.lower() > 0 || (is_http2 && hint.exact().is_none()))
            && !self.body.is_end_stream()
            && self.facts.framing() != Framing::None
    }
}

impl Body for AgentBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(this) = self.0.as_mut().filter(|this| !this.ended) else { return Poll::Ready(None) };
        let mut frame = ready!(Pin::new(&mut this.body).poll_frame(cx)).map(|frame| frame.map_err(failure::of_body));
        match &frame {
            // hyper looks at the length alone: https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1
            Some(Ok(data))
                if this.facts.framing() == Framing::None && data.data_ref().is_some_and(|data| !data.is_empty()) =>
            {
                frame = Some(Err(failure::bodyless()));
            }
            Some(Ok(_)) => {}
            // A stream that was reset without an error ends like any other for hyper; what was announced tells, or END_STREAM.
            None if this.is_short() => frame = Some(Err(failure::short())),
            None => {}
            // h2 forgets that a response was whole when its connection ends under an upload; all that was announced has come.
            Some(Err(error)) if this.body.size_hint().exact() == Some(0) && failure::is_lost(error) => frame = None,
            Some(Err(_)) => {
                if let Some(Unsent::Stream(tied)) = this.upload.as_deref_mut() {
                    frame = tied.failure().map(Err).or(frame);
                }
            }
        }
        // Who knows the length does not ask for what comes after the last byte.
        if this.upload.is_some() && (!matches!(frame, Some(Ok(_))) || this.body.is_end_stream()) {
            this.ended = true;
            this.upload = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|this| this.ended || this.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            // The length that a response to HEAD names is not the length of what is read.
            Some(this) if this.facts.framing() != Framing::None => this.body.size_hint(),
            _ => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for AgentBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("AgentBody");
        if let Some(this) = &self.0 {
            debug.field("body", &this.body).field("facts", &this.facts);
        }
        debug.finish_non_exhaustive()
    }
}
