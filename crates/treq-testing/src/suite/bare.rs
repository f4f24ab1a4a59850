use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http::header::{CONNECTION, Entry, HOST};
use http::{HeaderValue, Response, Uri, Version};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tower_service::Service;
use treq_core::{Body, BoxError, Origin, Target};

use crate::MemoryConnector;

/// The barest client over a connector: a connection for each request, and nothing but HTTP/1.1.
///
/// What a layer is put around to be tested alone. A URL may be an https one; its bytes go in the clear.
#[derive(Clone, Debug)]
pub struct Bare(MemoryConnector);

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

impl Bare {
    /// Over the connector of a case.
    pub fn new(connector: MemoryConnector) -> Bare {
        Bare(connector)
    }
}

impl<B> Service<Request<B>> for Bare
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let mut connector = self.0.clone();
        Box::pin(async move {
            let origin = Origin::from_uri(request.uri())?;
            let request = outgoing(request.map(Body::new), &origin)?;
            let connected = connector.call(Target::new(origin)).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(connected.io)).await?;
            // Its errors are those of the exchange too, and it ends with it.
            tokio::spawn(async move { _ = connection.await });
            Ok(sender.send_request(request).await?.map(Body::new))
        })
    }
}

/// The head as it stands on the wire.
fn outgoing(mut request: Request<Body>, origin: &Origin) -> Result<Request<Body>, BoxError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::builder().path_and_query(path).build()?;
    *request.version_mut() = Version::HTTP_11;
    if let Entry::Vacant(vacant) = request.headers_mut().entry(HOST) {
        vacant.insert(HeaderValue::from_str(origin.authority().as_str())?);
    }
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}
