//! What a cassette records, plays and keeps out.

mod connector;
mod foreign;
mod leaks;
mod modes;
mod played;
mod secrets;

use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Body, BoxError, Error};
use treq_httpbin::Httpbin;
use treq_testing::{Cassette, RequestTraversalAgent};

/// A folder with the place of a cassette in it.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Shelf {
        Shelf { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("kept").join("cassette.har")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

/// An answer, as far as it is compared.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    version: http::Version,
    reason: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    size: Option<u64>,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// The embedded server, in memory.
fn httpbin() -> RequestTraversalAgent {
    RequestTraversalAgent::new(Httpbin::new())
}

/// A service that nothing may reach.
fn gone()
-> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + 'static {
    service_fn(|request: Request<Body>| async move { Err(format!("{} reached the network", request.uri()).into()) })
}

fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

fn post(url: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(url).header("content-type", kind).body(body.into()).unwrap()
}

/// One request through the cassette.
async fn send<S, R>(cassette: &Cassette, inner: S, request: Request<Body>) -> Result<Seen, Error>
where
    S: Service<Request<Body>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError> + 'static,
{
    seen(cassette.layer().layer(inner).oneshot(request).await?).await
}

async fn seen<B>(response: Response<B>) -> Result<Seen, Error>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let size = body.size_hint().exact();
    let whole = Box::pin(body.collect()).await.map_err(|error| Error::from_boxed(error.into()))?;
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    Ok(Seen {
        status: head.status.as_u16(),
        version: head.version,
        reason: head.extensions.get::<hyper::ext::ReasonPhrase>().map(|reason| reason.as_bytes().to_vec()),
        headers: headers.collect(),
        size,
        trailers: whole.trailers().cloned(),
        body: whole.to_bytes(),
    })
}
