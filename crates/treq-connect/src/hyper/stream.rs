use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{self, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use treq_core::{Connected, Peer, TlsFacts};

/// The byte stream that [`IntoHyper`](super::IntoHyper) hands to hyper-util's client, with what is known of it.
#[derive(Debug)]
pub struct HyperStream<IO> {
    io: TokioIo<IO>,
    peer: Peer,
    tls: Option<Arc<TlsFacts>>,
    forward: bool,
}

impl<IO> HyperStream<IO> {
    pub(super) fn new(connected: Connected<IO>) -> HyperStream<IO> {
        let Connected { io, peer, tls, forward, .. } = connected;
        HyperStream { io: TokioIo::new(io), peer, tls, forward: forward.is_some() }
    }

    /// Returns a reference to the stream below.
    pub fn get_ref(&self) -> &IO {
        self.io.inner()
    }

    /// Returns a mutable reference to the stream below.
    pub fn get_mut(&mut self) -> &mut IO {
        self.io.inner_mut()
    }

    /// Returns the stream below by value.
    pub fn into_inner(self) -> IO {
        self.io.into_inner()
    }
}

impl<IO> Connection for HyperStream<IO> {
    fn connected(&self) -> connect::Connected {
        let mut connected = connect::Connected::new().proxy(self.forward).extra(self.peer.clone());
        if let Some(tls) = &self.tls {
            if tls.alpn.as_deref() == Some(b"h2") {
                connected = connected.negotiated_h2();
            }
            connected = connected.extra(Arc::clone(tls));
        }
        connected
    }
}

impl<IO: AsyncRead + Unpin> Read for HyperStream<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> Write for HyperStream<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
