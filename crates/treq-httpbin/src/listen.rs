use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::pin;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use treq_testing::Faults;

use crate::Httpbin;
use crate::counts::{Counts, OpenGuard};
use crate::tasks::Tasks;

/// Accepts TCP connections, for ever.
pub(crate) async fn tcp(listener: TcpListener, tls: Option<TlsAcceptor>, counts: Counts, tasks: Tasks) {
    loop {
        let Some((socket, peer)) = accepted(listener.accept().await).await else { continue };
        let guard = counts.accepted();
        // Without this the last piece of a slow answer waits for the client's acknowledgement.
        let _ = socket.set_nodelay(true);
        let socket = Faults::from_env().stream(socket);
        let bin = Httpbin::at(tls.is_some(), Some(peer.ip()));
        match tls.clone() {
            None => tasks.spawn(serve(socket, bin, guard, tasks.clone())),
            Some(tls) => {
                let own = tasks.clone();
                tasks.spawn(async move {
                    // A client that does not trust us, or does not speak TLS, is no concern of the server's.
                    if let Ok(stream) = tls.accept(socket).await {
                        serve(stream, bin, guard, own).await;
                    }
                });
            }
        }
    }
}

/// Accepts connections on a Unix socket, for ever.
#[cfg(unix)]
pub(crate) fn unix(path: &Path, counts: Counts, tasks: Tasks) -> io::Result<impl Future<Output = ()> + Send + use<>> {
    let listener = tokio::net::UnixListener::bind(path)?;
    Ok(async move {
        loop {
            let Some((socket, _)) = accepted(listener.accept().await).await else { continue };
            let socket = Faults::from_env().stream(socket);
            tasks.spawn(serve(socket, Httpbin::at(false, None::<IpAddr>), counts.accepted(), tasks.clone()));
        }
    })
}

/// There are none.
#[cfg(not(unix))]
pub(crate) fn unix(_: &Path, _: Counts, _: Tasks) -> io::Result<std::future::Pending<()>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The connection; or none, after a breath, where there are no files left for one.
async fn accepted<T>(outcome: io::Result<T>) -> Option<T> {
    if outcome.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    outcome.ok()
}

async fn serve<IO>(io: IO, bin: Httpbin, guard: OpenGuard, tasks: Tasks)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| bin.clone().call(request));
    let server = auto::Builder::new(tasks);
    // An error here is a client that broke off or broke the rules: it knows.
    let _ = pin!(server.serve_connection(TokioIo::new(io), service)).await;
    drop(guard);
}
