use std::time::SystemTime;

use http::Uri;
use treq_core::{Error, Kind};

use crate::cookie::{Cookie, Parts, SameSite, scope};
use crate::host::{self, Place};
use crate::parse::{MAX_PAIR, is_control};

/// Makes a [`Cookie`] to put into a jar. By default it is sent to the host of the URL alone, to all its paths, only over
/// `https` if the URL has that scheme, and until the session ends.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use treq_cookies::{Cookie, Jar, SameSite};
///
/// let cookie = Cookie::builder("https://www.example.com/", "sid", "7f")
///     .domain("example.com")
///     .path("/shop")
///     .same_site(SameSite::Lax)
///     .expires(SystemTime::now() + Duration::from_secs(3600))
///     .build()?;
/// assert!(cookie.secure() && !cookie.host_only());
///
/// let jar = Jar::new();
/// jar.insert(cookie);
/// assert_eq!(jar.cookies_for(&"https://api.example.com/shop/cart".parse()?).len(), 1);
///
/// assert!(Cookie::builder("https://www.example.com/", "sid", "7f; Domain=evil.test").build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CookieBuilder {
    /// The URL, or the reason why it is none. As text, since an error cannot be cloned.
    url: Result<Uri, String>,
    /// `None` for a URL that has no cookies.
    host: Option<String>,
    domain: String,
    parts: Parts,
}

impl CookieBuilder {
    pub(crate) fn new(url: Result<Uri, http::Error>, name: &[u8], value: &[u8]) -> CookieBuilder {
        let place = url.as_ref().ok().and_then(Place::of);
        let parts = Parts {
            name: name.into(),
            value: value.into(),
            domain: Box::default(),
            path: "/".into(),
            expires: None,
            created: None,
            host_only: true,
            secure: place.as_ref().is_some_and(|place| place.secure),
            http_only: false,
            same_site: None,
        };
        let host = place.map(|place| place.host.into_owned());
        CookieBuilder { url: url.map_err(|error| error.to_string()), host, domain: String::new(), parts }
    }

    /// Goes to all hosts of this domain, which must be the URL's host or above it, and no public suffix.
    pub fn domain(mut self, domain: impl Into<String>) -> CookieBuilder {
        self.domain = domain.into();
        self
    }

    /// Goes to this path and those below it.
    pub fn path(mut self, path: impl Into<String>) -> CookieBuilder {
        self.parts.path = path.into().into();
        self
    }

    /// Whether it goes over `https` alone.
    pub fn secure(mut self, on: bool) -> CookieBuilder {
        self.parts.secure = on;
        self
    }

    /// Whether it is marked `HttpOnly`.
    pub fn http_only(mut self, on: bool) -> CookieBuilder {
        self.parts.http_only = on;
        self
    }

    /// Its `SameSite` attribute.
    pub fn same_site(mut self, same_site: impl Into<Option<SameSite>>) -> CookieBuilder {
        self.parts.same_site = same_site.into();
        self
    }

    /// When it ends; `None` for the end of the session.
    pub fn expires(mut self, at: impl Into<Option<SystemTime>>) -> CookieBuilder {
        self.parts.expires = at.into();
        self
    }

    /// When it was made; unless set, the time at which it is put into a jar.
    pub fn created(mut self, at: SystemTime) -> CookieBuilder {
        self.parts.created = Some(at);
        self
    }

    /// The cookie.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`] for an invalid URL or one that is not an absolute one of `http` or `https`, an empty name, a `=` in the name,
    /// control bytes, `;`, blanks at either end, more than 4096 bytes of name and value, a path that does not begin with
    /// `/`, a domain that the host is not in or that is a public suffix, and a prefix of the name that promises what
    /// does not hold. The value never stands in the error.
    pub fn build(self) -> Result<Cookie, Error> {
        check(&self.parts.name, &self.parts.value)?;
        let refused = |message: String| Error::new(Kind::Builder, message);
        let mut parts = self.parts;
        let name = String::from_utf8_lossy(&parts.name);
        let url = self.url.map_err(|reason| {
            refused(format!("invalid URL of the cookie {name:?}: {reason}; give an absolute URL of http or https"))
        })?;
        let Some(host) = self.host else {
            return Err(refused("a cookie needs an absolute URL of http or https".to_owned()).with_url(&url));
        };
        if !parts.path.starts_with('/') || parts.path.bytes().any(|byte| is_control(byte) || byte == b';') {
            return Err(refused(format!("{:?} is no path of a cookie: it begins with / and has no ;", parts.path)));
        }
        let outside = || refused(format!("{:?} is not a domain that cookies of {host:?} can be for", self.domain));
        let attribute = host::from_attribute(self.domain.as_bytes()).ok_or_else(outside)?;
        let (domain, host_only) = scope(&host, &attribute).ok_or_else(outside)?;
        parts.domain = domain.into();
        parts.host_only = host_only;
        match parts.broken_promise() {
            Some(promise) => Err(refused(promise.to_owned())),
            None => Ok(parts.into()),
        }
    }
}

impl std::fmt::Debug for CookieBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CookieBuilder")
            .field("name", &String::from_utf8_lossy(&self.parts.name))
            .field("host", &self.host)
            .field("domain", &self.domain)
            .field("path", &self.parts.path)
            .finish_non_exhaustive()
    }
}

/// Whether name and value come back from a `Cookie` field as they went in.
pub(crate) fn check(name: &[u8], value: &[u8]) -> Result<(), Error> {
    let shown = String::from_utf8_lossy(name);
    let fault = if name.is_empty() {
        "a cookie needs a name".to_owned()
    } else if name.contains(&b'=') {
        format!("the name {shown:?} of a cookie holds a =")
    } else if name.iter().any(|&byte| is_control(byte) || byte == b';') {
        format!("the name {shown:?} of a cookie holds a control byte or ;")
    } else if name.trim_ascii() != name {
        format!("the name {shown:?} of a cookie begins or ends with a blank")
    } else if value.iter().any(|&byte| is_control(byte) || byte == b';') {
        format!("the value of the cookie {shown:?} holds a control byte or ;")
    } else if value.trim_ascii() != value {
        format!("the value of the cookie {shown:?} begins or ends with a blank")
    } else if name.len() + value.len() > MAX_PAIR {
        let length = name.len() + value.len();
        format!("the cookie {:.40?} of {length} bytes is too long: name and value have {MAX_PAIR} at most", shown)
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Builder, fault))
}
