//! What a request says to the layers: one option each.

use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Method, Request};
use treq_core::options::{
    Attempts, Decoding, HeadTimeout, IdempotencyKey, MaxRedirects, NewConnection, ReadTimeout, TotalTimeout,
    WriteTimeout,
};
use treq_core::{Body, BoxError, Error, HttpVersion};
use treq_proxy::{Proxy, ProxyChoice};
use treq_redirect::Follow;

use crate::client::Client;
use crate::request::{RequestBuilder, Sender};

/// Its request is timed.
#[derive(Clone, Copy)]
pub(crate) struct Timed;

impl<M> RequestBuilder<M> {
    /// Which version of HTTP is spoken.
    pub fn http_version(self, http_version: HttpVersion) -> Self {
        self.extension(http_version)
    }

    /// Which redirects are followed: [`Follow::None`](crate::options::Follow) for none, or another policy than the client's.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// use treq::redirect::{Action, redirect_fn};
    ///
    /// let once = redirect_fn(|attempt| if attempt.history().is_empty() { Action::Follow } else { Action::Stop });
    /// let response = treq::get(server.url("/relative-redirect/3")).redirects(once).await?;
    /// assert_eq!((response.status().as_u16(), response.history().len()), (302, 1));
    /// # Ok(()) }
    /// ```
    pub fn redirects(self, follow: impl Into<Follow>) -> Self {
        self.extension::<Follow>(follow.into())
    }

    /// How many redirects are followed.
    pub fn max_redirects(self, redirects: usize) -> Self {
        self.extension(MaxRedirects::new(redirects))
    }

    /// Whether content codings are offered and decoded: with `false` the body and its fields stay as they came. (default: true)
    pub fn decoding(self, on: bool) -> Self {
        self.extension(Decoding::new(on))
    }

