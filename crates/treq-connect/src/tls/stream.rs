use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A byte stream, in the clear or inside TLS: what [`TlsLayer`](super::TlsLayer) makes of the streams below it.
///
/// Shutting it down for writing says goodbye to the peer (`close_notify`) where TLS is spoken.
pub struct MaybeTls<IO>(Stream<IO>);

/// The session is boxed once, so that streams in the clear stay small; reading and writing goes through no box of a
/// trait.
enum Stream<IO> {
    Plain(IO),
    Tls(Box<TlsStream<IO>>),
}

impl<IO> MaybeTls<IO> {
    pub(super) fn plain(io: IO) -> MaybeTls<IO> {
        MaybeTls(Stream::Plain(io))
    }

    pub(super) fn tls(stream: TlsStream<IO>) -> MaybeTls<IO> {
        MaybeTls(Stream::Tls(Box::new(stream)))
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Stream::Tls(_))
    }

    /// Returns a reference to the stream below, for its socket options. If TLS is spoken, what goes through it is ciphertext.
    pub fn get_ref(&self) -> &IO {
        match &self.0 {
            Stream::Plain(io) => io,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Returns a mutable reference to the stream below. Reading from it or writing to it breaks a TLS session.
    pub fn get_mut(&mut self) -> &mut IO {
        match &mut self.0 {
            Stream::Plain(io) => io,
            Stream::Tls(stream) => stream.get_mut().0,
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for MaybeTls<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MaybeTls<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Stream::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Stream::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Stream::Plain(io) => io.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Plain(io) => Pin::new(io).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Stream::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl<IO: fmt::Debug> fmt::Debug for MaybeTls<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaybeTls").field("tls", &self.is_tls()).field("inner", self.get_ref()).finish()
    }
}
