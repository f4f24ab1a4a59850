use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;
use treq_core::{Body, BoxError, Error};

use super::body::CassetteBody;
use super::layer::{asked, played};
use super::shared::Shared;

/// A service that answers from a [`Cassette`](crate::Cassette) alone.
///
/// A client can be built over it, and a [`MemoryServer`](crate::MemoryServer) around it answers a client that wants a
/// connector.
#[derive(Clone)]
pub struct Player {
    shared: Arc<Shared>,
}

impl Player {
    pub(super) fn new(shared: Arc<Shared>) -> Player {
        Player { shared }
    }
}

impl<B> Service<Request<B>> for Player
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<CassetteBody<Body>>;
    type Error = Error;
    // Boxed: a cassette's time is not measured.
    type Future = Pin<Box<dyn Future<Output = Result<Response<CassetteBody<Body>>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let asked = asked(&head, body).await?;
            shared.find(&asked).map(played).ok_or_else(|| shared.refuse(&asked))
        })
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").field("cassette", &self.shared.name()).finish()
    }
}