    /// User name and password (RFC 7617), for the origin of the request's URL only, in the place of an `Authorization` field
    /// and of what stands before an `@` in the URL. A user name with a colon is an error of [`Kind::Auth`](crate::Kind).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let response = treq::get(server.url("/basic-auth/ada/s3cret")).basic_auth("ada", "s3cret").await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn basic_auth(self, name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        self.and_then(|request| authorize(request, treq_auth::Basic::new(name, password)?))
    }

    /// A bearer token (RFC 6750), for the origin of the request's URL only.
    pub fn bearer_auth(self, token: impl AsRef<str>) -> Self {
        self.and_then(|request| authorize(request, treq_auth::Bearer::new(token)?))
    }

    /// Credentials of any [`Scheme`](crate::auth::Scheme), for the origin of the request's URL only. One that learns from challenges, as
    /// Digest does, is shared in an `Arc`: then only the first request is challenged.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// use std::sync::Arc;
    ///
    /// let digest = Arc::new(treq::auth::Digest::new("ada", "s3cret"));
    /// for _ in 0..3 {
    ///     let response = treq::get(server.url("/digest-auth/auth/ada/s3cret")).auth(Arc::clone(&digest)).await?;
    ///     assert_eq!(response.status(), 200);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn auth(self, scheme: impl treq_auth::Scheme) -> Self {
        self.and_then(|request| authorize(request, scheme))
    }

    /// Sends the request through this proxy, whatever the client does: a [`Proxy`](crate::Proxy), or its URL.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// let response = treq::get("https://example.test/").proxy("http://ada:s3cret@127.0.0.1:3128").await?;
    /// # let _ = response;
    /// # Ok(()) }
    /// ```
    pub fn proxy<P: TryInto<Proxy>>(self, proxy: P) -> Self
    where
        P::Error: Into<BoxError>,
    {
        match proxy.try_into() {
            Ok(proxy) => self.extension(ProxyChoice::proxy(proxy)),
            Err(error) => self.and_then(|_| Err(Error::from_boxed(error))),
        }
    }

    /// Sends the request directly, whatever proxies the client has.
    pub fn without_proxy(self) -> Self {
        self.extension(ProxyChoice::direct())
    }

    /// Sends the request up to this many times, if [it is safe](crate::retry::RetryLayer). Each hop of a chain of redirects counts its own
    /// attempts. (default: the client's, 1 unless set)
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let response = treq::get(server.url("/status/503")).attempts(3).await?;
    /// assert_eq!(response.extensions().get(), Some(&treq::retry::Attempted::new(3)));
    /// # Ok(()) }
    /// ```
    pub fn attempts(self, attempts: u32) -> Self {
        self.extension(Attempts::new(attempts))
    }

    /// Whether the request, where its method is not idempotent, has an `Idempotency-Key`, one for all attempts: it then may be
    /// sent again.
    pub fn idempotency_key(self, on: bool) -> Self {
        self.extension(IdempotencyKey::new(on))
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
    pub fn cookies<N: AsRef<[u8]>, V: AsRef<[u8]>>(self, cookies: impl IntoIterator<Item = (N, V)>) -> Self {
        self.and_then(|request| crate::cookie_store::add(request, cookies))
    }

    /// This jar in the place of the client's, for this request and its redirects.
    pub fn jar(self, jar: treq_cookies::Jar) -> Self {
        self.extension(treq_cookies::UseJar::new(jar))
    }

    /// How long the request may take as a whole, from the call to the end of its answer's body, with all redirects;
    /// `None`: as long as it takes. What takes longer is an error of [`Kind::Timeout`](crate::Kind) that names the phase
    /// ([`Phase::Total`](crate::error::Phase)), with the cause [`Elapsed`](crate::error::Elapsed).
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.extension(TotalTimeout::new(limit))
    }

    /// How long the head of each answer may take from the end of its request.
    pub fn head_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.extension(HeadTimeout::new(limit))
    }

    /// How long each piece of the answer's body may take: `None` for one that may be silent as long as it likes.
    pub fn read_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.extension(ReadTimeout::new(limit))
    }

    /// How long the body of the request may stand still.
    pub fn write_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.extension(WriteTimeout::new(limit))
    }

    /// An option of a layer for this request, such as [`OnInformational`](crate::options::OnInformational).
    pub fn extension<T: Clone + Send + Sync + 'static>(self, option: T) -> Self {
        self.and_then(|request| {
            request.extensions_mut().insert(option);
            Ok(())
        })
    }

    /// Whether redirects are followed: as the client does it, or not at all.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// assert_eq!(treq::get(server.url("/redirect/1")).allow_redirects(false).await?.status(), 302);
    /// # Ok(()) }
    /// ```
    pub fn allow_redirects(self, follow: bool) -> Self {
        if follow { self } else { self.redirects(Follow::None) }
    }

    /// Redirects are followed as browsers do: a POST that gets a 301 or 302 goes on as GET. It is [`Follow::Standard`], for a
    /// client with another policy.
    pub fn browser_like_redirects(self) -> Self {
        self.redirects(Follow::Standard)
    }

    /// Whether the connection may be one that was kept and is kept afterwards: with `false` the request goes out on a new
    /// connection, says `Connection: close`, and the connection is closed behind the answer
    /// ([RFC 9112, section 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)).
    pub fn persistent(self, keep: bool) -> Self {
        if keep {
            return self;
        }
        self.extension(NewConnection::new()).and_then(|request| {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            Ok(())
        })
    }

    /// Notes when the exchange does what, for [`Response::timings`](crate::Response::timings).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let response = treq::get(server.url("/get")).timings().await?;
    /// assert!(response.timings().is_some_and(|timings| !timings.head.is_zero()));
    /// # Ok(()) }
    /// ```
    pub fn timings(self) -> Self {
        self.extension(Timed)
    }

    /// Another method than the one that the request was made with.
    pub fn method<T>(self, method: T) -> Self
    where
        T: AsRef<str> + TryInto<Method>,
        T::Error: Into<BoxError>,
    {
        self.and_then(|request| {
            *request.method_mut() = crate::request::parse_method(method)?;
            Ok(())
        })
    }

    /// Sends the request by this client: with its connections, its settings, and its jar unless
    /// [`jar`](Self::jar) names another.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let client = treq::Client::builder().header("user-agent", "shop/1.0").build()?;
    /// let mut response = treq::get(server.url("/user-agent")).agent(&client).await?;
    /// assert!(response.text().await?.contains("shop/1.0"));
    /// # Ok(()) }
    /// ```
    pub fn agent(mut self, client: &Client) -> Self {
        self.sender = Sender::Client(client.clone());
        self
    }
}

/// What the caller says last counts.
fn authorize(request: &mut Request<Body>, scheme: impl treq_auth::Scheme) -> Result<(), Error> {
    let credentials = treq_auth::Credentials::new(treq_core::Origin::from_uri(request.uri())?, scheme);
    request.headers_mut().remove(http::header::AUTHORIZATION);
    request.extensions_mut().insert(credentials);
    Ok(())
}
