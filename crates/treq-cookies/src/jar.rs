use std::error::Error as StdError;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Uri};

use crate::host::{self, Place};
use crate::sites::{Sites, Source};
use crate::{Cookie, Limits, Store, StoreContext};

/// The cookies of a client, as [RFC
/// 6265bis](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5) keeps them. All clones are
/// handles of the same jar, from any thread.
///
/// Cookies that have expired are not sent. They are removed when the jar is full, or by
/// [`remove_expired`](Jar::remove_expired).
///
/// ```
/// use treq_cookies::{Cookie, Jar};
///
/// let jar = Jar::new();
/// let url = "https://example.com/".parse()?;
/// jar.set_cookie(b"sid=7f; Path=/", &url);
/// jar.insert(Cookie::builder(&url, "theme", "dark").build()?);
///
/// assert_eq!(jar.get("sid")?.unwrap().value(), b"7f");
/// let names: Vec<_> = jar.iter().map(|cookie| cookie.name_str().unwrap().to_owned()).collect();
/// assert_eq!(names, ["sid", "theme"]);
/// assert_eq!(jar.cookies_for(&"https://example.com/any".parse()?).len(), 2);
/// assert_eq!(jar.cookies_for(&"https://www.example.com/".parse()?).len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Time
///
/// Each method that needs the time reads the system's clock. Its twin whose name ends in `_at` takes the time as an
/// argument instead:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use treq_cookies::Jar;
///
/// let (jar, now) = (Jar::new(), SystemTime::now());
/// let url = "https://example.com/".parse()?;
/// jar.set_cookie_at(b"sid=7f; Max-Age=60", &url, now);
/// assert_eq!(jar.cookies_for_at(&url, now + Duration::from_secs(59)).len(), 1);
/// assert_eq!(jar.cookies_for_at(&url, now + Duration::from_secs(60)).len(), 0);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Default)]
pub struct Jar(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// How many there are, for those who only want to know that there are none. Written under the lock.
    len: AtomicUsize,
    sites: Mutex<Sites>,
}

impl Jar {
    /// An empty jar with the default [`Limits`].
    pub fn new() -> Jar {
        Jar::default()
    }

    /// An empty jar.
    pub fn with_limits(limits: Limits) -> Jar {
        Jar(Arc::new(Inner { len: AtomicUsize::new(0), sites: Mutex::new(Sites::new(limits)) }))
    }

