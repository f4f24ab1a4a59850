use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONTENT_TYPE, Entry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use serde::Serialize;
use treq_core::uri::{self, Located};
use treq_core::{Body, BoxError, Error, Kind, Wish};
use treq_redirect::Fragment;

use crate::builder::refuse;
use crate::erased::Sent;
use crate::fields::{Headers, field};
use crate::{Client, Response, query};

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
pub struct RequestBuilder {
    client: Result<Client, Error>,
    /// The request so far, or the first thing that was wrong with it.
    request: Result<Request<Body>, Error>,
}

impl RequestBuilder {
    pub(crate) fn new<M>(client: Client, method: M, url: &str) -> RequestBuilder
    where
        M: AsRef<str> + TryInto<Method>,
        M::Error: Into<BoxError>,
    {
        let request = start(method, || client.last_url().parse(url));
        RequestBuilder { client: Ok(client), request }
    }

    /// On the default client of the runtime, or with the error of not being on one.
    pub(crate) fn on_default<M>(method: M, url: &str) -> RequestBuilder
    where
        M: AsRef<str> + TryInto<Method>,
        M::Error: Into<BoxError>,
    {
        let client = crate::default_client();
        let request = start(method, || match &client {
            Ok(client) => client.last_url().parse(url),
            Err(_) => uri::parse(url),
        });
        let builder = RequestBuilder { client, request };
        // Calls share connections, not cookies.
        #[cfg(feature = "cookies")]
        let builder = builder.jar(treq_cookies::Jar::new());
        builder
    }

    /// Appends pairs to the query of the URL: pairs, a map, or anything that serializes to one; a list as a value
    /// repeats its key.
    ///
    /// Letters, digits and `-._~` stay, a space becomes `+`, all else is percent-encoded UTF-8.
    pub fn params<T: Serialize>(self, params: T) -> RequestBuilder {
        self.and_then(|request| {
            if let Some(uri) = query::append(request.uri(), &params)? {
                *request.uri_mut() = uri;
            }
            Ok(())
        })
    }

    /// Adds a field. The client's own fields of that name are left out.
    pub fn header<K, V>(self, name: K, value: V) -> RequestBuilder
    where
        K: AsRef<str> + TryInto<HeaderName>,
        K::Error: Into<BoxError>,
        V: AsRef<[u8]> + TryInto<HeaderValue>,
        V::Error: Into<BoxError>,
    {
        self.and_then(|request| {
            let (name, value) = field(name, value)?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    /// Adds fields: a `HeaderMap`, or pairs of names and values.
    pub fn headers(self, headers: impl Headers) -> RequestBuilder {
        self.and_then(|request| headers.add_to(request.headers_mut()))
    }

    /// The body: bytes, text, or any [`Body`].
    pub fn body(self, body: impl Into<Body>) -> RequestBuilder {
        self.and_then(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// A body of compact JSON, with `Content-Type: application/json` unless the request has one.
    #[cfg(feature = "json")]
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> RequestBuilder {
        self.and_then(|request| {
            let refused = |error| refuse("the value cannot be written as JSON".to_owned(), error);
            let text = serde_json::to_vec(json).map_err(refused)?;
            set_body(request, text, "application/json");
            Ok(())
        })
    }

    /// A body of pairs, with `Content-Type: application/x-www-form-urlencoded` unless the request has one.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> RequestBuilder {
        self.and_then(|request| {
            set_body(request, query::encode(form, "form fields")?, "application/x-www-form-urlencoded");
            Ok(())
        })
    }

    /// Which version of HTTP is spoken.
    pub fn http_version(self, wish: Wish) -> RequestBuilder {
        self.extension(wish)
    }

    /// Which redirects are followed: [`Follow::None`](crate::Follow) for none, or another policy than the client's.
    pub fn redirects(self, follow: treq_redirect::Follow) -> RequestBuilder {
        self.extension(follow)
    }

    /// How many redirects are followed.
    pub fn max_redirects(self, redirects: usize) -> RequestBuilder {
        self.extension(treq_redirect::Limit(redirects))
    }

    /// Whether the answer is decoded: with [`Decoding::Off`](crate::Decoding) nothing is offered and nothing undone.
    pub fn decoding(self, decoding: treq_decode::Decoding) -> RequestBuilder {
        self.extension(decoding)
    }

    /// User name and password (RFC 7617), for the origin of the request's URL only, in the place of an `Authorization` field
    /// and of what stands before an `@` in the URL. A user name with a colon is an error of [`Kind::Builder`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let response = treq::get(server.url("/basic-auth/ada/s3cret")).basic_auth("ada", "s3cret").await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn basic_auth(self, name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> RequestBuilder {
        self.and_then(|request| authorize(request, treq_auth::Basic::new(name, password)?))
    }

    /// A bearer token (RFC 6750), for the origin of the request's URL only.
    pub fn bearer_auth(self, token: impl AsRef<str>) -> RequestBuilder {
        self.and_then(|request| authorize(request, treq_auth::Bearer::new(token)?))
    }

    /// Credentials of any [`Scheme`](crate::Scheme), for the origin of the request's URL only.
    pub fn auth(self, scheme: impl treq_auth::Scheme + 'static) -> RequestBuilder {
        self.and_then(|request| authorize(request, scheme))
    }

    /// Cookies that go with this request, to the origin of its URL only; they are not kept. They take the place of the
    /// jar's cookies of the same name, and stay behind where a redirect leads elsewhere.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let mut response = treq::get(server.url("/cookies")).cookies([("sid", "7f"), ("theme", "dark")]).await?;
    /// assert!(response.text().await?.contains(r#""sid": "7f""#));
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "cookies")]
    pub fn cookies<N: AsRef<[u8]>, V: AsRef<[u8]>>(self, cookies: impl IntoIterator<Item = (N, V)>) -> RequestBuilder {
        self.and_then(|request| crate::cookies::add(request, cookies))
    }

    /// This jar in the place of the client's, for this request and its redirects.
    #[cfg(feature = "cookies")]
    pub fn jar(self, jar: treq_cookies::Jar) -> RequestBuilder {
        self.extension(treq_cookies::WithJar(jar))
    }

    /// How long the request may take as a whole, from the call to the end of its answer's body, with all redirects;
    /// `None`: as long as it takes. What takes longer is an error of [`Kind::Timeout`] that names the phase
    /// ([`Phase::Total`](crate::Phase)), with the cause [`Elapsed`](crate::Elapsed).
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.extension(treq_timeout::Total(limit.into()))
    }

