use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::COOKIE;
use http::{Extensions, HeaderValue, Request, Uri};
use tower_layer::Layer;

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
    hold_back: fn(&Extensions) -> bool,
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
        CookiesLayer(Arc::new(Shared { store, clock: None, hold_back: |_| false }))
    }

    /// Sets the source of the time. (default: the system's clock)
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> CookiesLayer<St>
    where
        St: Clone,
    {
        let (store, hold_back) = (self.0.store.clone(), self.0.hold_back);
        CookiesLayer(Arc::new(Shared { store, clock: Some(Arc::new(clock)), hold_back }))
    }

    /// Drops [`RequestCookies`] although the origin is theirs, if the request's extensions say so: on a chain of redirects
    /// that has been elsewhere, if the layer that follows redirects marks such requests.
    ///
    /// ```
    /// use treq_cookies::CookiesLayer;
    ///
    /// #[derive(Clone)]
    /// struct LeftOrigin;
    ///
    /// let layer = CookiesLayer::new().request_cookies_unless(|extensions| extensions.get::<LeftOrigin>().is_some());
    /// ```
    #[must_use]
    pub fn request_cookies_unless(self, hold_back: fn(&Extensions) -> bool) -> CookiesLayer<St>
    where
        St: Clone,
    {
        let (store, clock) = (self.0.store.clone(), self.0.clock.clone());
        CookiesLayer(Arc::new(Shared { store, clock, hold_back }))
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
    pub(crate) fn attach<B>(&self, request: &mut Request<B>, own: Option<&UseJar>) {
        let value = self.value(request, own);
        if let Some(mut value) = value {
            // Kept out of Debug and of compression tables.
            value.set_sensitive(true);
            request.headers_mut().insert(COOKIE, value);
        }
    }

    fn value<B>(&self, request: &Request<B>, own: Option<&UseJar>) -> Option<HeaderValue> {
        let empty = own.map_or_else(|| self.0.store.is_empty(), |own| own.jar().is_empty());
        let extra = request.extensions().get::<RequestCookies>();
        if empty && extra.is_none() {
            return None;
        }
        let url = request.uri();
        let extra = extra.filter(|extra| extra.is_for(url) && !(self.0.hold_back)(request.extensions()));
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
