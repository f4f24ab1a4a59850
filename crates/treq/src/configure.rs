//! What a client can be told.

use std::sync::Arc;
use std::time::Duration;

use treq_auth::Scheme;
use treq_core::{BoxError, Error, HttpVersion, Origin};
use treq_decode::DecodeLayer;
use treq_pool::PoolLayer;
use treq_proxy::Proxies;
use treq_redirect::{Follow, RedirectLayer};
use treq_timeout::TimeoutLayer;

use crate::builder::ClientBuilder;
use crate::fields::{Headers, IntoHeaderName, IntoHeaderValue, field};

impl ClientBuilder {
    /// How connections are kept. What is not set on `pool` is as in a plain [`PoolLayer`].
    pub fn pool_layer(mut self, pool: PoolLayer) -> Self {
        self.parts.layers.pool = pool;
        self
    }

    /// How redirects are followed: policy, limit, fields of one's own that do not cross origins. What is not set on
    /// `redirect` is as in a plain [`RedirectLayer`], also if another setter has said it before; one that is called later adds to it.
    pub fn redirect_layer(mut self, redirect: RedirectLayer) -> Self {
        self.parts.layers.redirect = redirect;
        self
    }

    /// Which redirects are followed: [`Follow::None`](crate::options::Follow) for none, or a policy. (default: as
    /// [`Follow::Standard`](crate::options::Follow) says)
    ///
    /// ```
    /// # fn main() -> Result<(), treq::Error> {
    /// let client = treq::Client::builder().redirects(treq::options::Follow::None).build()?;
    /// # Ok(()) }
    /// ```
    pub fn redirects(mut self, follow: impl Into<Follow>) -> Self {
        self.parts.layers.redirect = self.parts.layers.redirect.policy(follow);
        self
    }

    /// How many redirects are followed. (default: 20)
    pub fn max_redirects(mut self, redirects: usize) -> Self {
        self.parts.layers.redirect = self.parts.layers.redirect.limit(redirects);
        self
    }

    /// Sets the credentials for an origin: a URL's text, a `Uri` or an [`Origin`](crate::Origin), and a scheme. They are
    /// sent to no other, and not on a chain of redirects that has been elsewhere. A request with an `Authorization` field, its own or
    /// one of this builder's [`header`](ClientBuilder::header), goes without.
    ///
    /// ```
    /// use treq::auth::Basic;
    ///
    /// # fn main() -> Result<(), treq::Error> {
    /// let client = treq::Client::builder().credentials("https://shop.test", Basic::new("ada", "s3cret")?).build()?;
    /// # Ok(()) }
    /// ```
    pub fn credentials<O>(mut self, origin: O, scheme: impl Scheme) -> Self
    where
        O: TryInto<Origin>,
        O::Error: Into<BoxError>,
    {
        match origin.try_into() {
            Ok(origin) => {
                let auth = std::mem::take(&mut self.parts.layers.detour.auth);
                return self.auth_layer(auth.credentials(origin, scheme));
            }
            Err(error) => _ = self.parts.error.get_or_insert_with(|| Arc::new(Error::from_boxed(error))),
        }
        self
    }

    /// All that is known of credentials: origins and their schemes, a netrc file, whether they are sent over `http`. It takes the
    /// place of what [`credentials`](ClientBuilder::credentials) was given before.
    pub fn auth_layer(mut self, auth: treq_auth::AuthLayer) -> Self {
        self.parts.layers.detour.auth = auth;
        self.parts.layers.detour.always = true;
        self
    }

    /// Which requests go through which proxy: [`Proxies`](crate::Proxies), or a [`Proxy`](crate::Proxy) or its URL for all of them;
    /// directly unless set. [`Proxies::from_env`](crate::Proxies::from_env) is what the
    /// environment says, and is never asked on its own. [`RequestBuilder::proxy`](crate::RequestBuilder::proxy)
    /// overrides it.
    ///
    /// ```
    /// use treq::{Client, Proxies};
    ///
    /// let proxies = Proxies::all("socks5h://127.0.0.1:1080".parse()?).no_proxy("localhost,.internal.test");
    /// let client = Client::builder().proxy(proxies).build()?;
    /// # let _ = client;
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn proxy<P: TryInto<Proxies>>(mut self, proxies: P) -> Self
    where
        P::Error: Into<BoxError>,
    {
        match proxies.try_into() {
            Ok(proxies) => self.parts.layers.detour.route = treq_proxy::RouteLayer::new(proxies),
            Err(error) => _ = self.parts.error.get_or_insert_with(|| Arc::new(Error::from_boxed(error))),
        }
        self.parts.layers.detour.always = true;
        self
    }

