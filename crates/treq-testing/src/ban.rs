use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use tower_layer::Layer;
use tower_service::Service;
use treq_core::{BoxError, Error, Kind, Origin, Resend, Target};

use crate::hosts;
use crate::tasks::lock;

/// A guard over connectors: connecting to anything but the peers that it was told of is refused, and fails the test when
/// the guard is dropped, by name, whatever the code under test makes of the refusal.
///
/// Its [layer](NetworkBan::layer) goes around the connector of the client that is tested.
///
/// ```
/// use tower_layer::Layer;
/// use tower_service::Service;
/// use treq_core::{Origin, Target};
/// use treq_testing::{NetworkBan, RequestTraversalAgent, StringStubbing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq_core::Error> {
/// let agent = RequestTraversalAgent::new(StringStubbing::new(|_| (200, (), "")));
/// let ban = NetworkBan::but(["a.test", "b.test:8080"]);
/// let mut connector = ban.layer().layer(agent.connector());
///
/// let target = |url: &str| Ok::<_, treq_core::Error>(Target::new(Origin::from_uri(&url.parse().unwrap())?));
/// assert!(connector.call(target("https://a.test")?).await.is_ok());
/// assert!(connector.call(target("http://b.test")?).await.is_err());
/// assert_eq!(ban.take_refused(), ["http://b.test"]);
/// # Ok(()) }
/// ```
#[must_use = "it looks when it is dropped: keep it to the end of the test"]
pub struct NetworkBan {
    shared: Arc<Shared>,
    at: &'static Location<'static>,
}

struct Shared {
    peers: Vec<String>,
    refused: Mutex<Vec<String>>,
}

impl NetworkBan {
    /// But for these: `a.test` for every port of it, `a.test:8080` for one. IPv6 addresses stand in brackets where a port
    /// follows. Where a client goes by way of a proxy, it is the proxy that is connected to.
    ///
    /// # Panics
    ///
    /// Where one is no host, such as a URL.
    #[track_caller]
    pub fn but<P: Into<String>>(peers: impl IntoIterator<Item = P>) -> NetworkBan {
        let mut known = Vec::new();
        for peer in peers {
            match hosts::normal(&peer.into()) {
                Ok(peer) => known.push(peer),
                // A mistake in the test, told at its place.
                Err(why) => panic!("{why}"),
            }
        }
        let shared = Shared { peers: known, refused: Mutex::default() };
        NetworkBan { shared: Arc::new(shared), at: Location::caller() }
    }

    /// The layer for a connector.
    pub fn layer(&self) -> NetworkBanLayer {
        NetworkBanLayer { shared: Arc::clone(&self.shared) }
    }

    /// What was refused so far, of which the guard then says nothing more: for a test that means it.
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.refused))
    }
}

impl Shared {
    fn allows(&self, origin: &Origin) -> bool {
        hosts::names(origin).iter().any(|name| self.peers.contains(name))
    }
}

/// Fails the test.
impl Drop for NetworkBan {
    fn drop(&mut self) {
        let refused = self.take_refused();
        if refused.is_empty() || thread::panicking() {
            return;
        }
        let (list, at) = (refused.join(", "), self.at);
        // This is how a test fails.
        panic!(
            "The code under test connected to {list}, which the network ban of {at} does not allow. What it may connect \
             to is named in NetworkBan::but; what the test means to be refused is taken by take_refused()."
        );
    }
}

impl fmt::Debug for NetworkBan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkBan").field("peers", &self.shared.peers).finish_non_exhaustive()
    }
}

/// The layer of a [`NetworkBan`].
#[derive(Clone)]
pub struct NetworkBanLayer {
    shared: Arc<Shared>,
}

/// A connector that knows of a [`NetworkBan`].
#[derive(Clone)]
pub struct Banned<C> {
    connect: C,
    shared: Arc<Shared>,
}

impl<C> Layer<C> for NetworkBanLayer {
    type Service = Banned<C>;

    fn layer(&self, connect: C) -> Banned<C> {
        Banned { connect, shared: Arc::clone(&self.shared) }
    }
}

impl<C> Service<Target> for Banned<C>
where
    C: Service<Target>,
    C::Error: Into<BoxError> + 'static,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = Error;
    // Boxed: once for a connection.
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connect.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        if !self.shared.allows(&target.origin) {
            let peer = target.origin.to_string();
            lock(&self.shared.refused).push(peer.clone());
            let [name, _] = hosts::names(&target.origin);
            let why = format!("the test's network ban does not allow {peer}: name it in NetworkBan::but, as {name:?}");
            return Box::pin(async { Err(Error::new(Kind::Connect, why).with_resend(Resend::Safe)) });
        }
        let connecting = self.connect.call(target);
        Box::pin(async { connecting.await.map_err(Error::from_boxed) })
    }
}

impl fmt::Debug for NetworkBanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkBanLayer")
    }
}

impl<C> fmt::Debug for Banned<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Banned")
    }
}
