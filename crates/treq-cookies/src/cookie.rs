use std::fmt;
use std::iter::FusedIterator;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{SET_COOKIE, ValueIter};
use http::{HeaderMap, HeaderValue, Uri};
use treq_core::{Error, Kind};

use crate::CookieBuilder;
use crate::host::{self, Place};
use crate::parse::Parsed;

/// One cookie, as a jar keeps it. Cloning copies no text; `Debug` does not show the value.
///
/// ```
/// use treq_cookies::{Cookie, SameSite};
///
/// // A cookie that a server sets.
/// let url = "https://www.example.com/shop/cart".parse()?;
/// let cookie = Cookie::parse(b"sid=7f; Domain=example.com; SameSite=Lax", &url).unwrap();
/// assert_eq!((cookie.name(), cookie.value()), (&b"sid"[..], &b"7f"[..]));
/// assert_eq!((cookie.domain(), cookie.path(), cookie.host_only()), ("example.com", "/shop", false));
/// assert_eq!((cookie.same_site(), cookie.expires()), (Some(SameSite::Lax), None));
///
/// // A cookie of your own.
/// let cookie = Cookie::builder("https://www.example.com/", "theme", "dark").path("/shop").build()?;
/// assert_eq!((cookie.name_str(), cookie.value_str()), (Some("theme"), Some("dark")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cookie(Arc<Parts>);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    pub(crate) name: Box<[u8]>,
    pub(crate) value: Box<[u8]>,
    /// In lower case; the host itself where `host_only`.
    pub(crate) domain: Box<str>,
    pub(crate) path: Box<str>,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) created: Option<SystemTime>,
    pub(crate) host_only: bool,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
}

/// The `SameSite` attribute. A client without pages sends the cookie in any case.
///
/// ```
/// use treq_cookies::SameSite;
///
/// assert_eq!("lax".parse::<SameSite>()?, SameSite::Lax);
/// assert_eq!(SameSite::Strict.to_string(), "Strict");
/// # Ok::<(), treq_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// Only with requests from pages of the same site.
    Strict,
    /// With those and with navigation to the site.
    Lax,
    /// With all requests.
    None,
}

impl SameSite {
    pub(crate) fn of(value: &[u8]) -> Option<SameSite> {
        [SameSite::Strict, SameSite::Lax, SameSite::None]
            .into_iter()
            .find(|same_site| value.eq_ignore_ascii_case(same_site.as_str().as_bytes()))
    }

    /// The value of the attribute.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SameSite {
    type Err = Error;

    /// Reads the value of the attribute, in any case. Any other text is an error of [`Kind::Builder`].
    fn from_str(text: &str) -> Result<SameSite, Error> {
        let message = || format!("invalid SameSite {text:?}: only Strict, Lax and None are allowed");
        SameSite::of(text.as_bytes()).ok_or_else(|| Error::new(Kind::Builder, message()))
    }
}

impl Cookie {
    /// The cookie that the value of a `Set-Cookie` field means when it comes with the answer to `url` ([RFC 6265bis,
    /// sections 5.6 and 5.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6)).
    ///
    /// `None` for one that is to be ignored: a control byte, name and value of more than 4096 bytes together or both
    /// empty, a `Domain` that is a public suffix or does not match the host, `Secure` from an `http` URL unless its
    /// host is `localhost` or below it, a `__Secure-`
    /// or `__Host-` name without what it promises, `SameSite=None` without `Secure`. One that has
    /// [expired](Cookie::is_expired) is returned: it stands for a deletion.
    #[must_use]
    pub fn parse(field: &[u8], url: &Uri) -> Option<Cookie> {
        Cookie::parse_at(field, url, SystemTime::now())
    }

    /// As [`parse`](Cookie::parse), for a response that came at the time `now`.
    #[must_use]
    pub fn parse_at(field: &[u8], url: &Uri, now: SystemTime) -> Option<Cookie> {
        Cookie::received(field, &Place::of(url)?, now)
    }

