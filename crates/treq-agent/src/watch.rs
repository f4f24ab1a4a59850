use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

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
    /// The number of requests with a body under way over HTTP/2 whose responses have not ended: h2 does not tell how much of a body
    /// it has buffered.
    tied: AtomicUsize,
    /// One more than the number of streams that the HTTP/2 peer admits; 0 until it has said so.
    streams: AtomicUsize,
    /// True if the peer's SETTINGS have arrived since the last check.
    has_settings: AtomicBool,
    /// True if nothing more can be written.
    lost: AtomicBool,
    /// True if HTTP is over: the byte stream is the caller's.
    handed_over: AtomicBool,
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

    /// Returns true if nothing more can be written: the connection serves no further exchange.
    #[cfg(feature = "http2")]
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Notes that HTTP is over: errors are the caller's.
    pub(crate) fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Release);
    }

    /// The number of streams that the HTTP/2 peer admits; `None` until it has said so.
    #[cfg(feature = "http2")]
    pub(crate) fn streams(&self) -> Option<usize> {
        self.streams.load(Ordering::Acquire).checked_sub(1)
    }

    pub(crate) fn admit(&self, streams: usize) {
        self.streams.store(streams.saturating_add(1), Ordering::Release);
    }

    /// Returns true if the peer's SETTINGS have arrived since the last call.
    #[cfg(feature = "http2")]
    pub(crate) fn take_settings(&self) -> bool {
        // Asked after each turn of the connection's task: a load is cheaper than a swap.
        self.has_settings.load(Ordering::Acquire) && self.has_settings.swap(false, Ordering::AcqRel)
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

    /// A request with a body goes out over HTTP/2.
    #[cfg(feature = "http2")]
    pub(crate) fn tied(&self) {
        self.tied.fetch_add(1, Ordering::AcqRel);
    }

    /// Its answer is over, or nobody waits for it.
    pub(crate) fn untied(&self) {
        self.tied.fetch_sub(1, Ordering::AcqRel);
    }

    fn has_tied(&self) -> bool {
        self.tied.load(Ordering::Acquire) > 0
    }
}

/// A byte stream that counts the bytes read from it, limits interim heads, and is still read when it can no longer be
/// written.
///
/// A server that has seen enough of an upload responds and closes; the reset that follows meets the writing side first.
/// Its response can still be read ([RFC 9112, section 9.5](https://www.rfc-editor.org/rfc/rfc9112#section-9.5)), so the
/// reading side decides how the exchange ends.
pub(crate) struct Watched<IO> {
    io: IO,
    watch: Arc<Watch>,
    interim: Interim,
    lost: Option<Box<Lost>>,
    last_read: Option<Pin<Box<Sleep>>>,
}

/// The error of the write that failed, and the time until which the peer may still respond.
struct Lost {
    error: io::Error,
    wait: Pin<Box<Sleep>>,
}

/// The time that a peer has to respond after a failed write: a response that it has sent is there at once, as is the end of
/// the stream, unless something between the two keeps one direction open.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The time to read responses that have arrived when the connection has ended during an upload.
const LAST_READ: Duration = Duration::from_millis(100);

impl<IO> Watched<IO> {
    pub(crate) fn new(io: IO, watch: Arc<Watch>, interim: Interim) -> Watched<IO> {
        Watched { io, watch, interim, lost: None, last_read: None }
    }

    /// The result of a write after an error, which may mean only that the peer does not read.
    #[cold]
    fn failed(&mut self, error: io::Error, given: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        let may_read = matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected);
        if !may_read || self.watch.handed_over.load(Ordering::Acquire) {
            return Poll::Ready(Err(error));
        }
        self.lost = Some(Box::new(Lost { error, wait: Box::pin(sleep(LAST_WORD)) }));
        self.watch.lost.store(true, Ordering::Release);
        // The reading side has to look at the time from now on.
        cx.waker().wake_by_ref();
        self.unwritten(given)
    }

    /// The result of a read that yielded nothing: a wait, the end, or an error. `room` is what the read could have taken.
    #[cold]
    fn unread(&mut self, read: Poll<io::Result<()>>, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Poll::Ready(read) = read else {
            let Some(lost) = &mut self.lost else { return Poll::Pending };
            ready!(lost.wait.as_mut().poll(cx));
            return Poll::Ready(Err(std::mem::replace(&mut lost.error, io::ErrorKind::BrokenPipe.into())));
        };
        if room == 0 && read.is_ok() {
            return Poll::Ready(Ok(()));
        }
        // h2 forgets that a response was whole when its connection ends under an upload, so responses are given a moment to
        // be read first; the connection is of no further use meanwhile.
        let is_http2 = matches!(self.interim, Interim::Frames(_));
        if is_http2 && self.last_read.is_none() && self.watch.has_tied() {
            self.watch.lost.store(true, Ordering::Release);
            self.last_read = Some(Box::pin(sleep(LAST_READ)));
        }
        if let Some(wait) = &mut self.last_read {
            // What failed once fails again.
            ready!(wait.as_mut().poll(cx));
        }
        Poll::Ready(read)
    }

    /// The result of a write when nothing more can be written. HTTP/2 writes its acknowledgements and windows before it reads.
    /// HTTP/1.1 reads anyway, and a wait keeps it from consuming the rest of the upload.
    fn unwritten(&self, given: usize) -> Poll<io::Result<usize>> {
        match self.interim {
            Interim::Heads(_) if self.watch.handed_over.load(Ordering::Acquire) => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Interim::Heads(_) => Poll::Pending,
            Interim::Frames(_) => Poll::Ready(Ok(given)),
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if buf.filled().len() > before => {}
            Poll::Pending if this.lost.is_none() => return Poll::Pending,
            other => return this.unread(other, buf.remaining(), cx),
        }
        let new = &buf.filled()[before..];
        // Only this task writes the count, so a load and a store do.
        let read = this.watch.read.load(Ordering::Relaxed) + new.len() as u64;
        this.watch.read.store(read, Ordering::Release);
        let followed = match &mut this.interim {
            Interim::Heads(heads) if this.watch.awaiting_head.load(Ordering::Acquire) => heads.feed(new),
            Interim::Heads(_) => Ok(false),
            Interim::Frames(frames) => frames.feed(new).map(|has_settings| {
                if has_settings {
                    this.watch.admit(frames.streams().unwrap_or(usize::MAX));
                    this.watch.has_settings.store(true, Ordering::Release);
                }
                false
            }),
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
        if self.lost.is_some() {
            return self.unwritten(buf.len());
        }
        match Pin::new(&mut self.io).poll_write(cx, buf) {
            Poll::Ready(Err(error)) => self.failed(error, buf.len(), cx),
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lost.is_some() {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.watch.flushed();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => self.failed(error, 0, cx).map_ok(drop),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lost.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let given = || bufs.iter().map(|buf| buf.len()).sum();
        if self.lost.is_some() {
            return self.unwritten(given());
        }
        match Pin::new(&mut self.io).poll_write_vectored(cx, bufs) {
            Poll::Ready(Err(error)) => self.failed(error, given(), cx),
            written => written,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
