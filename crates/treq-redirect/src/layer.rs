use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tower_layer::Layer;
use treq_core::{ByTryClone, Never};

use crate::{Follow, Redirect, ReferrerPolicy};

/// Follows redirects of the service that it is put around; see the [crate's page](crate).
///
/// ```
/// use std::convert::Infallible;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Empty;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use treq_redirect::{Action, Attempt, Follow, Policy, RedirectLayer, policy};
///
/// /// Stays on one host, and returns a redirect to any other.
/// #[derive(Debug)]
/// struct OneHost;
///
/// impl Policy for OneHost {
///     fn decide(&self, attempt: &Attempt<'_>) -> Action {
///         let stays = attempt.url().host() == attempt.previous_url().host();
///         if stays { policy::Standard.decide(attempt) } else { Action::Stop }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any service of `http` requests: hyper-util's client, axum's router, a mock.
/// let service = service_fn(|request: Request<Empty<Bytes>>| async move {
///     let location = match request.uri().path() {
///         "/old" => "/new",
///         _ => "http://b.test/",
///     };
///     Ok::<_, Infallible>(Response::builder().status(302).header("location", location).body(Empty::<Bytes>::new()).unwrap())
/// });
///
/// let client = ServiceBuilder::new().layer(RedirectLayer::new().policy(Follow::by(OneHost))).service(service);
/// let response = client.oneshot(Request::get("http://a.test/old").body(Empty::new())?).await?;
/// assert_eq!(response.status(), 302);
/// assert_eq!(response.headers()["location"], "http://b.test/");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedirectLayer<Y = ByTryClone> {
    /// Shared by all clones: what a redirect needs and the common path does not look at.
    pub(crate) config: Arc<Config>,
    pub(crate) replay: Y,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) follow: Follow,
    pub(crate) limit: usize,
    pub(crate) https_only: bool,
    pub(crate) sensitive: Vec<HeaderName>,
    pub(crate) referrer: Option<ReferrerPolicy>,
    pub(crate) drain_timeout: Duration,
}

/// The default of [`drain_timeout`](RedirectLayer::drain_timeout): after it, a new connection is cheaper.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(50);

impl RedirectLayer {
    /// At most 20 redirects, as [`policy::Standard`](crate::policy::Standard) follows them, bodies that are
    /// [`TryClone`](treq_core::TryClone) sent again.
    #[must_use]
    pub fn new() -> RedirectLayer {
        RedirectLayer::default()
    }
}

impl Default for RedirectLayer {
    fn default() -> RedirectLayer {
        let config = Config {
            follow: Follow::Standard,
            limit: 20,
            https_only: false,
            sensitive: Vec::new(),
            referrer: None,
            drain_timeout: DRAIN_TIMEOUT,
        };
        RedirectLayer { config: Arc::new(config), replay: ByTryClone }
    }
}

impl<Y> RedirectLayer<Y> {
    /// Sets which redirects are followed: a [`Follow`]. [`Follow::by`] takes a [`Policy`](crate::Policy), and
    /// [`redirect_fn`](crate::redirect_fn) makes one of a closure. (default: [`Follow::Standard`])
    #[must_use]
    pub fn policy(mut self, policy: impl Into<Follow>) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).follow = policy.into();
        self
    }

    /// How many redirects are followed for one request: 20 unless set. One more is an error that carries the
    /// [`History`](crate::History). With 0 none is followed and the first answer is returned.
    #[must_use]
    pub fn limit(mut self, redirects: usize) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).limit = redirects;
        self
    }

    /// Whether a redirect to an `http` URL is an error. Off unless set: such a one is followed without credentials and
    /// without body.
    #[must_use]
    pub fn https_only(mut self, on: bool) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).https_only = on;
        self
    }

    /// A field that is dropped, as `Authorization` is, once the chain leaves its origin. To mark single values, use
    /// [`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive).
    #[must_use]
    pub fn sensitive(mut self, name: HeaderName) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).sensitive.push(name);
        self
    }

    /// Send a `Referer` with each redirected request, or none with `None`, which is the default. A response's
    /// `Referrer-Policy` overrules `policy` for the rest of its chain.
    #[must_use]
    pub fn referer(mut self, policy: impl Into<Option<ReferrerPolicy>>) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).referrer = policy.into();
        self
    }

    /// Sets how long the body of a redirect is waited for if it comes late, so that its connection can be used again. Then the
    /// body is dropped, and its connection with it. (default: 50 ms)
    ///
    /// The wait needs tokio's timers. Outside of a tokio runtime only the service's own limits end a body that never comes.
    #[must_use]
    pub fn drain_timeout(mut self, limit: Duration) -> RedirectLayer<Y> {
        Arc::make_mut(&mut self.config).drain_timeout = limit;
        self
    }

    /// How a second body is come by where a redirect asks for the same one: a closure `Fn(&B) -> Option<B>`, or any
    /// other [`Replay`](treq_core::Replay).
    #[must_use]
    pub fn replay<R>(self, replay: R) -> RedirectLayer<R> {
        RedirectLayer { config: self.config, replay }
    }

    /// Bodies go out once: a redirect that asks for one again is an error.
    #[must_use]
    pub fn without_replay(self) -> RedirectLayer<Never> {
        self.replay(Never)
    }
}

impl<S, Y: Clone> Layer<S> for RedirectLayer<Y> {
    type Service = Redirect<S, Y>;

    fn layer(&self, inner: S) -> Redirect<S, Y> {
        Redirect { inner, layer: self.clone() }
    }
}

impl<Y> fmt::Debug for RedirectLayer<Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectLayer")
            .field("follow", &self.config.follow)
            .field("limit", &self.config.limit)
            .field("https_only", &self.config.https_only)
            .field("sensitive", &self.config.sensitive)
            .field("referrer", &self.config.referrer)
            .field("drain_timeout", &self.config.drain_timeout)
            .finish_non_exhaustive()
    }
}