    pub(crate) fn received(field: &[u8], place: &Place<'_>, now: SystemTime) -> Option<Cookie> {
        let parsed = Parsed::of(field)?;
        if parsed.secure && !place.secure {
            return None;
        }
        let attribute = host::from_attribute(parsed.domain.unwrap_or_default())?;
        let (domain, host_only) = scope(&place.host, &attribute)?;
        let path = match parsed.path {
            // A path that is no text matches no URL.
            Some(path) if path.starts_with(b"/") => std::str::from_utf8(path).ok()?,
            _ => place.default_path(),
        };
        let explicit_root = parsed.path == Some(b"/");
        let parts = Parts {
            name: parsed.name.into(),
            value: parsed.value.into(),
            domain: domain.into(),
            path: path.into(),
            expires: parsed.expires(now),
            created: Some(now),
            host_only,
            secure: parsed.secure,
            http_only: parsed.http_only,
            same_site: parsed.same_site,
        };
        (parts.broken_promise().is_none() && (explicit_root || !parts.has_prefix(HOST))).then(|| parts.into())
    }

    /// A builder of a cookie for the host of `url`, which is a text or a [`Uri`]; see [`CookieBuilder`]. An invalid URL is
    /// an error of [`build`](CookieBuilder::build).
    pub fn builder<U>(url: U, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> CookieBuilder
    where
        U: TryInto<Uri>,
        U::Error: Into<http::Error>,
    {
        CookieBuilder::new(url.try_into().map_err(Into::into), name.as_ref(), value.as_ref())
    }

    /// The name, possibly empty. Servers may send any bytes; most send text.
    pub fn name(&self) -> &[u8] {
        &self.0.name
    }

    /// The name, if it is UTF-8.
    pub fn name_str(&self) -> Option<&str> {
        std::str::from_utf8(self.name()).ok()
    }

    /// The value as it was sent, quotes included.
    pub fn value(&self) -> &[u8] {
        &self.0.value
    }

    /// The value, if it is UTF-8.
    pub fn value_str(&self) -> Option<&str> {
        std::str::from_utf8(self.value()).ok()
    }

    /// The host, or the domain with whose hosts the cookie goes, in lower case without a leading dot.
    pub fn domain(&self) -> &str {
        &self.0.domain
    }

    /// Whether the cookie goes to the host [`domain`](Cookie::domain) alone and not to those below it.
    pub fn host_only(&self) -> bool {
        self.0.host_only
    }

    /// The path at and below which the cookie goes along.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// When the cookie ends, by `Max-Age` or else `Expires`; `None` for one of the session. For one that a response
    /// set, at most 400 days after that.
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// Whether the cookie has ended by now.
    pub fn is_expired(&self) -> bool {
        self.is_expired_at(SystemTime::now())
    }

    /// Whether the cookie has ended by the time `now`.
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        self.0.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether the cookie goes over `https` alone.
    pub fn secure(&self) -> bool {
        self.0.secure
    }

    /// Whether scripts may not see the cookie. It makes no difference here.
    pub fn http_only(&self) -> bool {
        self.0.http_only
    }

    /// `None` if there was no such attribute or it had another value.
    pub fn same_site(&self) -> Option<SameSite> {
        self.0.same_site
    }

    /// When a cookie of this identity first came; `None` for a built one that no jar has had.
    pub fn created(&self) -> Option<SystemTime> {
        self.0.created
    }

    /// Whether both have one name, domain and path, and go to the one host or to the domain: of such, a jar keeps the
    /// last.
    pub fn same_identity(&self, other: &Cookie) -> bool {
        self.name() == other.name()
            && self.domain() == other.domain()
            && self.path() == other.path()
            && self.host_only() == other.host_only()
    }

    /// The same cookie, made at that time unless it has a time of its own.
    pub(crate) fn created_by(self, now: SystemTime) -> Cookie {
        let created = self.0.created.or(Some(now));
        self.created_at(created)
    }

    /// The same cookie, made at that time.
    pub(crate) fn created_at(mut self, created: Option<SystemTime>) -> Cookie {
        if self.0.created != created {
            Arc::make_mut(&mut self.0).created = created;
        }
        self
    }

    /// Whether the cookie goes along to this place.
    pub(crate) fn matches(&self, place: &Place<'_>) -> bool {
        let at_host = match self.0.host_only {
            true => *place.host == *self.0.domain,
            false => host::domain_match(&place.host, &self.0.domain),
        };
        at_host && (place.secure || !self.0.secure) && host::path_match(place.path, &self.0.path)
    }
}

/// The domain of a cookie from `host` with this `Domain` attribute, and whether it is for the host only. `None` where
/// the attribute reaches for other people's hosts ([RFC 6265bis, section
/// 5.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7), steps 8 to 10).
pub(crate) fn scope<'a>(host: &'a str, attribute: &'a str) -> Option<(&'a str, bool)> {
    if attribute.is_empty() {
        return Some((host, true));
    }
    if !host::domain_match(host, attribute) {
        return None;
    }
    if attribute == host {
        // An address has no hosts below it, a public suffix has those of strangers.
        let whole = host::registrable(host).is_none() && !host::is_address(host);
        return Some((host, whole));
    }
    // Above the registrable domain stand public suffixes, and what is above those.
    let dots = host.len() - host.trim_end_matches('.').len();
    let least = host::registrable(host)?.len() + dots;
    (attribute.len() >= least).then_some((attribute, false))
}

