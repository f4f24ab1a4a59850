//! Bodies of answers that come in pieces, late, or not at all.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use treq_core::{Error, Kind};

/// What comes back.
pub(crate) enum Answer {
    Never,
    Refused,
    /// The peer says that it did not look at the request.
    Unprocessed,
    /// The connection is handed over.
    Upgraded,
    /// Pieces of so many bytes; `None` stands for "not there yet", an error for a body that is cut.
    Pieces(VecDeque<Option<Result<usize, ()>>>),
}

impl Answer {
    pub(crate) fn of(pieces: impl IntoIterator<Item = usize>) -> Answer {
        Answer::Pieces(pieces.into_iter().map(|piece| Some(Ok(piece))).collect())
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Answer::Pieces(pieces) = &mut *self else { return Poll::Ready(None) };
        match pieces.front() {
            Some(None) => Poll::Pending,
            _ => Poll::Ready(pieces.pop_front().flatten().map(|piece| match piece {
                Ok(length) => Ok(Frame::data(Bytes::from(vec![b'x'; length]))),
                Err(()) => Err(Error::new(Kind::Body, "cut")),
            })),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Answer::Pieces(pieces) if pieces.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
