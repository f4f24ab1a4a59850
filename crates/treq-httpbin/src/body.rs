use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The body of an answer: bytes, or pieces made one by one.
pub struct Body(Inner);

enum Inner {
    Bytes(Bytes),
    Pieces {
        next: Box<dyn FnMut() -> Option<Piece> + Send>,
        /// A piece whose time has not come.
        waiting: Option<(Pin<Box<Sleep>>, Bytes)>,
        /// How many bytes are still to come, where that is told.
        left: Option<u64>,
    },
}

/// Bytes, and how long to wait before they are sent.
pub(crate) struct Piece {
    pub(crate) wait: Duration,
    pub(crate) bytes: Bytes,
}

impl Piece {
    pub(crate) fn now(bytes: impl Into<Bytes>) -> Piece {
        Piece { wait: Duration::ZERO, bytes: bytes.into() }
    }
}

impl Body {
    /// A body whose pieces are made when they are asked for; `length` is told to the client where it is given.
    pub(crate) fn pieces(length: Option<u64>, next: impl FnMut() -> Option<Piece> + Send + 'static) -> Body {
        Body(Inner::Pieces { next: Box::new(next), waiting: None, left: length })
    }

    /// The bytes, where they are all here.
    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Bytes(bytes) => Some(bytes),
            Inner::Pieces { .. } => None,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body(Inner::Bytes(bytes.into()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.0 {
            Inner::Bytes(bytes) => std::mem::take(bytes),
            Inner::Pieces { next, waiting, left } => {
                let bytes = match waiting {
                    Some((timer, bytes)) => {
                        ready!(timer.as_mut().poll(cx));
                        std::mem::take(bytes)
                    }
                    None => match next() {
                        None => return Poll::Ready(None),
                        Some(piece) if piece.wait.is_zero() => piece.bytes,
                        Some(piece) => {
                            *waiting = Some((Box::pin(sleep(piece.wait)), piece.bytes));
                            return self.poll_frame(cx);
                        }
                    },
                };
                *waiting = None;
                if let Some(left) = left {
                    *left -= bytes.len() as u64;
                }
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Bytes(bytes) => bytes.is_empty(),
            Inner::Pieces { left, .. } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Pieces { left: Some(left), .. } => SizeHint::with_exact(*left),
            Inner::Pieces { left: None, .. } => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Inner::Pieces { .. } => f.write_str("Body(pieces)"),
        }
    }
}
