//! What a [`ClientBuilder`](crate::ClientBuilder) is given, in boxes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use treq_core::{BoxError, Connected, Target};

/// A byte stream of any type.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Connecting = Pin<Box<dyn Future<Output = Result<Connected<Box<dyn Io>>, BoxError>> + Send>>;

trait Connect: Send {
    fn copy(&self) -> Box<dyn Connect>;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;
    fn call(&mut self, target: Target) -> Connecting;
}

/// A connector of any type: one box for each connection.
pub(crate) struct BoxConnect(Box<dyn Connect>);

impl BoxConnect {
    pub(crate) fn new<C, IO>(connect: C) -> BoxConnect
    where
        C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
        C::Error: Into<BoxError> + 'static,
        C::Future: Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        BoxConnect(Box::new(connect))
    }
}

impl Clone for BoxConnect {
    fn clone(&self) -> BoxConnect {
        BoxConnect(self.0.copy())
    }
}

impl<C, IO> Connect for C
where
    C: Service<Target, Response = Connected<IO>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    fn copy(&self) -> Box<dyn Connect> {
        Box::new(self.clone())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::poll_ready(self, cx).map_err(Into::into)
    }

    fn call(&mut self, target: Target) -> Connecting {
        let connecting = Service::call(self, target);
        Box::pin(async {
            let connected = connecting.await.map_err(Into::into)?;
            Ok(connected.map(|io| Box::new(io) as Box<dyn Io>))
        })
    }
}

impl Service<Target> for BoxConnect {
    type Response = Connected<Box<dyn Io>>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> Connecting {
        self.0.call(target)
    }
}
