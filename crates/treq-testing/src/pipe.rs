use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::watch;

use crate::counts::OpenGuard;
use crate::{Faults, FaultyIo};

/// The client's end of a connection in memory: a pair of bounded pipes.
///
/// What a [`MemoryConnector`](crate::MemoryConnector) hands out. Dropping it closes the connection.
#[derive(Debug)]
pub struct Pipe {
    io: FaultyIo<DuplexStream>,
    link: Link,
    _open: OpenGuard,
}

/// The server's end of a connection in memory: what a handshake of [`MemoryServer::tls`](crate::MemoryServer::tls) gets.
#[derive(Debug)]
pub struct ServerEnd {
    io: DuplexStream,
    link: Link,
}

/// What the two ends know of each other beyond the bytes.
#[derive(Clone, Debug)]
struct Link(Arc<watch::Sender<LinkState>>);

#[derive(Debug, Default)]
struct LinkState {
    /// Bytes that the server wrote and the client has not read. Signed: a read may be counted before its write is.
    unread: isize,
    client_gone: bool,
    reset: bool,
}

/// Two ends of a connection that keeps at most `capacity` bytes in each direction.
pub(crate) fn pipe(capacity: usize, open: OpenGuard) -> (Pipe, ServerEnd) {
    let (client, server) = tokio::io::duplex(capacity);
    let link = Link(Arc::new(watch::Sender::new(LinkState::default())));
    (Pipe { io: Faults::from_env().stream(client), link: link.clone(), _open: open }, ServerEnd { io: server, link })
}

impl ServerEnd {
    /// Waits until the client has dropped its end.
    pub(crate) async fn client_gone(&self) {
        self.link.wait(|state| state.client_gone).await;
    }

    /// Waits until the client has read all that was written, or is gone.
    pub(crate) async fn drained(&self) {
        self.link.wait(|state| state.unread <= 0 || state.client_gone).await;
    }

    /// Closes so that the client's reads and writes fail, also the reads of what is still in the pipe.
    pub(crate) fn reset(self) {
        // Before the pipe is dropped: that is what wakes the client.
        self.link.0.send_modify(|state| state.reset = true);
    }
}

impl Link {
    async fn wait(&self, until: impl FnMut(&LinkState) -> bool) {
        // The sender lives in `self`: the channel cannot be closed meanwhile.
        let _ = self.0.subscribe().wait_for(until).await;
    }

    fn count(&self, bytes: isize) {
        self.0.send_if_modified(|state| {
            state.unread += bytes;
            state.unread <= 0
        });
    }

    fn alive(&self) -> io::Result<()> {
        if self.0.borrow().reset { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.link.0.send_modify(|state| state.client_gone = true);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.link.alive()?;
        let before = buf.filled().len();
        let outcome = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        // A reset may have come between the look above and the read, which then says "end".
        self.link.alive()?;
        self.link.count(-signed(buf.filled().len() - before));
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.link.alive()?;
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl AsyncRead for ServerEnd {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for ServerEnd {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.link.count(signed(written));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Lengths of slices always fit.
fn signed(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}
