use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Uri};

/// A place for cookies, behind a [`CookiesLayer`](crate::CookiesLayer): a [`Jar`](crate::Jar), one of your own, or any of
/// them in an `Arc`.
///
/// Its methods are called from within requests: a lock in there is held for as long as they run and no longer.
///
/// ```
/// use std::time::SystemTime;
/// use http::{HeaderMap, HeaderValue, Uri};
/// use treq_cookies::{CookiesLayer, Store};
///
/// /// Sends one cookie to one host, and keeps none.
/// struct Fixed;
///
/// impl Store for Fixed {
///     fn cookie_field(&self, url: &Uri, _: SystemTime) -> Option<HeaderValue> {
///         (url.host() == Some("api.test")).then(|| HeaderValue::from_static("key=7f"))
///     }
///     fn set_cookies(&self, _: &Uri, _: &HeaderMap, _: SystemTime) {}
/// }
///
/// let layer = CookiesLayer::with(Fixed);
/// ```
pub trait Store {
    /// Whether there is nothing to send. Asked first with each request; where it is true, the clock is not read.
    fn is_empty(&self) -> bool {
        false
    }

    /// The value of the `Cookie` field of a request for `url`.
    fn cookie_field(&self, url: &Uri, now: SystemTime) -> Option<HeaderValue>;

    /// Keeps what the `Set-Cookie` fields of the answer to `url` say. Called only if there is one.
    fn set_cookies(&self, url: &Uri, headers: &HeaderMap, now: SystemTime);
}

impl<T: Store + ?Sized> Store for Arc<T> {
    fn is_empty(&self) -> bool {
        T::is_empty(self)
    }

    fn cookie_field(&self, url: &Uri, now: SystemTime) -> Option<HeaderValue> {
        T::cookie_field(self, url, now)
    }

    fn set_cookies(&self, url: &Uri, headers: &HeaderMap, now: SystemTime) {
        T::set_cookies(self, url, headers, now);
    }
}
