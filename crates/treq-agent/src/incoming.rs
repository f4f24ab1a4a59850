use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use treq_core::{Error, Facts};

use crate::failure;

/// The body of an answer as it comes off the connection, its framing removed.
///
/// It ends with an error of [`Kind::Body`](treq_core::Kind) where the connection ended before the framing said so.
#[derive(Debug)]
pub struct Incoming {
    body: hyper::body::Incoming,
    facts: Facts,
}

impl Incoming {
    pub(crate) fn new(body: hyper::body::Incoming, facts: Facts) -> Incoming {
        Incoming { body, facts }
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
        Pin::new(&mut self.body).poll_frame(cx).map_err(failure::of_body)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
