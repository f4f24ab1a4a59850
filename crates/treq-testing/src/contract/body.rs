use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};

use super::mock::MockError;
use super::probe::{Probe, Token};

/// The body of the contract's requests and of the mock's answers.
///
/// It is pending once before each frame. A clone yields the same frames again, so that layers which keep a copy can.
#[derive(Clone, Debug, Default)]
pub struct MockBody {
    pieces: VecDeque<Piece>,
    /// Whether the size is told.
    sized: bool,
    /// Whether the next poll is the second one for its frame.
    woken: bool,
    /// Held, not looked at: it lives as long as the body.
    _token: Option<Token>,
}

#[derive(Clone, Debug)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    Failure,
    /// Nothing comes any more.
    Stall,
}

impl MockBody {
    /// A body of these pieces of data.
    pub(super) fn of(pieces: &[&'static str]) -> MockBody {
        let pieces = pieces.iter().map(|text| Piece::Data(Bytes::from_static(text.as_bytes()))).collect();
        MockBody { pieces, ..MockBody::default() }
    }

    /// The same, telling its size.
    pub(super) fn sized(self) -> MockBody {
        MockBody { sized: true, ..self }
    }

    /// The same with trailers behind.
    pub(super) fn with_trailers(mut self) -> MockBody {
        let trailers = HeaderMap::from_iter([(trailer_name(), HeaderValue::from_static("kept"))]);
        self.pieces.push_back(Piece::Trailers(trailers));
        self
    }

    /// The same with a failure behind.
    pub(super) fn failing(mut self) -> MockBody {
        self.pieces.push_back(Piece::Failure);
        self
    }

    /// The same, never ending.
    pub(super) fn stalling(mut self) -> MockBody {
        self.pieces.push_back(Piece::Stall);
        self
    }

    /// The same, counted among what is alive.
    pub(super) fn counted(self, probe: &Probe) -> MockBody {
        MockBody { _token: Some(probe.token()), ..self }
    }
}

fn trailer_name() -> http::HeaderName {
    http::HeaderName::from_static("x-contract-trailer")
}

impl Body for MockBody {
    type Data = Bytes;
    type Error = MockError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, MockError>>> {
        if matches!(self.pieces.front(), Some(Piece::Stall)) {
            return Poll::Pending;
        }
        if !self.woken && !self.pieces.is_empty() {
            self.woken = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.woken = false;
        Poll::Ready(match self.pieces.pop_front() {
            Some(Piece::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::Failure) => Some(Err(MockError::body())),
            Some(Piece::Stall) | None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.sized {
            return SizeHint::default();
        }
        let lengths = self.pieces.iter().map(|piece| match piece {
            Piece::Data(data) => data.len() as u64,
            _ => 0,
        });
        SizeHint::with_exact(lengths.sum())
    }
}
