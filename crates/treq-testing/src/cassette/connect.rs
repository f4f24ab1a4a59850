use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Mutex;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Body, BoxError, Connected, Error, HttpVersion, Kind, Peer, Resend, Target};

use super::shared::Shared;
use super::{Cassette, CassetteLayer, Player};
use crate::{MemoryServer, Pipe};

/// A connector that records what is said on its connections, or plays: a `Service<Target>` around another one.
///
/// It is for clients into which no layer can be put, or that are to be tested down to the bytes. While it records, a
/// server in memory stands at the other end of each connection, and passes on what it is asked over a connection of the
/// inner connector, one for each, and a new one where the server has closed that meanwhile. So what is recorded are
/// exchanges, as the [layer](Cassette::layer) would: chunks are cut anew, fields named by `Connection` stand for the
/// connection that they were said on. On replay that server answers from the cassette, with 500 and the report where it
/// has no answer.
///
/// It understands HTTP/1.1 in the clear. A target with https is refused, since what stands above would speak TLS on its
/// connections, and so is one for HTTP/2: there, use the layer.
#[derive(Clone)]
pub struct CassetteConnect<C> {
    inner: C,
    shared: Arc<Shared>,
}

/// A connector that leads nowhere: what is below [`Cassette::offline`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Offline {}

impl Offline {
    pub(super) fn new() -> Offline {
        Offline {}
    }
}

impl<C> CassetteConnect<C> {
    pub(super) fn new(cassette: &Cassette, inner: C) -> CassetteConnect<C> {
        CassetteConnect { inner, shared: Arc::clone(&cassette.shared) }
    }
}

/// A connection of a [`CassetteConnect`]: a pipe to the server that records or plays.
#[derive(Debug)]
pub struct CassettePipe {
    pipe: Pipe,
    /// It ends with the connection.
    _server: MemoryServer,
}

impl<C, IO> Service<Target> for CassetteConnect<C>
where
    C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Response = Connected<CassettePipe>;
    type Error = Error;
    // Boxed: a cassette's time is not measured.
    type Future = Pin<Box<dyn Future<Output = Result<Connected<CassettePipe>, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // What only plays does not need what is below.
        if !self.shared.records() {
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        if let Err(error) = plain(&target) {
            return Box::pin(ready(Err(error)));
        }
        let shared = Arc::clone(&self.shared);
        if !shared.records() {
            let server = MemoryServer::new(Telling(Player::new(shared)));
            return Box::pin(async move {
                let connected = server.connector().call(target).await?;
                Ok(connected.map(|pipe| CassettePipe { pipe, _server: server }))
            });
        }
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        // Where something may be played, the network is not needed before something is not.
        let now = (!shared.plays()).then(|| inner.call(target.clone()));
        Box::pin(async move {
            let (mut peer, mut proxy, mut io) = (Peer::Memory(target.origin.host().into()), None, None);
            if let Some(connecting) = now {
                let connected = connecting.await.map_err(Error::from_boxed)?;
                (peer, proxy, io) = (connected.peer, connected.forward, Some(connected.io));
            }
            let sender = match io {
                Some(io) => Some(shake_hands(io).await?),
                None => None,
            };
            let onward = Onward { connect: inner, target: target.clone(), sender: Arc::new(Mutex::new(sender)) };
            let server = MemoryServer::new(CassetteLayer::new(shared).layer(onward));
            let pipe = server.connector().call(target).await?.io;
            let mut connected = Connected::new(CassettePipe { pipe, _server: server }, peer);
            connected.forward = proxy;
            Ok(connected)
        })
    }
}

/// What cannot be read on a connection cannot be recorded.
fn plain(target: &Target) -> Result<(), Error> {
    let what = match target {
        target if target.origin.is_https() => "https, and what is above it would speak TLS",
        target if target.http_version == HttpVersion::Http2 => "HTTP/2",
        _ => return Ok(()),
    };
    let message = format!("a cassette's connector cannot connect to {} for {what}: use its layer", target.origin);
    Err(Error::new(Kind::Builder, message).with_resend(Resend::Safe))
}

/// The service that asks the server that is to be recorded, over one connection.
struct Onward<C> {
    connect: C,
    target: Target,
    sender: Arc<Mutex<Option<Sender>>>,
}

/// One end of an exchange with it; its connection ends with the last clone.
struct Sender {
    send: SendRequest<Body>,
    /// Drives the connection.
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn shake_hands<IO>(io: IO) -> Result<Sender, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (send, connection) = http1::handshake(TokioIo::new(io)).await.map_err(failed)?;
    // Its errors are those of the exchange too.
    Ok(Sender { send, task: tokio::spawn(async move { _ = connection.await }) })
}

fn failed(error: hyper::Error) -> Error {
    Error::new(Kind::Protocol, "the exchange with the server that is recorded failed").with_source(error)
}

impl<C: Clone> Clone for Onward<C> {
    fn clone(&self) -> Onward<C> {
        Onward { connect: self.connect.clone(), target: self.target.clone(), sender: Arc::clone(&self.sender) }
    }
}

impl<C, IO> Service<Request<Body>> for Onward<C>
where
    C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Onward { mut connect, target, sender } = self.clone();
        Box::pin(async move {
            let mut slot = sender.lock().await;
            let is_open = match slot.as_mut() {
                Some(sender) => sender.send.ready().await.is_ok(),
                None => false,
            };
            let sender = match slot.take().filter(|_| is_open) {
                Some(sender) => sender,
                None => {
                    std::future::poll_fn(|cx| connect.poll_ready(cx)).await.map_err(Error::from_boxed)?;
                    let connected = connect.call(target).await.map_err(Error::from_boxed)?;
                    let mut sender = shake_hands(connected.io).await?;
                    sender.send.ready().await.map_err(failed)?;
                    sender
                }
            };
            let sender = slot.insert(sender);
            let response = sender.send.send_request(request).await.map_err(failed)?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Err(Error::new(Kind::Protocol, "a cassette's connector cannot pass on a change of protocol"));
            }
            Ok(response.map(Body::new))
        })
    }
}

/// Tells the client by a 500 what the cassette does not have: a connection that breaks off says nothing.
#[derive(Clone)]
struct Telling(Player);

impl Service<Request<Body>> for Telling {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answering = self.0.call(request);
        Box::pin(async move {
            Ok(match answering.await {
                Ok(response) => response.map(Body::new),
                Err(error) => {
                    let mut response = Response::new(Body::from(error.to_string()));
                    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    response
                }
            })
        })
    }
}

impl Service<Target> for Offline {
    type Response = Connected<Pipe>;
    type Error = Error;
    type Future = Ready<Result<Connected<Pipe>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let message = format!("the cassette would record {}, but its connector is offline", target.origin);
        ready(Err(Error::new(Kind::Connect, message).with_resend(Resend::Safe)))
    }
}

impl AsyncRead for CassettePipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for CassettePipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

impl<C> fmt::Debug for CassetteConnect<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CassetteConnect").field("cassette", &self.shared.name()).finish_non_exhaustive()
    }
}
