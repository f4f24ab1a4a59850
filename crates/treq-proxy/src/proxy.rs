use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
#[cfg(doc)]
use treq_core::Kind;
use treq_core::auth::Scheme;
use treq_core::{Error, Origin, Route};

use crate::ProxyScheme;
use crate::address::{self, Address};
use crate::credentials::{Credentials, Login};

/// The address of a proxy, with the credentials for it. Cloning it copies no text.
///
/// | address | way | port unless given |
/// |---|---|---|
/// | `http://host`, `host:port` | HTTP: requests in the clear are handed on, else CONNECT | 80 |
/// | `https://host` | the same, over TLS to the proxy | 443 |
/// | `socks4://host` | SOCKS4: IPv4 only, names are resolved here | 1080 |
/// | `socks4a://host` | SOCKS4a: names are resolved by the proxy | 1080 |
/// | `socks5://host` | SOCKS5: names are resolved here | 1080 |
/// | `socks5h://host` | SOCKS5: names are resolved by the proxy | 1080 |
///
/// `user:password@` may stand in front of the host, percent-encoded where it holds one of `/ ? # %` or, in the user name,
/// a colon. `Debug` and `Display` hide it.
///
/// ```
/// use treq_proxy::Proxy;
///
/// let proxy: Proxy = "socks5h://user:s%2Fcret@[2001:db8::1]".parse()?;
/// assert_eq!(proxy.to_string(), "socks5h://…@[2001:db8::1]:1080");
/// assert_eq!((proxy.host(), proxy.port()), ("2001:db8::1", 1080));
///
/// let proxy = Proxy::try_from("proxy.test:3128")?.basic_auth("user", "s/cret")?;
/// assert_eq!(proxy.to_string(), "http://…@proxy.test:3128");
/// # Ok::<(), treq_core::Error>(())
/// ```
///
/// # Errors
///
/// Making one from a text or a URL fails with [`Kind::Builder`], naming the value without its credentials: another scheme,
/// a missing or bad host, a bad port, a path; credentials that the scheme cannot carry, as for
/// [`basic_auth`](Proxy::basic_auth).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// In an `Arc`, since it is the route of every request that goes through it.
    way: Arc<Way>,
}

/// The proxy as a [`Route`]: what a pool tells connections apart by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) scheme: ProxyScheme,
    /// Of its scheme only "TLS or not" counts.
    pub(crate) origin: Origin,
    pub(crate) credentials: Credentials,
    /// Whether an HTTP proxy is asked for a tunnel where it could hand requests on.
    tunnel: bool,
}

