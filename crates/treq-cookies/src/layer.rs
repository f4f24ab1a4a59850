use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::COOKIE;
use http::{HeaderValue, Request, Uri};
use tower_layer::Layer;
use treq_core::options::LeftOrigin;

use crate::{Cookies, Jar, RequestCookies, Store, StoreContext, UseJar};

/// Adds cookies to the requests of a service and keeps those that its responses set; see the [crate's page](crate).
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use treq_cookies::{Cookie, CookiesLayer, Jar};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any service of `http` requests: hyper-util's client, axum's router, a mock.
/// let service = service_fn(|request: Request<String>| async move {
///     Ok::<_, Infallible>(Response::new(request.headers().contains_key("cookie").to_string()))
/// });
///
/// let jar = Jar::new();
/// jar.insert(Cookie::builder("https://shop.test/", "sid", "7f").build()?);
/// let client = ServiceBuilder::new().layer(CookiesLayer::with(jar)).service(service);
///
/// let response = client.clone().oneshot(Request::get("https://shop.test/cart").body(String::new())?).await?;
/// assert_eq!(response.body(), "true");
/// let response = client.oneshot(Request::get("https://elsewhere.test/").body(String::new())?).await?;
/// assert_eq!(response.body(), "false");
/// # Ok(()) }
/// ```
pub struct CookiesLayer<St = Jar>(Arc<Shared<St>>);

pub(crate) struct Shared<St> {
    pub(crate) store: St,
    clock: Option<Clock>,
}

/// Boxed: only where somebody set one.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl CookiesLayer {
    /// A layer with a new, empty [`Jar`].
    #[must_use]
    pub fn new() -> CookiesLayer {
        CookiesLayer::with(Jar::new())
    }
}

impl Default for CookiesLayer {
    fn default() -> CookiesLayer {
        CookiesLayer::new()
    }
}

impl<St> CookiesLayer<St> {
    /// A layer with this store: a [`Jar`], of which the caller may keep another handle, or any other [`Store`].
    #[must_use]
    pub fn with(store: St) -> CookiesLayer<St> {
        CookiesLayer(Arc::new(Shared { store, clock: None }))
    }

    /// Sets the source of the time. (default: the system's clock)
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> CookiesLayer<St>
    where
        St: Clone,
    {
        CookiesLayer(Arc::new(Shared { store: self.0.store.clone(), clock: Some(Arc::new(clock)) }))
    }

    /// The store.
    pub fn store(&self) -> &St {
        &self.0.store
    }

    pub(crate) fn shared(&self) -> Arc<Shared<St>> {
        Arc::clone(&self.0)
    }
}

impl<St> Shared<St> {
    /// Reads the clock.
    pub(crate) fn context<'a>(&self, url: &'a Uri) -> StoreContext<'a> {
        StoreContext::new(url, self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock()))
    }
}

impl<St: Store> CookiesLayer<St> {
    /// Gives the request its `Cookie` field.
    #[inline(always)]
    pub(crate) fn attach<B>(&self, request: &mut Request<B>, own: Option<&UseJar>) {
        let value = self.value(request, own);
        if let Some(mut value) = value {
            // Kept out of Debug and of compression tables.
            value.set_sensitive(true);
            request.headers_mut().insert(COOKIE, value);
        }
    }

    #[inline(always)]
    fn value<B>(&self, request: &Request<B>, own: Option<&UseJar>) -> Option<HeaderValue> {
        let empty = own.map_or_else(|| self.0.store.is_empty(), |own| own.jar().is_empty());
        let extra = request.extensions().get::<RequestCookies>();
        if empty && extra.is_none() {
            return None;
        }
        self.found(request, own, empty, extra)
    }

    #[inline(never)]
    fn found<B>(
        &self,
        request: &Request<B>,
        own: Option<&UseJar>,
        empty: bool,
        extra: Option<&RequestCookies>,
    ) -> Option<HeaderValue> {
        let url = request.uri();
        // Once its chain of redirects has left the origin, another party has chosen the URL.
        let extra = extra.filter(|extra| extra.is_for(url) && request.extensions().get::<LeftOrigin>().is_none());
        if request.headers().contains_key(COOKIE) {
            return extra?.after_own(request.headers().get_all(COOKIE));
        }
        let field = match own {
            _ if empty => None,
            Some(own) => own.jar().cookie_field(&self.0.context(url)),
            None => self.0.store.cookie_field(&self.0.context(url)),
        };
        match extra {
            Some(extra) => extra.after_jar(field.as_ref()),
            None => field,
        }
    }
}

impl<S, St> Layer<S> for CookiesLayer<St> {
    type Service = Cookies<S, St>;

    fn layer(&self, inner: S) -> Cookies<S, St> {
        Cookies { inner, layer: self.clone() }
    }
}

impl<St> Clone for CookiesLayer<St> {
    fn clone(&self) -> CookiesLayer<St> {
        CookiesLayer(Arc::clone(&self.0))
    }
}

impl<St: fmt::Debug> fmt::Debug for CookiesLayer<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookiesLayer").field("store", &self.0.store).finish_non_exhaustive()
    }
}
