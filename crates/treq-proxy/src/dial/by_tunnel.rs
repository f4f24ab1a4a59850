//! A tunnel by CONNECT, over a stream.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Origin, Target};

use super::Dial;
use crate::error::failed;
use crate::tunnel::{Drain, Drained, Head, HeadReader, Tunnel, Verdict};
use crate::{Proxy, ProxyStream};

pub(super) async fn connect<C, S, P, T>(dial: &mut Dial<C, S>) -> Result<Connected<ProxyStream<P, T>>, Error>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    P: AsyncRead + AsyncWrite + Unpin,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (proxy, origin) = (dial.proxy.clone(), dial.target.origin.clone());
    let mut tunnel = Tunnel::new(&proxy, &origin)?;
    while let Some(waiting) = tunnel.set_out()? {
        waiting.await.map_err(|error| tunnel.unusable(error))?;
    }
    let mut connected = dial.dial().await?;
    // Whether this connection has carried an answer before: only then may it have been closed meanwhile.
    let mut used = false;
    loop {
        let (head, rest) = match ask(&mut connected.io, &tunnel.head()).await {
            Ok(answer) => answer,
            Err(Broken::Closed) if used => {
                connected = dial.dial().await?;
                used = false;
                continue;
            }
            Err(broken) => return Err(broken.into_error(&proxy, &origin)),
        };
        let verdict = loop {
            match tunnel.judge(&head)? {
                Verdict::Wait(waiting) => waiting.await.map_err(|error| tunnel.unusable(error))?,
                verdict => break verdict,
            }
        };
        match verdict {
            Verdict::Wait(_) => unreachable!("it was awaited"),
            Verdict::Open => {
                tunnel.check_early(&rest)?;
                return Ok(connected.map(|io| io.with_early(rest)));
            }
            Verdict::Again(drain) => {
                used = match drain {
                    Some(drain) => drained(&mut connected.io, drain, rest).await,
                    None => false,
                };
                if !used {
                    // Closed before the next is opened: a proxy may count them.
                    drop(connected);
                    connected = dial.dial().await?;
                }
            }
        }
    }
}

/// Why there is no answer to CONNECT.
enum Broken {
    /// The connection ended, or failed, before a byte of it.
    Closed,
    Io(io::Error),
    /// It ended within.
    Cut,
    Malformed(String),
}

impl Broken {
    fn into_error(self, proxy: &Proxy, origin: &Origin) -> Error {
        match self {
            Broken::Closed => failed(proxy, origin, "closed the connection without an answer to CONNECT"),
            Broken::Cut => failed(proxy, origin, "closed the connection amid its answer to CONNECT"),
            Broken::Io(error) => failed(proxy, origin, "broke the connection off").with_source(error),
            Broken::Malformed(what) => failed(proxy, origin, what),
        }
    }
}

async fn ask<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, head: &[u8]) -> Result<(Head, Bytes), Broken> {
    let mut reader = HeadReader::default();
    let sent = async {
        io.write_all(head).await?;
        io.flush().await
    };
    if let Err(error) = sent.await {
        return Err(match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Broken::Closed,
            _ => Broken::Io(error),
        });
    }
    let mut buffer = [0; 1024];
    loop {
        let len = match io.read(&mut buffer).await {
            Ok(0) if reader.is_empty() => return Err(Broken::Closed),
            Ok(0) => return Err(Broken::Cut),
            Ok(len) => len,
            Err(error) if reader.is_empty() && error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(Broken::Closed);
            }
            Err(error) => return Err(Broken::Io(error)),
        };
        match reader.push(&buffer[..len]) {
            Ok(Some(head)) => return Ok((head, reader.into_rest())),
            Ok(None) => {}
            Err(malformed) => return Err(Broken::Malformed(malformed.to_string())),
        }
    }
}

/// Reads a body to its end; false where the connection is of no further use.
async fn drained<IO: AsyncRead + Unpin>(io: &mut IO, mut drain: Drain, rest: Bytes) -> bool {
    let mut next = drain.push(&rest);
    let mut buffer = [0; 1024];
    loop {
        match next {
            Drained::Done => return true,
            Drained::GiveUp => return false,
            Drained::More => match io.read(&mut buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(len) => next = drain.push(&buffer[..len]),
            },
        }
    }
}