impl Proxy {
    /// The same proxy with user name and password: sent by Basic with the first request to an HTTP proxy ([RFC
    /// 7617](https://www.rfc-editor.org/rfc/rfc7617)), by [RFC 1929](https://www.rfc-editor.org/rfc/rfc1929) to a SOCKS5
    /// proxy.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`]: a colon in the user name for Basic, more than 255 bytes of either for SOCKS5. SOCKS4 knows a user
    /// name only, which is given in the address: `socks4://user@host`.
    pub fn basic_auth(self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Proxy, Error> {
        let login = Login { user: user.as_ref().to_vec(), password: Some(password.as_ref().to_vec()) };
        login.check(self.way.scheme)?;
        Ok(self.with(Credentials::Login(Arc::new(login))))
    }

    /// The same HTTP proxy with a [`Scheme`] instead of user name and password: for each CONNECT, and for each request that
    /// the proxy forwards, which needs a [`RouteLayer`](crate::RouteLayer). A 407 is answered once. A SOCKS proxy cannot use
    /// a scheme, and connecting through it then fails.
    ///
    /// The time that a scheme waits for a tunnel is part of that of connecting. Connections are shared by clones of this
    /// proxy, not by another one with the same scheme.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use treq_core::BoxError;
    /// use treq_core::auth::{Outgoing, Scheme, Step};
    /// use treq_proxy::Proxy;
    ///
    /// struct ApiKey(HeaderValue);
    ///
    /// impl Scheme for ApiKey {
    ///     fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
    ///         request.authorize(self.0.clone());
    ///         Ok(Step::Send)
    ///     }
    /// }
    ///
    /// let proxy = Proxy::try_from("http://proxy.test:3128")?.auth(ApiKey(HeaderValue::from_static("ApiKey t0ken")));
    /// assert!(!format!("{proxy:?}").contains("t0ken"));
    /// # Ok::<(), treq_core::Error>(())
    /// ```
    #[must_use]
    pub fn auth(self, scheme: impl Scheme) -> Proxy {
        self.with(Credentials::Scheme(Arc::new(scheme)))
    }

    /// Whether an HTTP proxy is asked for a tunnel to `http` origins too, as for WebSocket and other upgrades, which few
    /// proxies hand on. Off unless set; many proxies open tunnels to port 443 only.
    #[must_use]
    pub fn always_tunnel(mut self, on: bool) -> Proxy {
        Arc::make_mut(&mut self.way).tunnel = on;
        self
    }

    fn with(mut self, credentials: Credentials) -> Proxy {
        Arc::make_mut(&mut self.way).credentials = credentials;
        self
    }

    /// How it is spoken with.
    pub fn scheme(&self) -> ProxyScheme {
        self.way.scheme
    }

    /// Its host in lower case, an IPv6 literal without brackets.
    pub fn host(&self) -> &str {
        self.way.origin.host()
    }

    /// Its port, given or the scheme's own.
    pub fn port(&self) -> u16 {
        self.way.origin.port()
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.way.origin
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.way.credentials
    }

    /// Whether it hands requests in the clear on.
    pub(crate) fn forwards(&self) -> bool {
        self.way.scheme.is_http() && !self.way.tunnel
    }

    pub(crate) fn has_credentials(&self) -> bool {
        !matches!(self.way.credentials, Credentials::None)
    }

    /// The route of requests through it, without an allocation.
    pub(crate) fn route(&self) -> Arc<dyn Route> {
        Arc::clone(&self.way) as Arc<dyn Route>
    }

    pub(crate) fn of(way: &Way) -> Proxy {
        Proxy { way: Arc::new(way.clone()) }
    }
}

impl Route for Way {
    fn is_shared(&self) -> bool {
        self.scheme.is_http() && !self.tunnel
    }

    fn same(&self, other: &dyn Route) -> bool {
        other.downcast_ref::<Way>().is_some_and(|other| other == self)
    }

    fn digest(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Proxy, Error> {
        let Address { scheme, origin, login } = address::parse(text)?;
        let credentials = match login {
            Some(login) => Credentials::Login(Arc::new(login)),
            None => Credentials::None,
        };
        Ok(Proxy { way: Arc::new(Way { scheme, origin, credentials, tunnel: false }) })
    }
}

impl TryFrom<&str> for Proxy {
    type Error = Error;

    fn try_from(text: &str) -> Result<Proxy, Error> {
        text.parse()
    }
}

impl TryFrom<String> for Proxy {
    type Error = Error;

    fn try_from(text: String) -> Result<Proxy, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Proxy {
    type Error = Error;

    fn try_from(text: &String) -> Result<Proxy, Error> {
        text.parse()
    }
}

impl TryFrom<Uri> for Proxy {
    type Error = Error;

    fn try_from(url: Uri) -> Result<Proxy, Error> {
        Proxy::try_from(&url)
    }
}

impl TryFrom<&Uri> for Proxy {
    type Error = Error;

    fn try_from(url: &Uri) -> Result<Proxy, Error> {
        url.to_string().parse()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if matches!(self.credentials, Credentials::None) { "" } else { "…@" };
        write!(f, "{}://{hidden}{}", self.scheme, crate::error::endpoint(&self.origin))
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.way.fmt(f)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.way, f)
    }
}
