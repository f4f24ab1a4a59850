use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use treq_core::{Body, BoxError, Phase};

use crate::limit::Limits;

/// How a [`TimeoutLayer`](crate::TimeoutLayer) learns how a request's body goes out: a strategy, since only who knows the
/// body's type can put something around it.
///
/// A closure `Fn(B, UploadProgress) -> B` is one: it returns a body that tells [`UploadProgress`] of each piece that is
/// taken, and of the end.
pub trait Uploads<B> {
    /// Returns the body, watched: it tells `progress` of each piece that is taken, and of the end.
    fn watch(&self, body: B, progress: UploadProgress) -> B;

    /// Returns false if bodies are not watched: the head is waited for from the call on then. (default: true)
    fn watches(&self) -> bool {
        true
    }
}

/// Does not look: the head is waited for from the call on, and there is no limit on writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl<B> Uploads<B> for Unwatched {
    fn watch(&self, body: B, _: UploadProgress) -> B {
        body
    }

    fn watches(&self) -> bool {
        false
    }
}

/// Watches a [`treq_core::Body`]. It can be sent again as before, and the pieces that it goes out in have at most
/// 256 KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByBody;

impl Uploads<Body> for ByBody {
    fn watch(&self, body: Body, progress: UploadProgress) -> Body {
        body.map_each(move |body| {
            Body::new(Watched { body, rest: Bytes::new(), sending: 0, progress: progress.clone() })
        })
    }
}

impl<B, F: Fn(B, UploadProgress) -> B> Uploads<B> for F {
    fn watch(&self, body: B, progress: UploadProgress) -> B {
        self(body, progress)
    }
}

/// The progress of a request's body, as the body itself tells it.
#[derive(Clone)]
pub struct UploadProgress {
    upload: Arc<Upload>,
}

struct Upload {
    begun: Instant,
    /// When the last piece was taken, in milliseconds since then.
    moved: AtomicU64,
    ended: AtomicBool,
    /// The number of sendings whose body was asked for something.
    sendings: AtomicU64,
}

impl UploadProgress {
    pub(crate) fn new() -> UploadProgress {
        let upload = Upload {
            begun: Instant::now(),
            moved: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            sendings: AtomicU64::new(0),
        };
        UploadProgress { upload: Arc::new(upload) }
    }

    /// A piece was taken. After the end it is one of a further sending.
    pub fn moved(&self) {
        self.stamp();
        self.resume();
    }

    /// There is nothing more to send.
    pub fn ended(&self) {
        // Said again, as by a look for what follows the last piece, it is no news.
        if !self.upload.ended.load(Ordering::Relaxed) {
            self.stamp();
            self.upload.ended.store(true, Ordering::Release);
        }
    }

    /// Time counts from now. The body may have gone by now: the task of the connection takes it.
    pub(crate) fn stamp(&self) {
        let moved = self.upload.begun.elapsed().as_millis();
        self.upload.moved.store(moved.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// There is more to send: what the body said on a connection that was left is over.
    pub(crate) fn resume(&self) {
        if self.upload.ended.load(Ordering::Relaxed) {
            self.upload.ended.store(false, Ordering::Release);
        }
    }

    /// A body is asked for its first piece. Returns the number of its sending.
    fn begin(&self) -> u64 {
        let sending = self.upload.sendings.fetch_add(1, Ordering::AcqRel) + 1;
        self.moved();
        sending
    }

    /// This sending is over, which says nothing of a later one.
    fn over(&self, sending: u64) {
        if sending == self.upload.sendings.load(Ordering::Acquire) {
            self.ended();
        }
    }

    /// What has taken too long by now: else when to look again, never for `None`.
    pub(crate) fn overdue(&self, limits: &Limits) -> Result<(Phase, Duration), Option<Instant>> {
        let (phase, limit) = match self.upload.ended.load(Ordering::Acquire) {
            true => (Phase::Head, limits.head),
            false => (Phase::Write, limits.write),
        };
        let last = self.upload.begun + Duration::from_millis(self.upload.moved.load(Ordering::Relaxed));
        let now = Instant::now();
        match limit.map(|limit| (limit, last.checked_add(limit))) {
            Some((limit, Some(end))) if end <= now => Ok((phase, limit)),
            Some((_, end)) => Err(end),
            // Unlimited as long as it is sent; then the head's limit may begin.
            None => Err(limits.sending().and_then(|limit| now.checked_add(limit))),
        }
    }
}

impl fmt::Debug for UploadProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadProgress").field("ended", &self.upload.ended).finish_non_exhaustive()
    }
}

/// So large a piece counts as taken only when it is asked for what follows.
const PIECE: usize = 256 * 1024;

struct Watched {
    body: Body,
    rest: Bytes,
    /// 0 until it is asked for something.
    sending: u64,
    progress: UploadProgress,
}

/// Over HTTP/1.1 a body is not asked for its end once all of its length was taken: it is dropped.
impl Drop for Watched {
    fn drop(&mut self) {
        // A copy that was kept for another sending says nothing.
        if self.sending > 0 {
            self.progress.over(self.sending);
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.sending == 0 {
            this.sending = this.progress.begin();
        }
        if this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => {
                        this.progress.over(this.sending);
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
                Poll::Ready(end @ (None | Some(Err(_)))) => {
                    this.progress.over(this.sending);
                    return Poll::Ready(end);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        match this.is_end_stream() {
            true => this.progress.over(this.sending),
            // Nothing is no progress.
            false if piece.is_empty() => {}
            false => this.progress.moved(),
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        // The upper end first: it must not be below the lower one.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}