    /// How long the head of each answer may take from the end of its request.
    pub fn head_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.extension(treq_timeout::Head(limit.into()))
    }

    /// How long each piece of the answer's body may take: `None` for one that may be silent as long as it likes.
    pub fn read_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.extension(treq_timeout::Read(limit.into()))
    }

    /// How long the body of the request may stand still.
    pub fn write_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.extension(treq_timeout::Write(limit.into()))
    }

    /// An option of a layer for this request, such as [`OnInformational`](crate::OnInformational).
    pub fn extension<T: Clone + Send + Sync + 'static>(self, option: T) -> RequestBuilder {
        self.and_then(|request| {
            request.extensions_mut().insert(option);
            Ok(())
        })
    }

    /// The request as it would be handed to the stack, the client's own fields not yet added.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong with it.
    pub fn build(self) -> Result<Request<Body>, Error> {
        self.request
    }

    fn and_then(mut self, change: impl FnOnce(&mut Request<Body>) -> Result<(), Error>) -> RequestBuilder {
        if let Err(error) = self.request.as_mut().map_or(Ok(()), change) {
            self.request = Err(error);
        }
        self
    }
}

fn start<M>(method: M, url: impl FnOnce() -> Result<Located, Error>) -> Result<Request<Body>, Error>
where
    M: AsRef<str> + TryInto<Method>,
    M::Error: Into<BoxError>,
{
    if method.as_ref().is_empty() || !method.as_ref().bytes().all(is_token) {
        let shown: String = method.as_ref().chars().take(100).collect();
        let why = "is no method: letters, digits and !#$%&'*+-.^_`|~ may stand in one";
        return Err(Error::new(Kind::Builder, format!("{shown:?} {why}")));
    }
    let method = method.try_into().map_err(|error| refuse("the method cannot be used".to_owned(), error))?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    let located = url()?;
    if let Some(userinfo) = &located.userinfo {
        let credentials = treq_auth::Credentials::from_userinfo(treq_core::Origin::of(&located.uri)?, userinfo)?;
        request.extensions_mut().insert(credentials);
    }
    *request.uri_mut() = located.uri;
    if let Some(fragment) = located.fragment {
        // It is never sent, but a redirect without one of its own inherits it.
        request.extensions_mut().insert(Fragment(fragment));
    }
    Ok(request)
}

/// [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What the caller says last counts.
fn authorize(request: &mut Request<Body>, scheme: impl treq_auth::Scheme + 'static) -> Result<(), Error> {
    let credentials = treq_auth::Credentials::new(treq_core::Origin::of(request.uri())?, scheme);
    request.headers_mut().remove(http::header::AUTHORIZATION);
    request.extensions_mut().insert(credentials);
    Ok(())
}

fn set_body(request: &mut Request<Body>, body: impl Into<Body>, content_type: &'static str) {
    *request.body_mut() = body.into();
    if let Entry::Vacant(vacant) = request.headers_mut().entry(CONTENT_TYPE) {
        vacant.insert(HeaderValue::from_static(content_type));
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response, Error>;
    type IntoFuture = Pending;

    fn into_future(self) -> Pending {
        let client = match self.client {
            Ok(client) => client,
            Err(error) => return Pending { state: State::Failed(Some(error)) },
        };
        let request = match self.request {
            Ok(request) => request,
            Err(error) => return Pending { state: State::Failed(Some(error)) },
        };
        let url = request.uri().clone();
        let content_limit = client.settings().content_limit;
        Pending { state: State::Sent { sent: client.send(request), url, content_limit } }
    }
}

/// A request that has been sent: the future of its [`Response`].
pub struct Pending {
    state: State,
}

enum State {
    Sent { sent: Sent, url: Uri, content_limit: usize },
    Failed(Option<Error>),
}

impl Future for Pending {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Sent { sent, url, content_limit } => {
                let response = ready!(sent.poll_response(cx)).map_err(|error| error.with_url(url))?;
                Poll::Ready(Ok(Response::new(response, std::mem::take(url), *content_limit)))
            }
            State::Failed(error) => error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl fmt::Debug for RequestBuilder {
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
