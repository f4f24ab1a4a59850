use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use treq_core::{Error, Facts};

use crate::connection::Shared;
use crate::failure;

/// The body of an answer as it comes off the connection, its framing removed.
///
/// It ends with an error of [`Kind::Body`](treq_core::Kind) where the connection ended before the framing said so.
pub struct Incoming {
    body: hyper::body::Incoming,
    facts: Facts,
    /// Held where the answer came before the whole request was sent: with the last that is held the sending ends.
    upload: Option<Arc<Shared>>,
}

impl Incoming {
    pub(crate) fn new(body: hyper::body::Incoming, facts: Facts, upload: Option<Arc<Shared>>) -> Incoming {
        Incoming { body, facts, upload }
    }

    /// The connection that it comes from, and how its end is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                // Its reader may not ask for more.
                if self.upload.is_some() && self.body.is_end_stream() {
                    self.upload = None;
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.upload = None;
                Some(Err(failure::of_body(error)))
            }
            None => {
                self.upload = None;
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("body", &self.body).field("facts", &self.facts).finish_non_exhaustive()
    }
}