    /// How many cookies there are, those among them that have expired and not yet been given up.
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Acquire)
    }

    /// Whether there are none: one atomic load.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cookie of this name.
    ///
    /// # Errors
    ///
    /// [`Collision`] if there are several, of several hosts or paths: [`search`](Jar::search) finds them all.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Result<Option<Cookie>, Collision> {
        let name = name.as_ref();
        let mut found = self.lock().all(|cookie| cookie.name() == name);
        match found.len() {
            0 | 1 => Ok(found.pop()),
            count => Err(Collision { name: String::from_utf8_lossy(name).into_owned(), count }),
        }
    }

    /// The cookies of exactly this domain, and of this name if one is given, oldest first.
    ///
    /// ```
    /// # let jar = treq_cookies::Jar::new();
    /// jar.set_cookie(b"a=1; Domain=example.com", &"http://www.example.com/".parse()?);
    /// assert_eq!(jar.search("example.com", None).len(), 1);
    /// assert_eq!(jar.search("www.example.com", "a").len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn search<'a>(&self, domain: &str, name: impl Into<Option<&'a str>>) -> Vec<Cookie> {
        let name = name.into().map(str::as_bytes);
        let domain = domain.to_ascii_lowercase();
        let is_found = |cookie: &Cookie| cookie.domain() == domain && name.is_none_or(|name| cookie.name() == name);
        self.lock().of_site(host::site(&domain), is_found)
    }

    /// All cookies as they are now, oldest first, those among them that have expired and are not yet removed.
    pub fn iter(&self) -> JarIter {
        JarIter(self.lock().all(|_| true).into_iter())
    }

    /// The cookies that a request for `url` takes along, in the order in which they are sent: longest path first, then
    /// oldest first ([RFC 6265bis, section
    /// 5.8.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8.3)).
    pub fn cookies_for(&self, url: &Uri) -> Vec<Cookie> {
        self.cookies_for_at(url, SystemTime::now())
    }

    /// As [`cookies_for`](Jar::cookies_for), for a request at the time `now`.
    pub fn cookies_for_at(&self, url: &Uri, now: SystemTime) -> Vec<Cookie> {
        let mut cookies = Vec::new();
        if let Some(place) = Place::of(url).filter(|_| !self.is_empty()) {
            let site = host::site(&place.host);
            let mut sites = self.lock();
            sites.select(site, &place, now, |cookie| {
                cookies.push(cookie.clone());
                true
            });
            self.release(sites);
        }
        cookies
    }

    /// Does what the value of a `Set-Cookie` field says that came with the answer to `url`: keeps, replaces or deletes.
    /// False if it is to be ignored: as [`Cookie::parse`] says, and because a cookie that came over `http` must not
    /// overlay one that is `Secure`.
    pub fn set_cookie(&self, field: &[u8], url: &Uri) -> bool {
        self.set_cookie_at(field, url, SystemTime::now())
    }

    /// As [`set_cookie`](Jar::set_cookie), for a response that came at the time `now`.
    pub fn set_cookie_at(&self, field: &[u8], url: &Uri, now: SystemTime) -> bool {
        let Some(place) = Place::of(url) else { return false };
        match Cookie::received(field, &place, now) {
            Some(cookie) => self.put(cookie, source(&place), now),
            None => false,
        }
    }

    /// Puts a cookie in and replaces the one of the same [identity](Cookie::same_identity). A cookie that has expired
    /// deletes that one.
    pub fn insert(&self, cookie: Cookie) {
        self.insert_at(cookie, SystemTime::now());
    }

    /// As [`insert`](Jar::insert), at the time `now`.
    pub fn insert_at(&self, cookie: Cookie, now: SystemTime) {
        self.put(cookie.created_by(now), Source::Trusted, now);
    }

    fn put(&self, cookie: Cookie, source: Source, now: SystemTime) -> bool {
        let mut sites = self.lock();
        let taken = sites.insert(cookie, source, now);
        self.release(sites);
        taken
    }

    /// Removes the cookie of this [identity](Cookie::same_identity) and returns it.
    pub fn remove(&self, cookie: &Cookie) -> Option<Cookie> {
        let mut sites = self.lock();
        let removed = sites.take(cookie);
        self.release(sites);
        removed
    }

    /// Removes the cookies that have expired.
    pub fn remove_expired(&self) {
        self.remove_expired_at(SystemTime::now());
    }

    /// Removes the cookies that have expired by the time `now`.
    pub fn remove_expired_at(&self, now: SystemTime) {
        let mut sites = self.lock();
        sites.drop_expired(now);
        self.release(sites);
    }

    /// Removes all cookies.
    pub fn clear(&self) {
        let mut sites = self.lock();
        sites.clear();
        self.release(sites);
    }

    /// Another jar with the cookies that are here now, which nothing that happens to this one changes.
    #[must_use]
    pub fn snapshot(&self) -> Jar {
        let sites = self.lock();
        let (limits, cookies) = (sites.limits(), sites.all(|_| true));
        drop(sites);
        let jar = Jar::with_limits(limits);
        jar.extend_trusted(cookies, SystemTime::UNIX_EPOCH);
        jar
    }

    /// With one lock, so that others see all or none.
    pub(crate) fn extend_trusted(&self, cookies: impl IntoIterator<Item = Cookie>, now: SystemTime) {
        let mut sites = self.lock();
        for cookie in cookies {
            sites.insert(cookie, Source::Trusted, now);
        }
        self.release(sites);
    }

    fn lock(&self) -> MutexGuard<'_, Sites> {
        // Nothing in there panics halfway; a caller's panic elsewhere is no reason to lose the jar.
        self.0.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlocks after a change.
    fn release(&self, sites: MutexGuard<'_, Sites>) {
        self.0.len.store(sites.len(), Ordering::Release);
    }
}

impl Store for Jar {
    fn is_empty(&self) -> bool {
        Jar::is_empty(self)
    }

    fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
        let place = Place::of(context.url())?;
        let site = host::site(&place.host);
        let mut sites = self.lock();
        let field = sites.field(site, &place, context.now());
        self.release(sites);
        if field.is_empty() { None } else { HeaderValue::from_maybe_shared(field).ok() }
    }

    fn set_cookies(&self, context: &StoreContext<'_>, headers: &HeaderMap) {
        let now = context.now();
        let Some(place) = Place::of(context.url()) else { return };
        let mut room = self.lock().limits().per_response;
        for field in headers.get_all(SET_COOKIE) {
            if room == 0 {
                return;
            }
            // Parsed without the lock.
            let Some(cookie) = Cookie::received(field.as_bytes(), &place, now) else { continue };
            let deletes = cookie.is_expired_at(now);
            if self.put(cookie, source(&place), now) && !deletes {
                room -= 1;
            }
        }
    }
}

fn source(place: &Place<'_>) -> Source {
    if place.secure { Source::Trusted } else { Source::Plain }
}

impl IntoIterator for &Jar {
    type Item = Cookie;
    type IntoIter = JarIter;

    fn into_iter(self) -> JarIter {
        self.iter()
    }
}

/// The iterator of [`Jar::iter`]. It holds no lock: it yields the cookies that were in the jar when it was made.
#[derive(Clone)]
#[must_use]
pub struct JarIter(std::vec::IntoIter<Cookie>);

impl Iterator for JarIter {
    type Item = Cookie;

    fn next(&mut self) -> Option<Cookie> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for JarIter {
    fn next_back(&mut self) -> Option<Cookie> {
        self.0.next_back()
    }
}

impl ExactSizeIterator for JarIter {}

impl FusedIterator for JarIter {}

impl fmt::Debug for JarIter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JarIter").field(&self.0.as_slice()).finish()
    }
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jar").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Several cookies of one name, where one was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    name: String,
    count: usize,
}

impl Collision {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cookies have the name {:?}: search by domain", self.count, self.name)
    }
}

impl StdError for Collision {}
