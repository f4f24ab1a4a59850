use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tower_layer::Layer;
use treq_core::{ByTryClone, Never, Origin};

#[cfg(feature = "netrc")]
use crate::Netrc;
use crate::{Auth, Credentials, Scheme};

/// Adds credentials to requests of the service that it is put around; see the [crate's page](crate).
#[derive(Clone)]
pub struct AuthLayer<Y = ByTryClone> {
    /// Shared by all clones.
    pub(crate) config: Arc<Config>,
    pub(crate) replay: Y,
}

#[derive(Clone, Default)]
pub(crate) struct Config {
    /// One for each origin, and those are few.
    pub(crate) credentials: Vec<Credentials>,
    #[cfg(feature = "netrc")]
    pub(crate) netrc: Option<Netrc>,
    pub(crate) https_only: bool,
    pub(crate) drain_until: Option<Timer>,
}

/// Makes a future that is done when a 401's body has been waited for long enough.
type Timer = Arc<dyn Fn() -> Waiting + Send + Sync>;
/// Boxed: only made where a 401's body is late.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

impl AuthLayer {
    /// No credentials but those that requests bring along, bodies that are [`TryClone`](treq_core::TryClone) sent again.
    #[must_use]
    pub fn new() -> AuthLayer {
        AuthLayer::default()
    }
}

impl Default for AuthLayer {
    fn default() -> AuthLayer {
        AuthLayer { config: Arc::default(), replay: ByTryClone }
    }
}

impl<Y> AuthLayer<Y> {
    /// How requests to this origin prove who sends them. One scheme for each origin: the last one counts.
    #[must_use]
    pub fn credentials(mut self, origin: Origin, scheme: impl Scheme) -> AuthLayer<Y> {
        let all = &mut Arc::make_mut(&mut self.config).credentials;
        all.retain(|known| *known.origin() != origin);
        all.push(Credentials::new(origin, scheme));
        self
    }

    /// Basic with what a `.netrc` says of the host, for requests that no other credentials are for.
    #[cfg(feature = "netrc")]
    #[must_use]
    pub fn netrc(mut self, netrc: Netrc) -> AuthLayer<Y> {
        Arc::make_mut(&mut self.config).netrc = Some(netrc);
        self
    }

    /// Whether credentials over `http` are an error of cause [`Why::InClear`](crate::Why::InClear), before anything is
    /// sent: those of this layer and a caller's own `Authorization`. `localhost` and loopback addresses are exempt. Off
    /// unless set.
    #[must_use]
    pub fn https_only(mut self, on: bool) -> AuthLayer<Y> {
        Arc::make_mut(&mut self.config).https_only = on;
        self
    }

    /// How long the body of a 401 that comes late is waited for: until the future that `timer` makes is done, as
    /// `|| tokio::time::sleep(Duration::from_millis(50))`. Then it is dropped, and its connection with it. This crate
    /// has no clock of its own: without a timer, the service's limits on reading end a body that never comes.
    #[must_use]
    pub fn drain_until<T, F>(mut self, timer: T) -> AuthLayer<Y>
    where
        T: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Arc::make_mut(&mut self.config).drain_until = Some(Arc::new(move || Box::pin(timer())));
        self
    }

    /// How a second body is come by where a challenge is answered, or the body is to be hashed: a closure
    /// `Fn(&B) -> Option<B>`, or any other [`Replay`](treq_core::Replay).
    #[must_use]
    pub fn replay<R>(self, replay: R) -> AuthLayer<R> {
        AuthLayer { config: self.config, replay }
    }

    /// Bodies go out once: a challenge to a request with one is returned.
    #[must_use]
    pub fn without_replay(self) -> AuthLayer<Never> {
        self.replay(Never)
    }
}

impl Config {
    /// Whether no request gets credentials but those that bring them along.
    pub(crate) fn is_bare(&self) -> bool {
        #[cfg(feature = "netrc")]
        if self.netrc.is_some() {
            return false;
        }
        self.credentials.is_empty() && !self.https_only
    }
}

impl<S, Y: Clone> Layer<S> for AuthLayer<Y> {
    type Service = Auth<S, Y>;

    fn layer(&self, inner: S) -> Auth<S, Y> {
        Auth { inner, layer: self.clone(), bare: self.config.is_bare() }
    }
}

impl<Y> fmt::Debug for AuthLayer<Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("credentials", &self.config.credentials)
            .field("https_only", &self.config.https_only)
            .finish_non_exhaustive()
    }
}
