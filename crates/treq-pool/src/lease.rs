use std::sync::Arc;

use tokio::time::Instant;
use treq_core::Connection;

use crate::host::ShareId;
use crate::hosts::HostId;
use crate::shared::Shared;
use crate::state::{Grant, What};

/// A place in the pool: a connection, a share of one, or room to make one. Its drop gives it back.
pub(crate) struct Lease<C: Connection> {
    pool: Arc<Shared<C>>,
    host: HostId,
    held: Held<C>,
}

enum Held<C> {
    /// A connection is being made; whether the attempt came to its end and failed.
    Room {
        failed: bool,
    },
    /// `clean`: no exchange is under way on it, so that it can be kept.
    Whole {
        connection: C,
        born: Instant,
        clean: bool,
    },
    Share {
        handle: C,
        of: ShareId,
        clean: bool,
    },
    /// Given back.
    Nothing,
}

impl<C: Connection> Lease<C> {
    pub(crate) fn new(pool: &Arc<Shared<C>>, grant: Grant<C>) -> Lease<C> {
        Lease { pool: Arc::clone(pool), host: grant.host, held: Held::of(grant.what) }
    }

    pub(crate) fn host(&self) -> HostId {
        self.host
    }

    /// The connection, unless this is room for one.
    pub(crate) fn connection(&self) -> Option<&C> {
        match &self.held {
            Held::Whole { connection, .. } => Some(connection),
            Held::Share { handle, .. } => Some(handle),
            Held::Room { .. } | Held::Nothing => None,
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut C> {
        match &mut self.held {
            Held::Whole { connection, .. } => Some(connection),
            Held::Share { handle, .. } => Some(handle),
            Held::Room { .. } | Held::Nothing => None,
        }
    }

    /// Whether the connection may serve another exchange as it is.
    pub(crate) fn set_clean(&mut self, now_clean: bool) {
        match &mut self.held {
            Held::Whole { clean, .. } | Held::Share { clean, .. } => *clean = now_clean,
            Held::Room { .. } | Held::Nothing => {}
        }
    }

    /// Whether the pool keeps connections at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.pool.limits.keeps()
    }

    pub(crate) fn is_share(&self) -> bool {
        matches!(self.held, Held::Share { .. })
    }

    /// The connection is dead: what is held now is its place, to make another in. Not so with a share.
    pub(crate) fn reopen(&mut self) -> bool {
        if !matches!(self.held, Held::Whole { .. }) {
            return false;
        }
        drop(std::mem::replace(&mut self.held, Held::Room { failed: false }));
        let host = self.host;
        self.pool.change(|state, _| state.reopen(host));
        true
    }

    /// The attempt to make a connection failed.
    pub(crate) fn set_failed(&mut self) {
        self.held = Held::Room { failed: true };
    }

    /// Fills the room with the connection that was made, after the waiter that stood by has left the queue.
    pub(crate) fn fill(&mut self, connection: C, ticket: u64) {
        let host = self.host;
        let what = self.pool.change(|state, effects| {
            state.dequeue(host, ticket, effects);
            state.connected(host, connection, Instant::now(), effects)
        });
        self.held = Held::of(what);
    }
}

impl<C> Held<C> {
    fn of(what: What<C>) -> Held<C> {
        match what {
            What::Room => Held::Room { failed: false },
            What::Whole(connection, born) => Held::Whole { connection, born, clean: true },
            What::Share(handle, of) => Held::Share { handle, of, clean: true },
        }
    }
}

impl<C: Connection> Drop for Lease<C> {
    fn drop(&mut self) {
        let host = self.host;
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::Room { failed } => self.pool.change(|state, effects| state.not_connected(host, failed, effects)),
            Held::Whole { connection, born, clean: true } => {
                self.pool.change(|state, effects| state.put_back(host, connection, born, Instant::now(), effects));
            }
            Held::Whole { connection, clean: false, .. } => {
                // Closed before its place is given away, so that no cap is ever exceeded.
                drop(connection);
                self.pool.change(|state, effects| state.closed(host, effects));
            }
            Held::Share { handle, of, clean } => {
                let handle = clean.then_some(handle);
                self.pool.change(|state, effects| state.unshare(host, of, handle, Instant::now(), effects));
            }
        }
    }
}
