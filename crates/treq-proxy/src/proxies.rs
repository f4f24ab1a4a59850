use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use treq_core::{Error, Origin, UriScheme};

use crate::no_proxy::{self, NoProxy};
use crate::{Proxy, env};

/// Which proxy requests go through. Cloning it is cheap; it reads no environment unless [asked to](Proxies::from_env).
///
/// ```
/// use treq_proxy::Proxies;
///
/// let proxies = Proxies::none()
///     .http("http://plain.test:3128".parse()?)
///     .https("socks5h://any.test".parse()?)
///     .no_proxy("localhost, .corp.test, 10.0.0.0/8");
/// let through = |url: &str| proxies.proxy_for(&url.parse().unwrap()).map(|proxy| proxy.to_string());
/// assert_eq!(through("http://a.test/").as_deref(), Some("http://plain.test:3128"));
/// assert_eq!(through("https://a.test/").as_deref(), Some("socks5h://any.test:1080"));
/// assert_eq!(through("https://wiki.corp.test/"), None);
/// # Ok::<(), treq_core::Error>(())
/// ```
///
/// Two are equal if their settings are; a [function](Proxies::custom) equals only itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Nothing, where all goes direct: then nothing is looked at.
    rules: Option<Arc<Rules>>,
}

#[derive(Clone, Default)]
struct Rules {
    custom: Option<Custom>,
    http: Option<Proxy>,
    https: Option<Proxy>,
    no_proxy: NoProxy,
    loopback_direct: bool,
}

type Custom = Arc<dyn Fn(&Uri) -> Option<Proxy> + Send + Sync>;

impl Proxies {
    /// No proxy: every request goes direct.
    #[must_use]
    pub fn none() -> Proxies {
        Proxies::default()
    }

    /// One proxy for everything.
    #[must_use]
    pub fn all(proxy: Proxy) -> Proxies {
        Proxies::none().http(proxy.clone()).https(proxy)
    }

    /// What a function says; where that is `None`, what is set beside it.
    ///
    /// It is given an absolute URL, and must say the same for all URLs of one origin: connections are shared by origin, and
    /// a connector asks with the origin alone.
    #[must_use]
    pub fn custom(choose: impl Fn(&Uri) -> Option<Proxy> + Send + Sync + 'static) -> Proxies {
        Proxies::none().change(|rules| rules.custom = Some(Arc::new(choose)))
    }

    /// What the environment says: `http_proxy` for `http`, `https_proxy` for `https`, `all_proxy` for what has none of
    /// its own, `no_proxy` for what goes direct. The same names in upper case count where the lower one is not set; one that
    /// is set and empty says "none". In a CGI program (`REQUEST_METHOD` is set) `HTTP_PROXY` is ignored, since there it
    /// is a field of the request ([httpoxy](https://httpoxy.org/)).
    ///
    /// Loopback addresses and `localhost` then go direct, unless [told otherwise](Proxies::loopback_direct).
    ///
    /// # Errors
    ///
    /// `Kind::Builder`, naming the variable, for a proxy that [`Proxy`] cannot be made from, and a value that is not UTF-8.
    pub fn from_env() -> Result<Proxies, Error> {
        Proxies::from_vars(std::env::vars_os())
    }

