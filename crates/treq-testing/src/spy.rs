use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Kind};

use crate::IntoReply;

/// An agent that reaches nothing, and the requests that it was asked, which the test answers one by one.
///
/// ```
/// use http::Request;
/// use tower_service::Service;
/// use treq_core::Body;
/// use treq_testing::agent_spy;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq_core::Error> {
/// let (mut agent, mut spied) = agent_spy();
/// let asking = agent.call(Request::get("http://a.test/tea").body(Body::empty()).unwrap());
/// let answering = async {
///     let request = spied.next().await.unwrap();
///     assert_eq!(request.uri().path(), "/tea");
///     request.reply((200, (), "green"));
/// };
/// let (response, ()) = tokio::join!(asking, answering);
/// assert_eq!(response?.status(), 200);
/// # Ok(()) }
/// ```
pub fn agent_spy() -> (AgentSpy, Spied) {
    let (tell, told) = mpsc::unbounded_channel();
    (AgentSpy { tell }, Spied { told })
}

/// The agent of [`agent_spy`]: a `Service<Request<B>>` that reads each request's body and waits for the test to answer.
#[derive(Clone)]
pub struct AgentSpy {
    tell: mpsc::UnboundedSender<SpiedRequest>,
}

/// The requests that an [`AgentSpy`] was asked, in order.
pub struct Spied {
    told: mpsc::UnboundedReceiver<SpiedRequest>,
}

/// One of them, whole. Dropped without an answer, it fails with [`Kind::Connect`].
pub struct SpiedRequest {
    request: Request<Bytes>,
    answer: oneshot::Sender<Result<Response<Body>, Error>>,
}

impl Spied {
    /// The next request, once its body is there; `None` when the agent and all its clones are gone.
    pub async fn next(&mut self) -> Option<SpiedRequest> {
        self.told.recv().await
    }

    /// The next request, if it has come already.
    pub fn try_next(&mut self) -> Option<SpiedRequest> {
        self.told.try_recv().ok()
    }
}

impl SpiedRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// The URL, query and all.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// The fields.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        self.request.body()
    }

    /// The request itself, with its extensions.
    pub fn request(&self) -> &Request<Bytes> {
        &self.request
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.answer.is_closed()
    }

    /// Answers it.
    pub fn reply(self, reply: impl IntoReply) {
        // Who has given the request up needs no answer.
        _ = self.answer.send(Ok(reply.into_reply().into_response()));
    }

    /// Fails it.
    pub fn fail(self, error: impl Into<BoxError>) {
        _ = self.answer.send(Err(Error::from_boxed(error.into())));
    }
}

impl<B> Service<Request<B>> for AgentSpy
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    // Boxed: a spy's time is not measured.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let tell = self.tell.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = Box::pin(body.collect()).await.map_err(|error| Error::from_boxed(error.into()))?.to_bytes();
            let (answer, answered) = oneshot::channel();
            let unanswered = || Error::new(Kind::Connect, "the spy on this agent did not answer the request");
            let request = Request::from_parts(head, body);
            tell.send(SpiedRequest { request, answer }).map_err(|_| unanswered())?;
            // While it waits, the sender is not held: the list ends when the last agent does.
            drop(tell);
            answered.await.map_err(|_| unanswered())?
        })
    }
}

impl fmt::Debug for AgentSpy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentSpy")
    }
}

impl fmt::Debug for Spied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spied").field("waiting", &self.told.len()).finish()
    }
}

/// Method and host only: the rest may be secret.
impl fmt::Debug for SpiedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, host) = (self.method(), self.uri().host());
        f.debug_struct("SpiedRequest").field("method", method).field("host", &host).finish_non_exhaustive()
    }
}
