use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;
use treq_core::auth::Scheme;
use treq_core::{ByTryClone, Never, Origin};

#[cfg(feature = "netrc")]
use crate::Netrc;
use crate::{Auth, Credentials};

/// Adds credentials to requests of the service that it is put around; see the [crate's page](crate).
///
/// A scheme of your own is a [`Scheme`]. Here a signer in the manner of AWS Signature Version 4, which covers method,
/// target, date and the hash of the body:
///
/// ```
/// use sha2::{Digest as _, Sha256};
/// use treq_auth::{BodyHash, Content, Outgoing, Scheme, Step};
/// use treq_core::BoxError;
///
/// struct Signer {
///     key: Vec<u8>,
///     now: fn() -> String,
/// }
///
/// struct Sha256Hash(Sha256);
///
/// impl BodyHash for Sha256Hash {
///     fn update(&mut self, bytes: &[u8]) {
///         self.0.update(bytes);
///     }
///
///     fn finish(self: Box<Self>) -> Vec<u8> {
///         self.0.finalize().to_vec()
///     }
/// }
///
/// fn hex(bytes: &[u8]) -> String {
///     bytes.iter().map(|byte| format!("{byte:02x}")).collect()
/// }
///
/// impl Scheme for Signer {
///     fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
///         let content = match request.content() {
///             Content::Unread => return Ok(Step::Hash(Box::new(Sha256Hash(Sha256::new())))),
///             Content::Hashed(hash) => hex(hash),
///             _ => "UNSIGNED-PAYLOAD".to_owned(),
///         };
///         let date = (self.now)();
///         // Stands for the chain of HMACs.
///         let signed = format!("{}\n{}\n{date}\n{content}", request.method(), request.target());
///         let signature = hex(&Sha256::digest([&self.key[..], signed.as_bytes()].concat()));
///         request.headers_mut().insert("x-amz-date", date.parse()?);
///         request.headers_mut().insert("x-amz-content-sha256", content.parse()?);
///         request.authorize(format!("AWS4-HMAC-SHA256 Signature={signature}").parse()?);
///         Ok(Step::Send)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use treq_core::{Body, Origin};
///
/// let echo = service_fn(|request: Request<Body>| async move {
///     Ok::<_, std::convert::Infallible>(Response::new(format!("{:?}", request.headers()["x-amz-content-sha256"])))
/// });
/// let origin = Origin::from_uri(&"https://bucket.test/".parse()?)?;
/// let signer = Signer { key: b"secret".to_vec(), now: || "20261121T140000Z".to_owned() };
/// let client = treq_auth::AuthLayer::new().credentials(origin, signer).layer(echo);
/// let response = client.oneshot(Request::put("https://bucket.test/key").body(Body::from("tea"))?).await?;
/// assert!(response.body().contains(&hex(&Sha256::digest("tea"))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AuthLayer<Y = ByTryClone> {
    /// Shared by all clones.
    pub(crate) config: Arc<Config>,
    pub(crate) replay: Y,
}

#[derive(Clone)]
pub(crate) struct Config {
    /// One for each origin, and those are few.
    pub(crate) credentials: Vec<Credentials>,
    #[cfg(feature = "netrc")]
    pub(crate) netrc: Option<Netrc>,
    pub(crate) https_only: bool,
    pub(crate) drain_timeout: Duration,
}

/// The default of [`drain_timeout`](AuthLayer::drain_timeout): after it, a new connection is cheaper.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(50);

impl AuthLayer {
    /// No credentials but those that requests bring along, bodies that are [`TryClone`](treq_core::TryClone) sent again.
    #[must_use]
    pub fn new() -> AuthLayer {
        AuthLayer::default()
    }
}

impl Default for AuthLayer {
    fn default() -> AuthLayer {
        let config = Config {
            credentials: Vec::new(),
            #[cfg(feature = "netrc")]
            netrc: None,
            https_only: false,
            drain_timeout: DRAIN_TIMEOUT,
        };
        AuthLayer { config: Arc::new(config), replay: ByTryClone }
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

    /// Whether credentials over `http` are an error of cause [`AuthErrorReason::InClear`](crate::AuthErrorReason::InClear), before anything is
    /// sent: those of this layer and a caller's own `Authorization`. `localhost` and loopback addresses are exempt. Off
    /// unless set.
    #[must_use]
    pub fn https_only(mut self, on: bool) -> AuthLayer<Y> {
        Arc::make_mut(&mut self.config).https_only = on;
        self
    }

    /// Sets how long the body of a 401 is waited for if it comes late, so that its connection can be used again. Then the
    /// body is dropped, and its connection with it. (default: 50 ms)
    ///
    /// The wait needs tokio's timers. Outside of a tokio runtime only the service's own limits end a body that never comes.
    #[must_use]
    pub fn drain_timeout(mut self, limit: Duration) -> AuthLayer<Y> {
        Arc::make_mut(&mut self.config).drain_timeout = limit;
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
