use std::convert::Infallible;

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;
use treq_core::{Body, Connected, Error, Origin, Target};
use treq_testing::{MemoryConnector, Pipe};

pub(crate) fn target(url: &str) -> Target {
    Target::new(Origin::from_uri(&url.parse().unwrap()).unwrap())
}

pub(crate) async fn connect(connector: &MemoryConnector, url: &str) -> Result<Connected<Pipe>, Error> {
    connector.clone().call(target(url)).await
}

pub(crate) async fn pipe(connector: &MemoryConnector) -> Pipe {
    connect(connector, "http://a.test").await.unwrap().io
}

/// A service that answers every request with the same text.
pub(crate) fn says(
    text: &'static str,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static {
    tower::service_fn(move |_: Request<Body>| async move { Ok(Response::new(Body::from(text))) })
}

/// What comes until the peer closes.
pub(crate) async fn to_end(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    io.read_to_string(&mut text).await.unwrap();
    text
}

pub(crate) async fn ask(io: &mut (impl tokio::io::AsyncWrite + Unpin), request: &str) {
    io.write_all(request.as_bytes()).await.unwrap();
}
