//! The client over services in memory, for tests of code that uses it, and of servers.
//!
//! A [`StubTreq`] is the whole client, from its surface down to the bytes of HTTP, over a pipe to a real server in this
//! process: no socket, no port, no name is looked up, and paused tokio time will do. The server is any tower service: an
//! axum `Router`, a `service_fn`, a closure ([`StringStubbing`]), or a list of requests that must all be made, each with
//! its answer ([`RequestSequence`]).
//!
//! ```
//! use treq::Client;
//! use treq::testing::{HasHeaders, RequestSequence, StubTreq};
//!
//! /// What is tested: it takes a client.
//! async fn price(treq: &Client) -> Result<String, treq::Error> {
//!     let response = treq.get("https://shop.test/price").params([("of", "tea")]).await?;
//!     response.error_for_status().await?.text().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
//! let fields = HasHeaders::new([("host", "shop.test")]);
//! let sequence = RequestSequence::new()
//!     .expect(("get", "https://shop.test/price", [("of", "tea")], fields, ""), (200, (), "2.50"));
//! let stub = StubTreq::new(sequence.stub());
//!
//! let _consume = sequence.consume();
//! assert_eq!(price(stub.client()).await?, "2.50");
//! # Ok(()) }
//! ```
//!
//! Where the server is not at hand, a [`Cassette`] holds what it once said: its layer, next to the agent
//! ([`ClientBuilder::agent_layer`]), records a session and plays it when there is no network.
//!
//! What belongs to the network is not there: a stub speaks no TLS, so an https request has no [`TlsFacts`](crate::connect::TlsFacts)
//! (the server knows it for one by its [`Arrival`]); a proxy is passed by; HTTP/2 is spoken where a request
//! [wishes](crate::options::HttpVersion) for it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{Entry, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Error, Kind, Origin, Route};

use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::into_url::IntoUrl;
use crate::request::RequestBuilder;

pub use treq_testing::{
    ANY, AgentSpy, Arrival, Cassette, CassetteLayer, CassetteOptions, Consume, Expected, Faults, FaultyConnect,
    FaultyIo, HasCookies, HasForm, HasHeaders, HasParts, HttpService, IntoReply, JsonSubset, Masks, Matcher, Matching,
    MemoryConnector, MemoryServer, Mode, NetworkBan, Params, RequestSequence, RequestTraversalAgent, Spied,
    SpiedRequest, StringStubbing, StubReply, StubRequest, agent_spy, predicate, regex,
};

/// The client over a service in memory: what `treq` offers, `files` and all, with nothing that leaves the process.
///
/// It has one jar of cookies and keeps connections, as any [`Client`] does; code under test is given its
/// [`client`](StubTreq::client). Dropping it ends the server and with it all connections.
///
/// ```
/// use treq::testing::{StringStubbing, StubTreq};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// let stub = StubTreq::new(StringStubbing::new(|request| (418, [("x-seen", request.url.clone())], "I'm a teapot")));
/// let mut response = stub.post("https://any.test/tea").data("two cups").await?;
/// assert_eq!((response.status().as_u16(), &response.headers()["x-seen"]), (418, &"https://any.test/tea".parse().unwrap()));
/// assert_eq!(response.text().await?, "I'm a teapot");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StubTreq {
    client: Client,
    agent: RequestTraversalAgent,
}

impl StubTreq {
    /// Over a service that answers for every host, port and scheme.
    pub fn new(service: impl HttpService) -> StubTreq {
        StubTreq::over(RequestTraversalAgent::new(service))
    }

    /// Over an agent set up before: with several hosts by name, pipes of another size.
    pub fn over(agent: RequestTraversalAgent) -> StubTreq {
        let client = Client::builder().connector(agent.connector()).agent_layer(InMemory).made();
        StubTreq { client, agent }
    }

    /// The same with a client of these settings. Where it is to have layers of its own too, put it together by hand, with
    /// [`InMemory`] first, so that they see URLs as they were asked for:
    /// `Client::builder().agent_layer(InMemory).agent_layer(yours).connector(agent.connector())`.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`].
    pub fn with(builder: ClientBuilder, agent: RequestTraversalAgent) -> Result<StubTreq, Error> {
        let client = builder.connector(agent.connector()).agent_layer(InMemory).build()?;
        Ok(StubTreq { client, agent })
    }

    /// The client: what code under test takes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The agent, and by it the server, with its figures.
    pub fn agent(&self) -> &RequestTraversalAgent {
        &self.agent
    }

    /// Lets client and server do what they can do now: for a test that polls by hand. See
    /// [`RequestTraversalAgent::flush`].
    pub async fn flush(&self) {
        self.agent.flush().await;
    }

    /// A request with any method.
    pub fn request<M>(&self, method: M, url: impl IntoUrl) -> RequestBuilder
    where
        M: AsRef<str> + TryInto<Method>,
        M::Error: Into<BoxError>,
    {
        self.client.request(method, url)
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident),+ $(,)?) => {
        impl StubTreq {$(
            $(#[$doc])*
            pub fn $verb(&self, url: impl IntoUrl) -> RequestBuilder {
                self.client.$verb(url)
            }
        )+}
    };
}

verbs! {
    /// A GET request.
    get,
    /// A HEAD request.
    head,
    /// A POST request.
    post,
    /// A PUT request.
    put,
    /// A PATCH request.
    patch,
    /// A DELETE request.
    delete,
    /// An OPTIONS request.
    options,
}

/// A layer next to the agent ([`ClientBuilder::agent_layer`]) for a client whose connector leads to a [`MemoryServer`]:
/// what goes to an https URL goes in the clear, and the server knows it for a secure request. Everything above sees the
/// URL as it is; the URL of an error is the one that went out.
///
/// **It switches TLS off**: it has no place outside of tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl<S> Layer<S> for InMemory {
    type Service = Clear<S>;

    fn layer(&self, inner: S) -> Clear<S> {
        Clear { inner, secure: Arc::new(treq_testing::Secure) }
    }
}

/// The service of [`InMemory`].
#[derive(Clone, Debug)]
pub struct Clear<S> {
    inner: S,
    secure: Arc<dyn Route>,
}

impl<S, B> Service<Request<B>> for Clear<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        // A proxy was chosen further up; in memory there is none.
        request.extensions_mut().remove::<Arc<dyn Route>>();
        // What cannot be rewritten is nothing that the agent would take either: its error is the better one.
        if let Ok(Some((uri, host))) = in_clear(request.uri()) {
            *request.uri_mut() = uri;
            if let Entry::Vacant(vacant) = request.headers_mut().entry(HOST) {
                vacant.insert(host);
            }
            request.extensions_mut().insert(Arc::clone(&self.secure));
        }
        self.inner.call(request)
    }
}

/// An https URL with the scheme `http`, its port said, and the `Host` field that it had.
fn in_clear(uri: &Uri) -> Result<Option<(Uri, HeaderValue)>, Error> {
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Ok(None);
    }
    let refused = |error: http::Error| Error::new(Kind::Builder, "the URL cannot be asked").with_source(error);
    let origin = Origin::from_uri(uri)?;
    let host = HeaderValue::from_str(origin.authority().as_str()).map_err(|error| refused(error.into()))?;
    let name = origin.host();
    let bracketed = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let authority = Authority::try_from(format!("{bracketed}:{}", origin.port()));
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.map_err(|error| refused(error.into()))?);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map(|uri| Some((uri, host))).map_err(|error| refused(error.into()))
}
