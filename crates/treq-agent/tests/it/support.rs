//! Agents over servers in memory, and what tests say often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use treq_agent::{Agent, HttpConnection, HttpHandshake};
use treq_core::{Body, Error, Facts};
use treq_pool::{Pool, PoolLayer};
use treq_testing::{MemoryConnector, RawServer, Step};

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(crate) type Plain<B = Body> = HttpHandshake<MemoryConnector, B>;
pub(crate) type Pooled = Pool<Plain, HttpConnection<Body>>;

pub(crate) fn plain<B>(connector: MemoryConnector) -> Agent<Plain<B>> {
    Agent::new(HttpHandshake::new(connector).for_body().facts_in_extensions(true))
}

/// An agent over a pool, and the pool.
pub(crate) fn pooled(connector: MemoryConnector) -> (Agent<Pooled>, Pooled) {
    let pool = PoolLayer::new().layer(HttpHandshake::new(connector).for_body().facts_in_extensions(true));
    (Agent::new(pool.clone()), pool)
}

/// A server all of whose connections play the same script.
pub(crate) fn server(script: impl IntoIterator<Item = Step>) -> RawServer {
    RawServer::builder().connection(script).repeat_last().start_in_memory()
}

pub(crate) fn get(url: &str) -> Request<Body> {
    request("GET", url, Body::empty())
}

pub(crate) fn request<B>(method: &str, url: &str, body: B) -> Request<B> {
    Request::builder().method(method).uri(url).body(body).unwrap()
}

/// An answer with all of its body.
pub(crate) async fn send<C, R>(agent: &Agent<C, R>, request: Request<Body>) -> Result<Response<Bytes>, Error>
where
    Agent<C, R>: tower::Service<Request<Body>, Error = Error> + Clone,
    <Agent<C, R> as tower::Service<Request<Body>>>::Response: IntoBytes,
{
    agent.clone().oneshot(request).await?.into_bytes().await
}

/// A response whose body can be read whole.
pub(crate) trait IntoBytes {
    async fn into_bytes(self) -> Result<Response<Bytes>, Error>;
}

impl<B: http_body::Body<Data = Bytes, Error = Error>> IntoBytes for Response<B> {
    async fn into_bytes(self) -> Result<Response<Bytes>, Error> {
        let (head, body) = self.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

pub(crate) fn facts<B>(response: &Response<B>) -> &Facts {
    response.extensions().get().unwrap()
}

/// Lets everything that can go on do so.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A body that is fed piece by piece and does not know its length.
pub(crate) fn stream(pieces: &[&'static str]) -> Body {
    Body::new(Pieces(Arc::new(Mutex::new(pieces.to_vec()))))
}

struct Pieces(Arc<Mutex<Vec<&'static str>>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let mut pieces = self.0.lock().unwrap();
        let next = (!pieces.is_empty()).then(|| pieces.remove(0));
        std::task::Poll::Ready(next.map(|piece| Ok(http_body::Frame::data(Bytes::from_static(piece.as_bytes())))))
    }
}
