use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use treq_core::Connection;

use crate::lease::Lease;

/// How much of an unread body is read away on drop so that its connection can be kept: what is there already, no more
/// than this many bytes.
const DRAIN: usize = 16 * 1024;

/// A response's body that owns the lease on its connection.
///
/// At its end the connection goes back to the pool. Dropped before, the rest is drained where it is at most 16 KiB
/// that have arrived already; else the connection is closed, and its place is free at once.
pub struct PooledBody<R: Body<Data = Bytes> + Unpin, C: Connection> {
    body: R,
    /// `None` once the connection has gone back.
    lease: Option<Lease<C>>,
}

/// The body's own default, of no connection.
impl<R: Body<Data = Bytes> + Default + Unpin, C: Connection> Default for PooledBody<R, C> {
    fn default() -> PooledBody<R, C> {
        PooledBody { body: R::default(), lease: None }
    }
}

impl<R: Body<Data = Bytes> + Unpin, C: Connection> PooledBody<R, C> {
    pub(crate) fn new(body: R, lease: Option<Lease<C>>) -> PooledBody<R, C> {
        let mut pooled = PooledBody { body, lease };
        if pooled.body.is_end_stream() {
            pooled.give_back();
        }
        pooled
    }

    /// The connection's own body.
    pub fn get_ref(&self) -> &R {
        &self.body
    }

    fn give_back(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            lease.set_clean(true);
        }
    }

    /// Reads away what has arrived, without waiting for more; whether that was the end.
    fn drain(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut left = DRAIN;
        if self.body.size_hint().lower() > DRAIN as u64 {
            return false;
        }
        loop {
            match Pin::new(&mut self.body).poll_frame(&mut cx) {
                Poll::Ready(None) => return true,
                Poll::Ready(Some(Ok(frame))) => {
                    let len = frame.data_ref().map_or(0, Bytes::len);
                    if self.body.is_end_stream() {
                        return true;
                    }
                    match left.checked_sub(len) {
                        Some(rest) => left = rest,
                        None => return false,
                    }
                }
                Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
            }
        }
    }
}

impl<R: Body<Data = Bytes> + Unpin, C: Connection> Body for PooledBody<R, C> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(_)) if !this.body.is_end_stream() => {}
            Some(Ok(_)) | None => this.give_back(),
            // The lease is not clean: its drop closes the connection.
            Some(Err(_)) => this.lease = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<R: Body<Data = Bytes> + Unpin, C: Connection> Drop for PooledBody<R, C> {
    fn drop(&mut self) {
        // A stream of a shared connection is reset by its drop; the connection goes on.
        if self.lease.as_ref().is_some_and(|lease| !lease.is_share()) && self.drain() {
            self.give_back();
        }
    }
}

impl<R: Body<Data = Bytes> + Unpin, C: Connection> fmt::Debug for PooledBody<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledBody").field("leased", &self.lease.is_some()).finish_non_exhaustive()
    }
}
