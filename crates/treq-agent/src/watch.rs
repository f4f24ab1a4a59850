use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::interim::{Interim, TooManyInterim};

/// What the byte stream under a connection and the connection itself tell each other.
///
/// hyper's errors do not say whether any byte of an answer had arrived, and it skips any number of interim heads: the
/// stream knows both.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Bytes read since the connection was made.
    read: AtomicU64,
    /// Whether the next bytes are the head of an answer.
    awaiting_head: AtomicBool,
    /// How far the request has come: an answer may be there before all of it has gone, and a peer that does not read keeps
    /// even a head from going.
    upload: AtomicU8,
    /// Interim heads went over their limit. h2 does not keep the error of the stream that says so.
    excess: AtomicBool,
}

/// All of it written.
const WRITTEN: u8 = 0;
/// The body, if there is one, has given its last, which may stand in hyper's buffers.
const GIVEN: u8 = 1;
const UNDER_WAY: u8 = 2;

impl Watch {
    /// A request goes out: what comes next is a head. Returns what had been read before.
    pub(crate) fn begin(&self, uploading: bool) -> u64 {
        self.upload.store(if uploading { UNDER_WAY } else { GIVEN }, Ordering::Release);
        self.awaiting_head.store(true, Ordering::Release);
        self.read()
    }

    /// The limit that interim heads went over, if they did.
    pub(crate) fn excess(&self) -> Option<TooManyInterim> {
        self.excess.load(Ordering::Acquire).then_some(TooManyInterim::LIMIT)
    }

    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// The body has given its last.
    pub(crate) fn given(&self) {
        self.upload.store(GIVEN, Ordering::Release);
    }

    /// hyper flushes the stream when its own buffers are empty.
    fn flushed(&self) {
        if self.upload.load(Ordering::Acquire) == GIVEN {
            self.upload.store(WRITTEN, Ordering::Release);
        }
    }

    pub(crate) fn is_uploading(&self) -> bool {
        self.upload.load(Ordering::Acquire) != WRITTEN
    }
}

/// A byte stream that counts what is read from it and keeps interim heads within limits.
pub(crate) struct Watched<IO> {
    io: IO,
    watch: Arc<Watch>,
    interim: Interim,
}

impl<IO> Watched<IO> {
    pub(crate) fn new(io: IO, watch: Arc<Watch>, interim: Interim) -> Watched<IO> {
        Watched { io, watch, interim }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let new = &buf.filled()[before..];
        // Only this task writes the count, so a load and a store do.
        let read = this.watch.read.load(Ordering::Relaxed) + new.len() as u64;
        this.watch.read.store(read, Ordering::Release);
        let followed = match &mut this.interim {
            Interim::Heads(heads) if this.watch.awaiting_head.load(Ordering::Acquire) => heads.feed(new),
            Interim::Heads(_) => Ok(false),
            Interim::Frames(frames) => frames.feed(new),
        };
        match followed {
            Ok(true) => this.watch.awaiting_head.store(false, Ordering::Release),
            Ok(false) => {}
            Err(limit) => {
                this.watch.excess.store(true, Ordering::Release);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, limit)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed {
            self.watch.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
