use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use treq_core::{Error, Facts, Framing};

use crate::failure;
use crate::outgoing::Tied;
use crate::shared::Shared;

/// The body of an answer as it comes off the connection, its framing removed.
///
/// It ends with an error of [`Kind::Body`](treq_core::Kind) where the connection ended before the framing said so.
pub struct AgentBody {
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
        AgentBody { body, facts, upload, ended: false }
    }

    /// Asked at its end: whether less came than was announced.
    fn is_short(&self) -> bool {
        self.body.size_hint().lower() > 0 && !self.body.is_end_stream() && self.facts.framing() != Framing::None
    }

    /// The connection that it comes from, and how its end is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Body for AgentBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut frame = ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map_err(failure::of_body));
        match &frame {
            // hyper looks at the length alone: https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1
            Some(Ok(data))
                if self.facts.framing() == Framing::None && data.data_ref().is_some_and(|data| !data.is_empty()) =>
            {
                frame = Some(Err(failure::bodyless()));
            }
            Some(Ok(_)) => {}
            // A stream that was reset without an error ends like any other; what was announced tells.
            None if self.is_short() => frame = Some(Err(failure::short())),
            None => {}
            // h2 forgets that a response was whole when its connection ends under an upload; all that was announced has come.
            Some(Err(error)) if self.body.size_hint().exact() == Some(0) && failure::is_lost(error) => frame = None,
            Some(Err(_)) => {
                if let Some(Unsent::Stream(tied)) = self.upload.as_deref_mut() {
                    frame = tied.failure().map(Err).or(frame);
                }
            }
        }
        // Who knows the length does not ask for what comes after the last byte.
        if self.upload.is_some() && (!matches!(frame, Some(Ok(_))) || self.body.is_end_stream()) {
            self.ended = true;
            self.upload = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The length that a response to HEAD names is not the length of what is read.
        if self.facts.framing() == Framing::None { SizeHint::with_exact(0) } else { self.body.size_hint() }
    }
}

impl fmt::Debug for AgentBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentBody").field("body", &self.body).field("facts", &self.facts).finish_non_exhaustive()
    }
}
