use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::CookieStore;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::host::{Place, path_match};
use crate::{Cookie, Limits, Store, StoreContext};

/// A [`cookie_store::CookieStore`] as the [`Store`], for programs that have one. All clones are handles of the same one.
///
/// What a response sets is judged by this crate's rules first (public suffixes, prefixes, `Secure`, sizes, bytes, how
/// many of a response) and sent in their order of paths, as one field of limited length. The rest is as cookie_store has
/// it, and a [`Jar`](crate::Jar) has not: a host-only cookie and one for the domain replace each other, cookies without a
/// name, with bytes that are not UTF-8 and with odd dates are not kept as they should be, cookies over `http` may replace
/// `Secure` ones, there are no limits in number, the clock is the system's, and each request looks through all sites.
///
/// ```
/// use treq_cookies::{Adapter, CookiesLayer};
///
/// let mut mine = cookie_store::CookieStore::default();
/// mine.parse("sid=7f", &"https://example.com/".parse()?)?;
/// let adapter = Adapter::from_cookie_store_0_22(mine);
/// let layer = CookiesLayer::with(adapter.clone());
/// assert_eq!(adapter.lock().iter_any().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Adapter(Arc<Mutex<CookieStore>>);

impl Adapter {
    /// An adapter of this store, of the crate `cookie_store` in its version 0.22.
    #[must_use]
    pub fn from_cookie_store_0_22(store: CookieStore) -> Adapter {
        Adapter(Arc::new(Mutex::new(store)))
    }

    /// The store. Requests wait as long as it is held.
    pub fn lock(&self) -> MutexGuard<'_, CookieStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Adapter {
    fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
        let url = context.url();
        let place = Place::of(url)?;
        let parsed = url.to_string().parse().ok()?;
        let store = self.lock();
        let mut cookies = store.matches(&parsed);
        cookies.retain(|cookie| path_match(place.path, &cookie.path));
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut field = String::new();
        for cookie in cookies {
            let (name, value) = cookie.name_value();
            if field.len() + name.len() + value.len() + 3 > Limits::new().field {
                continue;
            }
            if !field.is_empty() {
                field.push_str("; ");
            }
            field.extend([name, "=", value]);
        }
        if field.is_empty() { None } else { HeaderValue::from_maybe_shared(bytes::Bytes::from(field)).ok() }
    }

    fn set_cookies(&self, context: &StoreContext<'_>, headers: &HeaderMap) {
        let (url, now) = (context.url(), context.now());
        let (Some(place), Ok(parsed)) = (Place::of(url), url.to_string().parse()) else { return };
        let fields = headers.get_all(SET_COOKIE).into_iter().map(HeaderValue::as_bytes);
        let accepted = fields.filter(|field| Cookie::received(field, &place, now).is_some());
        for field in accepted.take(Limits::new().per_response) {
            if let Ok(text) = std::str::from_utf8(field) {
                // What it refuses on its own is not kept, as what we refuse.
                let _ = self.lock().parse(text, &parsed);
            }
        }
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").finish_non_exhaustive()
    }
}
