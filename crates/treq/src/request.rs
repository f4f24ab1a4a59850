use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use treq_cookies::{Jar, UseJar};
use treq_core::uri::{self, Located};
use treq_core::{Body, BoxError, Error, Kind};
use treq_multipart::Part;
use treq_redirect::Fragment;

use crate::builder::refuse;
use crate::client::Client;
use crate::erased::ServiceFuture;
use crate::into_url::IntoUrl;
use crate::request_options::Timed;
use crate::response::{Reading, Response};

/// A request being put together; awaiting it sends it.
///
/// A method that is given something it cannot use makes the request fail when it is awaited, with an error of
/// [`Kind::Builder`](crate::Kind) and nothing sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// let mut response = treq::post(server.url("/post"))
///     .params([("page", "2")])
///     .header("accept", "application/json")
///     .form(&[("name", "Ada")])
///     .await?;
/// assert!(response.status().is_success());
/// assert!(response.text().await?.contains("Ada"));
/// # Ok(()) }
/// ```
#[must_use = "a request is sent when it is awaited"]
pub struct RequestBuilder<M = Async> {
    pub(crate) sender: Sender,
    /// The request so far, or the first thing that was wrong with it.
    pub(crate) request: Result<Request<Body>, Error>,
    pub(crate) gathered: Gathered,
    /// How it is sent.
    #[cfg_attr(not(feature = "blocking"), allow(dead_code))]
    pub(crate) mode: M,
}

/// The way of a [`RequestBuilder`] that is awaited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Async;

/// The client that sends a request.
pub(crate) enum Sender {
    Client(Client),
    /// The default client, with which calls share connections, not cookies.
    Default(Client),
    /// There is no default client here.
    None(Error),
}

/// What the body is put together of. Boxed, since most requests have none and every method moves the builder.
#[derive(Debug, Default)]
pub(crate) struct Gathered(pub(crate) Option<Box<Given>>);

#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The method that gave the body.
    pub(crate) by: Option<&'static str>,
    /// Whether that is a whole body, to which nothing is added.
    pub(crate) whole: bool,
    /// What the body says of its type; a field of the caller's wins, wherever it comes.
    pub(crate) content_type: Option<HeaderValue>,
    /// As a form has them.
    pub(crate) pairs: Option<String>,
    pub(crate) files: Option<Vec<(String, Part)>>,
}

impl<M> RequestBuilder<M> {
    pub(crate) fn new<T>(client: Client, mode: M, method: T, url: impl IntoUrl) -> RequestBuilder<M>
    where
        T: AsRef<str> + TryInto<Method>,
        T::Error: Into<BoxError>,
    {
        let request = start(method, || url.with(|url| client.last_url().parse(url)));
        RequestBuilder { sender: Sender::Client(client), request, gathered: Gathered::default(), mode }
    }

    /// On a default client, or with the error of there being none.
    pub(crate) fn on_default<T>(
        client: Result<Client, Error>,
        mode: M,
        method: T,
        url: impl IntoUrl,
    ) -> RequestBuilder<M>
    where
        T: AsRef<str> + TryInto<Method>,
        T::Error: Into<BoxError>,
    {
        let request = start(method, || match &client {
            Ok(client) => url.with(|url| client.last_url().parse(url)),
            Err(_) => url.with(uri::parse),
        });
        let sender = client.map_or_else(Sender::None, Sender::Default);
        RequestBuilder { sender, request, gathered: Gathered::default(), mode }
    }

    /// The request as it would be handed to the stack, the client's own fields not yet added.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong with it.
    pub fn build(self) -> Result<Request<Body>, Error> {
        finished(self.request?, self.gathered, !matches!(self.sender, Sender::Client(_)))
    }

    /// What is sent, and by whom.
    pub(crate) fn ready(self) -> Result<(Client, Request<Body>), Error> {
        let (client, has_own_jar) = match self.sender {
            Sender::Client(client) => (client, false),
            Sender::Default(client) => (client, true),
            Sender::None(error) => return Err(error),
        };
        Ok((client, finished(self.request?, self.gathered, has_own_jar)?))
    }

    pub(crate) fn and_then(mut self, change: impl FnOnce(&mut Request<Body>) -> Result<(), Error>) -> Self {
        if let Err(error) = self.request.as_mut().map_or(Ok(()), change) {
            self.request = Err(error);
        }
        self
    }
}

fn finished(mut request: Request<Body>, gathered: Gathered, has_own_jar: bool) -> Result<Request<Body>, Error> {
    gathered.finish(&mut request)?;
    if has_own_jar {
        own_jar(&mut request);
    }
    Ok(request)
}

/// A jar for this request, unless it has one.
fn own_jar(request: &mut Request<Body>) {
    if request.extensions().get::<UseJar>().is_none() {
        request.extensions_mut().insert(UseJar::new(Jar::new()));
    }
}

