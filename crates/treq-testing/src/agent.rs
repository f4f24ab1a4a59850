use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, Entry, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Kind, Origin, Target};

use crate::{HttpService, MemoryConnector, MemoryServer};

/// A client in memory: each request traverses the service that it was made over, as HTTP/1.1 on a pipe.
///
/// As a `Service<Request<B>>` it is the barest of clients, a connection for each request. The whole of a client runs over
/// its [connector](RequestTraversalAgent::connector) instead, as `treq::testing::StubTreq` does. Clones are of the same
/// server, whose tasks end with the last of them.
///
/// ```
/// use http::{Request, Response};
/// use tower_service::Service;
/// use treq_core::Body;
/// use treq_testing::{RequestTraversalAgent, StringStubbing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq_core::Error> {
/// let mut agent = RequestTraversalAgent::new(StringStubbing::new(|request| (200, (), format!("at {}", request.url))));
/// let request = Request::get("https://any.test/tea").body(Body::empty()).unwrap();
/// let response: Response<Body> = agent.call(request).await?;
/// assert_eq!(response.headers()["content-length"], "23");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct RequestTraversalAgent {
    server: Arc<MemoryServer>,
}

/// The future of a [`RequestTraversalAgent`].
pub struct Traversing(Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>);

impl RequestTraversalAgent {
    /// Over a service that answers for every host.
    pub fn new(service: impl HttpService) -> RequestTraversalAgent {
        RequestTraversalAgent::over(MemoryServer::new(service))
    }

    /// Over a server set up before: with several hosts by name, pipes of another size, a delay.
    pub fn over(server: MemoryServer) -> RequestTraversalAgent {
        RequestTraversalAgent { server: Arc::new(server) }
    }

    /// The server at the other end.
    pub fn server(&self) -> &MemoryServer {
        &self.server
    }

    /// A connector whose connections end in the server. It fails once the last clone of this agent is dropped.
    pub fn connector(&self) -> MemoryConnector {
        self.server.connector()
    }

    /// Lets clients and servers of this runtime do what they can do now.
    ///
    /// Whoever awaits an answer has no need of it: it is for a test that polls by hand, and looks whether something has
    /// come. It waits for no timer, and on a runtime of several threads it is not exact.
    pub async fn flush(&self) {
        // Between two ends stand at most a few tasks, each of which is woken by the one before.
        for _ in 0..128 {
            tokio::task::yield_now().await;
        }
    }
}

impl<B> Service<Request<B>> for RequestTraversalAgent
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = Traversing;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Traversing {
        let server = Arc::clone(&self.server);
        Traversing(Box::pin(traverse(server, request.map(Body::new))))
    }
}

async fn traverse(server: Arc<MemoryServer>, request: Request<Body>) -> Result<Response<Body>, Error> {
    let uri = request.uri().clone();
    let origin = Origin::from_uri(&uri)?;
    let request = outgoing(request, &origin)?;
    let connected = server.connector().call(Target::new(origin)).await.map_err(|error| error.with_url(&uri))?;
    let failed = |error: hyper::Error| {
        Error::new(Kind::Protocol, "the exchange in memory failed").with_source(error).with_url(&uri)
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(connected.io)).await.map_err(failed)?;
    // Its errors are those of the exchange too.
    server.spawn(async move { _ = connection.with_upgrades().await });
    let response = sender.send_request(request).await.map_err(failed)?;
    // The server lives as long as the answer is read.
    Ok(response.map(|body| Body::new(Kept { body, _server: server })))
}

/// The head as it stands on the wire.
fn outgoing(mut request: Request<Body>, origin: &Origin) -> Result<Request<Body>, Error> {
    let refused = |error: http::Error| Error::new(Kind::Builder, "the request cannot be sent").with_source(error);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::builder().path_and_query(path).build().map_err(refused)?;
    *request.version_mut() = Version::HTTP_11;
    if let Entry::Vacant(vacant) = request.headers_mut().entry(HOST) {
        vacant.insert(HeaderValue::from_str(origin.authority().as_str()).map_err(|error| refused(error.into()))?);
    }
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let is_unsized = !request.body().is_end_stream() && request.body().size_hint().exact().is_none();
    let headers = request.headers_mut();
    // hyper's client leaves out such a body of a GET unless it is told how to frame it.
    if is_unsized && !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(request)
}

/// A body that holds on to the server behind it.
struct Kept {
    body: hyper::body::Incoming,
    _server: Arc<MemoryServer>,
}

impl http_body::Body for Kept {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl Future for Traversing {
    type Output = Result<Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Traversing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traversing")
    }
}