    /// How TLS is spoken with `https` proxies: as the platform's roots have it unless set, whatever
    /// [`tls`](ClientBuilder::tls) says of origins.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub fn proxy_tls(mut self, config: treq_connect::TlsConfig) -> Self {
        self.parts.proxy_tls = config;
        self
    }

    /// Which requests are sent again, how often and after how long. A `RetryLayer::new()` sends a request up to three
    /// times. (default: none is sent again, beyond the one sending on a new connection where a kept one was dead)
    /// It takes the place of what [`attempts`](ClientBuilder::attempts) and [`idempotency_key`](ClientBuilder::idempotency_key) have said
    /// before; called later they add to it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use treq::Client;
    /// use treq::retry::{Backoff, RetryLayer};
    ///
    /// let retry = RetryLayer::new().attempts(4).backoff(Backoff::new().base(Duration::from_millis(50)));
    /// let client = Client::builder().retry_layer(retry).build()?;
    /// # let _ = client;
    /// # Ok::<(), treq::Error>(())
    /// ```
    pub fn retry_layer(mut self, retry: treq_retry::RetryLayer) -> Self {
        self.parts.layers.detour.retry = retry;
        self.parts.layers.detour.always = true;
        self
    }

    /// How often a request may be sent in all, if [it is safe](crate::retry::RetryLayer) to send it again. (default: 1)
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.parts.layers.detour.retry = self.parts.layers.detour.retry.attempts(attempts);
        self.parts.layers.detour.always = true;
        self
    }

    /// Whether requests whose method is not idempotent have an `Idempotency-Key`, one for all attempts: they may then be sent
    /// again. (default: false)
    pub fn idempotency_key(mut self, on: bool) -> Self {
        self.parts.layers.detour.retry = self.parts.layers.detour.retry.idempotency_key(on);
        self.parts.layers.detour.always = true;
        self
    }

    /// Whether a request that met a kept connection which was dead goes out once more on a new one, where that is safe. On
    /// unless set.
    pub fn resend(mut self, on: bool) -> Self {
        self.parts.layers.resend = on;
        self
    }

    /// Whether content codings are offered and decoded: with `false` bodies and their fields stay as they came. (default: true)
    pub fn decoding(mut self, on: bool) -> Self {
        self.parts.decoding = on;
        self
    }

    /// Which content codings are undone, and within which limits: codings of your own, a limit on decoded streams.
    /// [`decoding`](ClientBuilder::decoding) turns all of it off.
    pub fn decode_layer(mut self, decode: DecodeLayer) -> Self {
        self.parts.layers.decode = decode;
        self
    }

    /// The jar that cookies are kept in: an empty one of the client's own unless set. Clients that are given the same
    /// [`Jar`](crate::Jar) share it, and what it holds can be looked at and saved at any time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use treq::{Cookie, Jar};
    ///
    /// let jar = Jar::new();
    /// jar.insert(Cookie::builder("https://shop.test/", "sid", "7f").build()?);
    /// let client = treq::Client::builder().jar(jar.clone()).build()?;
    /// assert_eq!(client.jar().map(|jar| jar.len()), Some(1));
    /// # Ok(()) }
    /// ```
    pub fn jar(mut self, jar: treq_cookies::Jar) -> Self {
        self.parts.has_store = true;
        self.parts.jar = Some(jar.clone());
        self.parts.layers.cookies = treq_cookies::CookiesLayer::with(crate::cookie_store::AnyStore::new(jar));
        self
    }

    /// Cookies are kept elsewhere: in any [`Store`](crate::cookies::Store), such as the adapter for a `cookie_store::CookieStore`.
    pub fn cookie_store(mut self, store: impl treq_cookies::Store) -> Self {
        self.parts.has_store = true;
        self.parts.jar = None;
        self.parts.layers.cookies = treq_cookies::CookiesLayer::with(crate::cookie_store::AnyStore::new(store));
        self
    }

    /// No cookie is kept. Those of a [request](crate::RequestBuilder::cookies) are sent.
    pub fn without_cookies(self) -> Self {
        self.cookie_store(crate::cookie_store::NoStore)
    }

    /// How long a request may take as a whole, from the call to the end of its answer's body, with all redirects: as long
    /// as it takes unless set. [`RequestBuilder::timeout`](crate::RequestBuilder::timeout) overrides it.
    ///
    /// ```
    /// # fn main() -> Result<(), treq::Error> {
    /// use std::time::Duration;
    ///
    /// let client = treq::Client::builder()
    ///     .timeout(Duration::from_secs(30))
    ///     .connect_timeout(Duration::from_secs(3))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.total_timeout = limit.into();
        self.parts.layers.deadline = self.parts.layers.deadline.total(self.parts.total_timeout);
        self
    }

    /// How long a new connection may take, TLS included: 10 seconds unless set.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.connect_timeout = self.parts.layers.connect_timeout.limit(limit);
        self
    }

    /// How long the head of each response may take from the end of its request. (default: 60 seconds)
    pub fn head_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.timeouts = self.parts.layers.timeouts.head(limit);
        self
    }

    /// How long each piece of the body of a response may take. (default: 60 seconds)
    pub fn read_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.timeouts = self.parts.layers.timeouts.read(limit);
        self
    }

    /// How long the body of a request may stand still. (default: 60 seconds)
    pub fn write_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.parts.layers.timeouts = self.parts.layers.timeouts.write(limit);
        self
    }

    /// How long the parts of each exchange may take: the head, and each piece of the bodies, 60 seconds unless set. It takes the place
    /// of what the setters of single limits have said before; called later they add to it.
    pub fn timeout_layer(mut self, timeouts: TimeoutLayer) -> Self {
        self.parts.layers.timeouts = timeouts;
        self
    }

    /// How TLS is spoken: roots, client certificates, versions.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub fn tls(mut self, config: treq_connect::TlsConfig) -> Self {
        self.parts.tls = config;
        self
    }

    /// Which version of HTTP is spoken unless a request says otherwise. [`HttpVersion::Http2`] speaks HTTP/2 with prior
    /// knowledge in the clear.
    pub fn http_version(mut self, http_version: HttpVersion) -> Self {
        self.parts.fields.http_version = http_version;
        self
    }

    /// A field of every request that does not set it itself. Given again, the name has several values.
    ///
    /// A name that is no token or a value with control characters is an error of [`Kind::Builder`](crate::Kind) when the client is
    /// built.
    pub fn header(mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        match field(&name, &value) {
            Ok((name, value)) => _ = self.parts.fields.headers.append(name, value),
            Err(error) => _ = self.parts.error.get_or_insert_with(|| Arc::new(error)),
        }
        self
    }

    /// Fields of every request that does not set them itself; see [`header`](ClientBuilder::header).
    pub fn headers(mut self, headers: impl Headers) -> Self {
        if let Err(error) = headers.add_to(&mut self.parts.fields.headers) {
            self.parts.error.get_or_insert_with(|| Arc::new(error));
        }
        self
    }

    /// How many bytes of a body `content`, `text` and `json` take: 32 MiB unless set. More is an error of
    /// [`Kind::Body`](crate::Kind) that names the limit. Streams have no limit.
    pub fn content_limit(mut self, bytes: usize) -> Self {
        self.parts.reading.content_limit = bytes;
        self
    }

    /// The charset of text whose `Content-Type` names none: UTF-8 unless set. `iso-8859-1` is what HTTP/1.1 once said, and
    /// what Python treq does. A charset that is not known is an error of [`Kind::Builder`](crate::Kind) when the client is built.
    pub fn default_charset(mut self, label: &str) -> Self {
        match crate::text::labelled(label) {
            Ok(charset) => self.parts.reading.charset = charset,
            Err(error) => _ = self.parts.error.get_or_insert_with(|| Arc::new(error)),
        }
        self
    }

    /// How many fields a response's head may have over HTTP/1.1: 100 unless set, 24,576 at most.
    pub fn max_headers(mut self, fields: usize) -> Self {
        self.parts.http.max_headers = Some(fields);
        self
    }

    /// How many bytes a response's head may have: 64 KiB unless set.
    pub fn max_head_size(mut self, bytes: usize) -> Self {
        self.parts.http.max_head_size = Some(bytes);
        self
    }

    /// How long the body of a request with `Expect: 100-continue` waits for the server's word before it is sent all
    /// the same: one second unless set.
    pub fn expect_wait(mut self, wait: Duration) -> Self {
        self.parts.http.expect_wait = Some(wait);
        self
    }

    /// Whether a field of an answer that goes on in further lines is taken (RFC 9112, section 5.2). Off unless set: then it
    /// is an error.
    pub fn folded_fields(mut self, on: bool) -> Self {
        self.parts.http.folded_fields = on;
        self
    }

    /// Sends field names as `Title-Case` over HTTP/1.1, for servers and proxies that compare them by case. (default: off)
    pub fn title_case_headers(mut self, on: bool) -> Self {
        self.parts.http.title_case = on;
        self
    }
}
