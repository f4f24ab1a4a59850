use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use treq_core::{Connected, Error, Target};

use crate::{Faults, Pipe};

/// A connector whose connections end in a [`MemoryServer`](crate::MemoryServer) or a [`RawServer`](crate::RawServer) of
/// this process.
///
/// It ignores the scheme: the bytes are those that the client writes, in the clear.
#[derive(Clone)]
pub struct MemoryConnector(Arc<dyn Fn(Target) -> Connecting + Send + Sync>);

/// A connection in the making: the future of a [`MemoryConnector`].
pub struct Connecting(Pin<Box<dyn Future<Output = Result<Connected<Pipe>, Error>> + Send>>);

impl MemoryConnector {
    pub(crate) fn new<F, C>(connect: C) -> MemoryConnector
    where
        C: Fn(Target) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Connected<Pipe>, Error>> + Send + 'static,
    {
        MemoryConnector(Arc::new(move |target| Connecting(Box::pin(connect(target)))))
    }
}

impl tower_service::Service<Target> for MemoryConnector {
    type Response = Connected<Pipe>;
    type Error = Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Connecting {
        match Faults::from_env().connecting() {
            Ok(()) => (self.0)(target),
            Err(error) => Connecting(Box::pin(std::future::ready(Err(error)))),
        }
    }
}

impl Future for Connecting {
    type Output = Result<Connected<Pipe>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for MemoryConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryConnector")
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connecting")
    }
}