const HOST: &[u8] = b"__Host-";
const SECURE: &[u8] = b"__Secure-";

fn begins(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl Parts {
    pub(crate) fn has_prefix(&self, prefix: &[u8]) -> bool {
        begins(&self.name, prefix)
    }

    /// What the cookie lacks that its name or `SameSite` promises ([RFC 6265bis, section
    /// 4.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3)).
    pub(crate) fn broken_promise(&self) -> Option<&'static str> {
        let nameless_prefix = self.name.is_empty() && (begins(&self.value, HOST) || begins(&self.value, SECURE));
        if nameless_prefix {
            Some("a cookie without a name cannot have a value that begins with __Host- or __Secure-")
        } else if self.has_prefix(SECURE) && !self.secure {
            Some("a __Secure- cookie must be Secure")
        } else if self.has_prefix(HOST) && !(self.secure && self.host_only && &*self.path == "/") {
            Some("a __Host- cookie must be Secure, have the path / and no domain")
        } else if self.same_site == Some(SameSite::None) && !self.secure {
            Some("a SameSite=None cookie must be Secure")
        } else {
            None
        }
    }
}

impl From<Parts> for Cookie {
    fn from(parts: Parts) -> Cookie {
        Cookie(Arc::new(parts))
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("domain", &self.domain())
            .field("host_only", &self.host_only())
            .field("path", &self.path())
            .field("expires", &self.expires())
            .field("secure", &self.secure())
            .field("http_only", &self.http_only())
            .field("same_site", &self.same_site())
            .finish_non_exhaustive()
    }
}

/// The cookies that the response to `url` sets, in its order, as [`Cookie::parse`] reads each. Fields that it ignores are
/// left out; deletions are not.
///
/// ```
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.append("set-cookie", "a=1; Secure".parse()?);
/// headers.append("set-cookie", "b=2; Domain=elsewhere.test".parse()?);
/// let url = "https://example.com/".parse()?;
/// let set: Vec<_> = treq_cookies::set_cookies(&headers, &url).collect();
/// assert_eq!((set.len(), set[0].name_str()), (1, Some("a")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_cookies<'a>(headers: &'a HeaderMap, url: &'a Uri) -> SetCookies<'a> {
    set_cookies_at(headers, url, SystemTime::now())
}

/// As [`set_cookies`], for a response that came at the time `now`.
pub fn set_cookies_at<'a>(headers: &'a HeaderMap, url: &'a Uri, now: SystemTime) -> SetCookies<'a> {
    SetCookies { fields: headers.get_all(SET_COOKIE).into_iter(), place: Place::of(url), now }
}

/// The iterator of [`set_cookies`].
#[must_use]
pub struct SetCookies<'a> {
    fields: ValueIter<'a, HeaderValue>,
    /// `None` for a URL that has no cookies.
    place: Option<Place<'a>>,
    now: SystemTime,
}

impl Iterator for SetCookies<'_> {
    type Item = Cookie;

    fn next(&mut self) -> Option<Cookie> {
        let place = self.place.as_ref()?;
        self.fields.find_map(|field| Cookie::received(field.as_bytes(), place, self.now))
    }
}

impl FusedIterator for SetCookies<'_> {}

impl fmt::Debug for SetCookies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookies").finish_non_exhaustive()
    }
}
