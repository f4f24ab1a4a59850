//! Cookies in the client: which store, what goes with one request, what an answer set.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Request};
use treq_cookies::{Cookie, RequestCookies, Store, StoreContext, set_cookies_at};
use treq_core::{Body, Error, Origin};

use crate::response::Response;

/// A store of any type.
#[derive(Clone)]
pub struct AnyStore(Arc<dyn Store>);

impl AnyStore {
    pub(crate) fn new(store: impl Store) -> AnyStore {
        AnyStore(Arc::new(store))
    }
}

impl Store for AnyStore {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
        self.0.cookie_field(context)
    }

    fn set_cookies(&self, context: &StoreContext<'_>, headers: &HeaderMap) {
        self.0.set_cookies(context, headers);
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// Sends nothing and keeps nothing.
pub(crate) struct NoStore;

impl Store for NoStore {
    fn is_empty(&self) -> bool {
        true
    }

    fn cookie_field(&self, _: &StoreContext<'_>) -> Option<HeaderValue> {
        None
    }

    fn set_cookies(&self, _: &StoreContext<'_>, _: &HeaderMap) {}
}

/// Cookies of one request, for the origin that it goes to.
pub(crate) fn add<N, V>(request: &mut Request<Body>, pairs: impl IntoIterator<Item = (N, V)>) -> Result<(), Error>
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let extra = match request.extensions_mut().remove::<RequestCookies>() {
        Some(extra) => extra,
        None => RequestCookies::new(Origin::from_uri(request.uri())?),
    };
    let extra = pairs.into_iter().try_fold(extra, |extra, (name, value)| extra.with(name, value))?;
    request.extensions_mut().insert(extra);
    Ok(())
}

/// The cookies that an answer and the redirects before it have set, in order: a later one takes the place of an earlier
/// one, and one that has expired takes it away.
pub(crate) fn of(response: &Response) -> Vec<Cookie> {
    let now = SystemTime::now();
    let hops = response.history().iter().map(|hop| (&hop.headers, &hop.url));
    let mut cookies: Vec<Cookie> = Vec::new();
    for (headers, url) in hops.chain([(response.headers(), response.url())]) {
        for cookie in set_cookies_at(headers, url, now) {
            cookies.retain(|earlier| !earlier.same_identity(&cookie));
            if !cookie.is_expired_at(now) {
                cookies.push(cookie);
            }
        }
    }
    cookies
}
