use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::UnixStream;
use tower_service::Service;
use treq_core::{Connected, Error, Kind, Peer, Resend, Target};

/// A connector that goes to one Unix socket, whatever the target: the origin only says what stands in `Host`.
///
/// On Linux a path that begins with a zero byte names an abstract socket. Must be called on a tokio runtime with IO
/// switched on.
///
/// ```
/// use treq_connect::UnixConnect;
///
/// let connect = UnixConnect::new("/run/docker.sock");
/// # let _ = connect;
/// ```
///
/// # Errors
///
/// [`Kind::Connect`] names the path; its source is the [`std::io::Error`]. It is [`Resend::Safe`].
#[derive(Clone, Debug)]
pub struct UnixConnect {
    path: Arc<Path>,
}

/// The future of [`UnixConnect`]. It holds one box: connections are rare beside requests.
#[must_use = "futures do nothing unless polled"]
pub struct UnixFuture(Pin<Box<dyn Future<Output = Result<Connected<UnixStream>, Error>> + Send>>);

impl UnixConnect {
    /// Connects to the socket at `path`.
    pub fn new(path: impl Into<PathBuf>) -> UnixConnect {
        UnixConnect { path: path.into().into() }
    }
}

impl Service<Target> for UnixConnect {
    type Response = Connected<UnixStream>;
    type Error = Error;
    type Future = UnixFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Target) -> UnixFuture {
        let path = Arc::clone(&self.path);
        UnixFuture(Box::pin(async move {
            let stream = UnixStream::connect(&path).await.map_err(|cause| unconnected(&path, cause))?;
            Ok(Connected::new(stream, Peer::Unix((&*path).into())))
        }))
    }
}

impl Future for UnixFuture {
    type Output = Result<Connected<UnixStream>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for UnixFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnixFuture")
    }
}

fn unconnected(path: &Path, cause: io::Error) -> Error {
    Error::new(Kind::Connect, format!("could not connect to the Unix socket {path:?}"))
        .with_source(cause)
        .with_resend(Resend::Safe)
}
