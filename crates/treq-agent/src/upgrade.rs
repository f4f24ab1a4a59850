use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use treq_core::{Error, Hold, Kind};

/// The byte stream of a connection that has left HTTP: after a 101, or a 2xx to CONNECT.
///
/// Bytes that the server sent right behind its head are read first. Over TLS the end of the connection without `close_notify` is an
/// [`io::ErrorKind::UnexpectedEof`]: nobody can tell it from a cut
/// ([RFC 8446, section 6.1](https://www.rfc-editor.org/rfc/rfc8446#section-6.1)).
#[derive(Debug)]
pub struct Upgraded {
    io: TokioIo<hyper::upgrade::Upgraded>,
    /// Dropped after the stream: its place in a pool is given away when the connection is closed.
    #[allow(dead_code)]
    held: Option<Hold>,
}

/// Takes the connection out of an answer with status 101, or 2xx to CONNECT
/// ([RFC 9110, section 7.8](https://www.rfc-editor.org/rfc/rfc9110#section-7.8)).
///
/// # Errors
///
/// [`Kind::Protocol`] where the answer upgraded nothing, or the connection broke meanwhile.
pub async fn upgrade<B>(mut response: Response<B>) -> Result<Upgraded, Error> {
    let status = response.status();
    let held = response.extensions_mut().remove::<Hold>();
    match hyper::upgrade::on(&mut response).await {
        Ok(io) => Ok(Upgraded { io: TokioIo::new(io), held }),
        Err(error) => {
            let why = format!("the answer with status {status} does not hand its connection over");
            Err(Error::new(Kind::Protocol, why).with_source(error))
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
