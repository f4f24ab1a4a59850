use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tower_service::Service;
use treq_core::{BoxError, Connection, Error, Target};

use crate::checkout::{Asked, Checkout, ask, settle};
use crate::shared::Shared;
use crate::{Limits, PoolStats, Pooled};

/// A pool of the connections that the maker `M` yields: itself a maker, of [`Pooled`] ones.
///
/// Clones share the connections. Dropping the last clone closes the idle ones; those in use go on to the end of their
/// exchange.
pub struct Pool<M, C: Connection> {
    owner: Arc<Owner<M, C>>,
}

/// What all clones of a pool own together; leases and waiters hold the state without it.
struct Owner<M, C: Connection> {
    /// Cloned where a connection is to be made, which is rare.
    maker: Mutex<M>,
    shared: Arc<Shared<C>>,
}

impl<M, C: Connection> Drop for Owner<M, C> {
    fn drop(&mut self) {
        self.shared.shut();
    }
}

impl<M, C: Connection> Pool<M, C> {
    pub(crate) fn new(maker: M, limits: Limits) -> Pool<M, C> {
        let shared = Arc::new(Shared::new(limits));
        Pool { owner: Arc::new(Owner { maker: Mutex::new(maker), shared }) }
    }

    /// The figures of this moment.
    pub fn stats(&self) -> PoolStats {
        self.owner.shared.change(|state, effects| state.stats(effects))
    }

    /// Closes all idle connections; those in use are kept when their exchange is over.
    pub fn close_idle(&self) {
        self.owner.shared.change(|state, effects| state.close_idle(effects));
    }

    /// Closes all idle connections, and keeps none from now on: one in use is closed when its exchange is over, and requests
    /// that come later have connections of their own. For all clones.
    pub fn close(&self) {
        self.owner.shared.shut();
    }
}

impl<M, C> Service<Target> for Pool<M, C>
where
    M: Service<Target, Response = C> + Clone + Send + 'static,
    M::Error: Into<BoxError> + 'static,
    M::Future: Send,
    C: Connection,
{
    type Response = Pooled<C>;
    type Error = Error;
    type Future = Checkout<C>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The maker is made ready where one is needed: most requests need none.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Checkout<C> {
        let asked = match self.owner.shared.take_newest(&target) {
            Some(lease) if lease.connection().is_some_and(C::is_ready) => return Checkout::ready(lease),
            Some(lease) => Asked::Lease(lease),
            None => match ask(&self.owner.shared, &target) {
                Asked::Lease(lease) if lease.connection().is_some_and(C::is_ready) => return Checkout::ready(lease),
                asked => asked,
            },
        };
        let maker = self.owner.maker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Checkout::slow(settle(maker, Arc::clone(&self.owner.shared), target, asked))
    }
}

impl<M, C: Connection> Clone for Pool<M, C> {
    fn clone(&self) -> Self {
        Pool { owner: Arc::clone(&self.owner) }
    }
}

impl<M, C: Connection> fmt::Debug for Pool<M, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
