use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http_body::{Body as HttpBody, Frame, SizeHint};
use treq_core::{Body, BoxError, Error, Kind, TryClone};

use crate::boundary::Scan;
use crate::error::Failure;
use crate::plan::{Again, Plan, boundary_found};
use crate::progress::Progress;
use crate::source::Source;

/// An encoded [`Form`](crate::Form), sent frame by frame.
///
/// It reads when it is polled and not otherwise; dropped, it closes what it has open. Its size is exact where each part
/// knows its length. Errors are a [`treq_core::Error`] of [`Kind::Body`] that names the part, and nothing follows one.
///
/// Its `try_clone` gives one that starts from the beginning, where each part can be sent again.
pub struct FormBody {
    plan: Arc<Plan>,
    /// What the parts of the plan without content of their own have, in order.
    once: VecDeque<Source>,
    /// The part whose turn comes next.
    next: usize,
    current: Option<Current>,
    /// Heads and small contents, until they go out as one frame.
    out: BytesMut,
    /// A content in memory that goes out as it is, after `out`.
    large: Bytes,
    sent: u64,
    ended: bool,
}

/// The part whose content is on its way.
struct Current {
    source: Source,
    declared: Option<u64>,
    seen: u64,
    scan: Option<Scan>,
}

/// Contents up to this size are copied to where their heads are, so that they do not go out as a frame each.
const SMALL: usize = 4 * 1024;
/// Pieces without content that are taken one after the other before others get their turn.
const EMPTY_PIECES: usize = 32;

impl FormBody {
    pub(crate) fn new(plan: Arc<Plan>, once: VecDeque<Source>) -> FormBody {
        let (out, large) = (BytesMut::new(), Bytes::new());
        FormBody { plan, once, next: 0, current: None, out, large, sent: 0, ended: false }
    }

    pub(crate) fn again(plan: &Arc<Plan>) -> FormBody {
        FormBody::new(Arc::clone(plan), VecDeque::new())
    }

    pub(crate) fn replayable(&self) -> Option<Arc<Plan>> {
        self.plan.is_replayable().then(|| Arc::clone(&self.plan))
    }

    /// As treq's body, which can be sent again where each part can.
    pub(crate) fn into_body(self) -> Body {
        match self.replayable() {
            Some(plan) => Body::from_fn(move || Body::new(FormBody::again(&plan))),
            None => Body::new(self),
        }
    }

    /// The value for `Content-Type`, with the boundary.
    pub fn content_type(&self) -> HeaderValue {
        self.plan.content_type.clone()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut empty = 0;
        while !self.ended {
            if !self.large.is_empty() || self.out.len() >= self.plan.buffer.max(SMALL) || self.has_to_go() {
                return Poll::Ready(Some(Ok(self.hand_on())));
            }
            let Some(current) = &mut self.current else {
                if let Err(failure) = self.begin() {
                    return Poll::Ready(Some(Err(self.fail(failure))));
                }
                continue;
            };
            match ready!(current.poll(cx, self.plan.buffer)) {
                Err(failure) => return Poll::Ready(Some(Err(self.fail(failure)))),
                Ok(None) => self.current = None,
                Ok(Some(piece)) if piece.is_empty() => {
                    empty += 1;
                    if empty == EMPTY_PIECES {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                Ok(Some(piece)) => {
                    self.large = piece;
                    return Poll::Ready(Some(Ok(self.hand_on())));
                }
            }
        }
        Poll::Ready(None)
    }

    /// Whether what is gathered must not wait for more: the source of a part may take its time, and at the end there
    /// is no more.
    fn has_to_go(&self) -> bool {
        !self.out.is_empty() && (self.current.is_some() || self.next > self.plan.parts.len())
    }

    /// Writes the head of the next part and finds its content, or writes the end.
    fn begin(&mut self) -> Result<(), Failure> {
        let plan = Arc::clone(&self.plan);
        let at = self.next;
        self.next += 1;
        let Some(part) = plan.parts.get(at) else {
            self.out.extend_from_slice(&plan.end);
            // A part that stands alone has no end.
            self.ended = self.out.is_empty();
            return Ok(());
        };
        self.out.extend_from_slice(&part.head);
        let (source, length) = match &part.content {
            Some(Again::Bytes(bytes)) if bytes.len() <= SMALL => {
                self.out.extend_from_slice(bytes);
                return Ok(());
            }
            Some(Again::Bytes(bytes)) => {
                self.large = bytes.clone();
                return Ok(());
            }
            Some(Again::File(path, length)) => (Source::path(path.clone(), Some(*length)), None),
            Some(Again::Form(plan)) => (Source::Body(Body::new(FormBody::again(plan))), None),
            Some(Again::Factory(make)) => Source::made(make())?,
            None => match self.once.pop_front() {
                Some(source) => (source, None),
                None => return Err(Failure::new("its content can be sent only once")),
            },
        };
        let declared = part.length.or(length);
        self.current = Some(Current { source, declared, seen: 0, scan: plan.scan.clone() });
        Ok(())
    }

    /// The next frame: what is gathered, or the large content after it.
    fn hand_on(&mut self) -> Bytes {
        let bytes = if self.out.is_empty() { std::mem::take(&mut self.large) } else { self.out.split().freeze() };
        self.sent += bytes.len() as u64;
        self.ended = self.next > self.plan.parts.len();
        if let Some(told) = &self.plan.progress {
            told(Progress { sent: self.sent, total: self.plan.total });
        }
        bytes
    }

    /// Ends the body and lets go of all that it has open.
    fn fail(&mut self, failure: Failure) -> Error {
        self.ended = true;
        self.current = None;
        self.once.clear();
        let label = self.plan.parts.get(self.next.saturating_sub(1)).map_or("the form", |part| &part.label);
        failure.of_part(label, Kind::Body)
    }
}

impl Current {
    /// The next piece, after it was seen to be within the length and free of the boundary.
    fn poll(&mut self, cx: &mut Context<'_>, size: usize) -> Poll<Result<Option<Bytes>, Failure>> {
        let piece = ready!(self.source.poll(cx, size)).transpose()?;
        self.seen += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(match (piece, self.declared) {
            (Some(_), Some(declared)) if self.seen > declared => Err(Failure::length(declared, self.seen)),
            (None, Some(declared)) if self.seen < declared => Err(Failure::length(declared, self.seen)),
            (Some(piece), _) if self.scan.as_mut().is_some_and(|scan| scan.finds(&piece)) => Err(boundary_found()),
            (piece, _) => Ok(piece),
        })
    }
}

impl HttpBody for FormBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let piece = ready!(self.get_mut().poll(cx));
        Poll::Ready(piece.map(|piece| piece.map(Frame::data).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match self.plan.total {
            Some(total) if !self.ended => SizeHint::with_exact(total - self.sent),
            None if !self.ended => SizeHint::default(),
            _ => SizeHint::with_exact(0),
        }
    }
}

impl TryClone for FormBody {
    fn try_clone(&self) -> Option<FormBody> {
        self.replayable().map(|plan| FormBody::again(&plan))
    }
}

impl fmt::Debug for FormBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormBody({} parts, {} bytes sent)", self.plan.parts.len(), self.sent)
    }
}