fn start<M>(method: M, url: impl FnOnce() -> Result<Located, Error>) -> Result<Request<Body>, Error>
where
    M: AsRef<str> + TryInto<Method>,
    M::Error: Into<BoxError>,
{
    let mut request = Request::new(Body::empty());
    *request.method_mut() = parse_method(method)?;
    let located = url()?;
    if let Some(userinfo) = &located.userinfo {
        let credentials = treq_auth::Credentials::from_userinfo(treq_core::Origin::from_uri(&located.uri)?, userinfo)?;
        request.extensions_mut().insert(credentials);
    }
    *request.uri_mut() = located.uri;
    if let Some(fragment) = located.fragment {
        // It is never sent, but a redirect without one of its own inherits it.
        request.extensions_mut().insert(Fragment::new(fragment));
    }
    Ok(request)
}

#[inline(always)]
pub(crate) fn parse_method<M>(method: M) -> Result<Method, Error>
where
    M: AsRef<str> + TryInto<Method>,
    M::Error: Into<BoxError>,
{
    if method.as_ref().is_empty() || !method.as_ref().bytes().all(is_token) {
        // The URL may have been given in its place.
        let text = method.as_ref();
        let is_url = text.contains(|char: char| !char.is_ascii() || matches!(char, ':' | '/' | '@' | '?'));
        let text = if is_url { treq_core::uri::masked(text) } else { text.into() };
        let shown: String = text.chars().take(100).collect();
        let why = "is no method: letters, digits and !#$%&'*+-.^_`|~ may stand in one";
        return Err(Error::new(Kind::Builder, format!("{shown:?} {why}")));
    }
    method.try_into().map_err(|error| refuse("the method cannot be used".to_owned(), error))
}

/// [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl RequestBuilder {
    /// Sends the request: what awaiting the builder does, as a future for what takes futures.
    ///
    /// # Errors
    ///
    /// What was wrong with the request, and what went wrong with the exchange.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let client = treq::Client::new();
    /// let pages = ["/get", "/ip", "/html"].map(|page| client.get(server.url(page)).send());
    /// let responses = futures_util::future::try_join_all(pages).await?;
    /// assert!(responses.iter().all(|response| response.status().is_success()));
    /// # Ok(()) }
    /// ```
    #[inline]
    pub fn send(mut self) -> ResponseFuture {
        // Finished where it stands: each time the request is handed on, it is moved.
        if let (Some(given), Ok(request)) = (self.gathered.0, &mut self.request) {
            if let Err(error) = given.finish(request) {
                return ResponseFuture { state: State::Failed(Some(error)) };
            }
        }
        let client = match self.sender {
            Sender::Client(ref client) => client,
            Sender::Default(ref client) => {
                if let Ok(request) = &mut self.request {
                    own_jar(request);
                }
                client
            }
            Sender::None(error) => return ResponseFuture { state: State::Failed(Some(error)) },
        };
        match self.request {
            Ok(request) => ResponseFuture::of(client, request),
            Err(error) => ResponseFuture { state: State::Failed(Some(error)) },
        }
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response, Error>;
    type IntoFuture = ResponseFuture;

    #[inline]
    fn into_future(self) -> ResponseFuture {
        self.send()
    }
}

impl ResponseFuture {
    #[inline]
    pub(crate) fn of(client: &Client, request: Request<Body>) -> ResponseFuture {
        let url = request.uri().clone();
        let reading = client.reading();
        let timed = request.extensions().get::<Timed>().is_some();
        let started = timed.then(|| Box::new(Instant::now()));
        ResponseFuture { state: State::Sent { sent: client.send(request), url, reading, started } }
    }
}

/// A request that has been sent: the future of its [`Response`].
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    state: State,
}

enum State {
    Sent { sent: ServiceFuture, url: Uri, reading: Reading, started: Option<Box<Instant>> },
    Failed(Option<Error>),
}

impl Future for ResponseFuture {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Sent { sent, url, reading, started } => {
                let response = ready!(sent.poll_response(cx)).map_err(|error| error.with_url(url))?;
                Poll::Ready(Ok(Response::new(response, std::mem::take(url), *reading, started.take())))
            }
            State::Failed(error) => error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

impl<M> fmt::Debug for RequestBuilder<M> {
    /// Names of fields only: their values carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RequestBuilder");
        match &self.request {
            Ok(request) => debug
                .field("method", request.method())
                .field("host", &request.uri().host())
                .field("headers", &names(request.headers()))
                .finish_non_exhaustive(),
            Err(error) => debug.field("error", error).finish_non_exhaustive(),
        }
    }
}

fn names(headers: &HeaderMap) -> Vec<&HeaderName> {
    headers.keys().collect()
}