    /// The same of other variables than the process's own.
    ///
    /// ```
    /// let proxies = treq_proxy::Proxies::from_vars([("https_proxy", "http://p.test:3128"), ("NO_PROXY", "a.test")])?;
    /// assert!(proxies.proxy_for(&"https://b.test/".parse().unwrap()).is_some());
    /// assert!(proxies.proxy_for(&"https://a.test/".parse().unwrap()).is_none());
    /// # Ok::<(), treq_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Proxies::from_env).
    pub fn from_vars<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Result<Proxies, Error>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        env::read(vars.into_iter().map(|(name, value)| (name.into(), value.into())))
    }

    /// The proxy for `http` URLs.
    #[must_use]
    pub fn http(self, proxy: Proxy) -> Proxies {
        self.change(|rules| rules.http = Some(proxy))
    }

    /// The proxy for `https` URLs.
    #[must_use]
    pub fn https(self, proxy: Proxy) -> Proxies {
        self.change(|rules| rules.https = Some(proxy))
    }

    /// Hosts that are reached without any proxy, beside those that were named before: a list with commas or spaces
    /// between. An entry that makes no sense matches nothing.
    ///
    /// | entry | matches |
    /// |---|---|
    /// | `example.test`, `.example.test` | that host and all below it |
    /// | `*.example.test` | all below it |
    /// | `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` | that address, however it is written |
    /// | `192.0.2.0/24`, `2001:db8::/32` | the addresses of that network; names are not resolved for it |
    /// | any host or address with `:8080` | the same on that port only; IPv6 in brackets |
    /// | `localhost` | that, all below it, and every address of the loopback |
    /// | `*` | everything |
    #[must_use]
    pub fn no_proxy(self, list: &str) -> Proxies {
        self.change(|rules| rules.no_proxy.push(list))
    }

    /// Whether `localhost` and addresses of the loopback go direct, where a proxy would look for them on its own machine. On
    /// for what the [environment](Proxies::from_env) says, off for what is set by hand.
    #[must_use]
    pub fn loopback_direct(self, on: bool) -> Proxies {
        self.change(|rules| rules.loopback_direct = on)
    }

    fn change(mut self, change: impl FnOnce(&mut Rules)) -> Proxies {
        change(Arc::make_mut(self.rules.get_or_insert_default()));
        self
    }

    /// Whether nothing was ever set.
    pub(crate) fn is_none(&self) -> bool {
        self.rules.is_none()
    }

    /// The proxy for a URL. None too for what is not an absolute `http` or `https` URL.
    pub fn proxy_for(&self, url: &Uri) -> Option<Proxy> {
        let rules = self.rules.as_deref()?;
        let scheme = match url.scheme_str() {
            Some("http") => UriScheme::Http,
            Some("https") => UriScheme::Https,
            _ => return None,
        };
        let port = url.port_u16().unwrap_or(scheme.default_port());
        rules.choose(scheme, url.host()?, port, || Some(url.clone()))
    }

    /// The same for an origin.
    pub(crate) fn proxy_for_origin(&self, origin: &Origin) -> Option<Proxy> {
        let url = || Uri::builder().scheme(origin.scheme().as_str()).authority(origin.authority().clone());
        let rules = self.rules.as_deref()?;
        rules.choose(origin.scheme(), origin.host(), origin.port(), || url().path_and_query("/").build().ok())
    }
}

impl Rules {
    fn choose(&self, scheme: UriScheme, host: &str, port: u16, url: impl FnOnce() -> Option<Uri>) -> Option<Proxy> {
        if self.no_proxy.matches(host, port) || (self.loopback_direct && no_proxy::is_loopback(host)) {
            return None;
        }
        let chosen = self.custom.as_ref().and_then(|custom| url().and_then(|url| custom(&url)));
        chosen.or_else(|| match scheme {
            UriScheme::Http => self.http.clone(),
            UriScheme::Https => self.https.clone(),
        })
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Rules) -> bool {
        let same_custom = match (&self.custom, &other.custom) {
            (None, None) => true,
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            _ => false,
        };
        same_custom
            && self.http == other.http
            && self.https == other.https
            && self.no_proxy == other.no_proxy
            && self.loopback_direct == other.loopback_direct
    }
}

impl Eq for Rules {}

/// One proxy for everything, as [`Proxies::all`].
impl From<Proxy> for Proxies {
    fn from(proxy: Proxy) -> Proxies {
        Proxies::all(proxy)
    }
}

/// The URL of one proxy for everything.
impl TryFrom<&str> for Proxies {
    type Error = Error;

    fn try_from(url: &str) -> Result<Proxies, Error> {
        Proxy::try_from(url).map(Proxies::all)
    }
}

/// The URL of one proxy for everything.
impl TryFrom<String> for Proxies {
    type Error = Error;

    fn try_from(url: String) -> Result<Proxies, Error> {
        Proxies::try_from(&*url)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rules) = &self.rules else { return f.write_str("Proxies(none)") };
        f.debug_struct("Proxies")
            .field("http", &rules.http)
            .field("https", &rules.https)
            .field("custom", &rules.custom.is_some())
            .field("no_proxy", &rules.no_proxy)
            .field("loopback_direct", &rules.loopback_direct)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_equal_make_equal_proxies() {
        let proxy = || Proxy::try_from("http://u:p@p.test").unwrap();
        let all = Proxies::from(proxy());
        assert_eq!(all, Proxies::all(proxy()));
        assert_eq!(all, Proxies::none().https(proxy()).http(proxy()));
        assert_ne!(all, Proxies::none().http(proxy()));
        assert_ne!(all, all.clone().no_proxy("a.test"));
        assert_ne!(all, all.clone().loopback_direct(true));
        assert_ne!(all, Proxies::none());
        let custom = Proxies::custom(|_| None);
        assert_eq!(custom, custom.clone());
        assert_ne!(custom, Proxies::custom(|_| None));
    }
}
