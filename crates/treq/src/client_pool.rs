//! The connections of a client, for those who look after them.

use std::fmt;
use std::sync::Arc;

use treq_pool::PoolStats;

/// A pool of any type.
pub(crate) trait Connections: Send + Sync {
    fn stats(&self) -> PoolStats;
    fn close_idle(&self);
    fn close(&self);
}

impl<M: Send, C: treq_core::Connection> Connections for treq_pool::Pool<M, C> {
    fn stats(&self) -> PoolStats {
        self.stats()
    }

    fn close_idle(&self) {
        self.close_idle();
    }

    fn close(&self) {
        self.close();
    }
}

/// A handle on the connections of a [`Client`](crate::Client).
#[derive(Clone)]
pub struct ClientPool(pub(crate) Arc<dyn Connections>);

impl ClientPool {
    /// Its figures at this moment.
    pub fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    /// Closes all idle connections; those in use are kept when their exchange is over.
    pub fn close_idle(&self) {
        self.0.close_idle();
    }

    /// Closes all idle connections now, and each of the others when its exchange is over. Requests that come later have new
    /// connections, which are closed behind them as well.
    pub fn close(&self) {
        self.0.close();
    }
}

impl fmt::Debug for ClientPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientPool").field(&self.stats()).finish()
    }
}
