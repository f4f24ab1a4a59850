use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream that a [`ProxyConnect`](crate::ProxyConnect) hands out: one of the connector below it (`P`), or one that
/// speaks TLS to a proxy (`T`), with nothing between but what came early.
#[derive(Debug)]
pub struct ProxyStream<P, T = NoStream> {
    io: Io<P, T>,
    /// What the origin sent together with the proxy's answer.
    early: Bytes,
}

#[derive(Debug)]
pub(crate) enum Io<P, T> {
    Plain(P),
    Secure(T),
}

/// A stream that there is none of.
#[derive(Debug)]
pub enum NoStream {}

impl<P, T> ProxyStream<P, T> {
    pub(crate) fn new(io: Io<P, T>) -> ProxyStream<P, T> {
        ProxyStream { io, early: Bytes::new() }
    }

    pub(crate) fn with_early(mut self, early: Bytes) -> ProxyStream<P, T> {
        self.early = early;
        self
    }

    /// The stream below, where it comes from the connector that the layer was put around.
    pub fn plain(&self) -> Option<&P> {
        match &self.io {
            Io::Plain(plain) => Some(plain),
            Io::Secure(_) => None,
        }
    }

    /// The stream below, where it speaks TLS to an `https` proxy.
    pub fn secure(&self) -> Option<&T> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Secure(secure) => Some(secure),
        }
    }
}

impl<P: AsyncRead + Unpin, T: AsyncRead + Unpin> ProxyStream<P, T> {
    /// Apart, so that what goes direct, which is nearly everything, costs a branch.
    #[cold]
    #[inline(never)]
    fn poll_read_otherwise(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.early.has_remaining() {
            let len = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early.split_to(len));
            if self.early.is_empty() {
                self.early = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        match &mut self.io {
            Io::Plain(plain) => Pin::new(plain).poll_read(cx, buf),
            Io::Secure(secure) => Pin::new(secure).poll_read(cx, buf),
        }
    }
}

impl<P: AsyncRead + Unpin, T: AsyncRead + Unpin> AsyncRead for ProxyStream<P, T> {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let ProxyStream { io: Io::Plain(plain), early } = &mut *self {
            if early.is_empty() {
                return Pin::new(plain).poll_read(cx, buf);
            }
        }
        self.poll_read_otherwise(cx, buf)
    }
}

impl<P: AsyncWrite + Unpin, T: AsyncWrite + Unpin> AsyncWrite for ProxyStream<P, T> {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(plain) => Pin::new(plain).poll_write(cx, buf),
            Io::Secure(secure) => Pin::new(secure).poll_write(cx, buf),
        }
    }

    #[inline]
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Io::Secure(secure) => Pin::new(secure).poll_flush(cx),
        }
    }

    #[inline]
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Io::Secure(secure) => Pin::new(secure).poll_shutdown(cx),
        }
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(plain) => Pin::new(plain).poll_write_vectored(cx, bufs),
            Io::Secure(secure) => Pin::new(secure).poll_write_vectored(cx, bufs),
        }
    }

    #[inline]
    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(plain) => plain.is_write_vectored(),
            Io::Secure(secure) => secure.is_write_vectored(),
        }
    }
}

impl AsyncRead for NoStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for NoStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
