use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Uri};
use treq_core::uri::masked;

/// A place for cookies that a [`CookiesLayer`](crate::CookiesLayer) reads and writes: a [`Jar`](crate::Jar), your own
/// type, or either of them in an `Arc` or a `Box`.
///
/// Its methods are called from within requests: a lock that they take delays all requests as long as it is held.
///
/// ```
/// use std::time::SystemTime;
/// use http::{HeaderMap, HeaderValue};
/// use treq_cookies::{CookiesLayer, Store, StoreContext};
///
/// /// Sends one cookie to one host, and keeps none.
/// struct Fixed;
///
/// impl Store for Fixed {
///     fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
///         (context.url().host() == Some("api.test")).then(|| HeaderValue::from_static("key=7f"))
///     }
///
///     fn set_cookies(&self, _: &StoreContext<'_>, _: &HeaderMap) {}
/// }
///
/// let url = "https://api.test/".parse()?;
/// assert_eq!(Fixed.cookie_field(&StoreContext::new(&url, SystemTime::now())).unwrap(), "key=7f");
/// let layer = CookiesLayer::with(Fixed);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub trait Store: Send + Sync + 'static {
    /// Whether there is nothing to send. Called first for each request; if it returns true, the clock is not read.
    fn is_empty(&self) -> bool {
        false
    }

    /// The value of the `Cookie` field of a request.
    fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue>;

    /// Keeps the cookies of a response that has at least one `Set-Cookie` field. The URL of the context is that of the
    /// request.
    fn set_cookies(&self, context: &StoreContext<'_>, headers: &HeaderMap);
}

/// The request that a [`Store`] is called for.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct StoreContext<'a> {
    url: &'a Uri,
    now: SystemTime,
}

impl<'a> StoreContext<'a> {
    /// The context of a request for `url` at the time `now`. The layer makes it; tests of a store do, too.
    #[must_use]
    pub fn new(url: &'a Uri, now: SystemTime) -> StoreContext<'a> {
        StoreContext { url, now }
    }

    /// The URL of the request.
    #[must_use]
    pub fn url(&self) -> &'a Uri {
        self.url
    }

    /// The time at which the request is sent, or at which its response came.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.now
    }
}

impl fmt::Debug for StoreContext<'_> {
    /// Without what may be a secret in the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContext")
            .field("url", &masked(&self.url.to_string()))
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

macro_rules! store_of_pointers {
    ($($pointer:ident),+) => {$(
        impl<T: Store + ?Sized> Store for $pointer<T> {
            fn is_empty(&self) -> bool {
                T::is_empty(self)
            }

            fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
                T::cookie_field(self, context)
            }

            fn set_cookies(&self, context: &StoreContext<'_>, headers: &HeaderMap) {
                T::set_cookies(self, context, headers);
            }
        }
    )+};
}

store_of_pointers! { Arc, Box }
