use std::sync::Arc;

use tokio::time::Instant;
use treq_core::{Connection, Error};

use crate::host::{ShareEnd, ShareId};
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
    /// A connection is being made; `own`: for one exchange alone.
    Room {
        own: bool,
    },
    /// `clean`: no exchange is under way on it, so that it can be kept.
    Whole {
        connection: C,
        born: Instant,
        clean: bool,
    },
    /// A connection that closes after its only exchange.
    Own {
        connection: C,
    },
    Share {
        handle: C,
        of: ShareId,
        end: ShareEnd,
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
            Held::Whole { connection, .. } | Held::Own { connection } => Some(connection),
            Held::Share { handle, .. } => Some(handle),
            Held::Room { .. } | Held::Nothing => None,
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut C> {
        match &mut self.held {
            Held::Whole { connection, .. } | Held::Own { connection } => Some(connection),
            Held::Share { handle, .. } => Some(handle),
            Held::Room { .. } | Held::Nothing => None,
        }
    }

    /// Whether the connection may serve another exchange as it is.
    pub(crate) fn set_clean(&mut self, now_clean: bool) {
        match &mut self.held {
            Held::Whole { clean, .. } => *clean = now_clean,
            Held::Share { end, .. } => *end = if now_clean { ShareEnd::Clean } else { ShareEnd::Broken },
            Held::Own { .. } | Held::Room { .. } | Held::Nothing => {}
        }
    }

    /// Notes that the peer refused the request: further ones go to other connections if there are any.
    pub(crate) fn set_refused(&mut self) {
        if let Held::Share { end, .. } = &mut self.held {
            *end = ShareEnd::Refused;
        }
    }

    /// Notes that the connection will not be ready again.
    pub(crate) fn set_dead(&mut self) {
        match &mut self.held {
            Held::Whole { clean, .. } => *clean = false,
            Held::Share { end, .. } => *end = ShareEnd::Dead,
            Held::Own { .. } | Held::Room { .. } | Held::Nothing => {}
        }
    }

    /// Returns true if the connection is kept after its exchange.
    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self.held, Held::Own { .. }) && self.pool.keeps()
    }

    pub(crate) fn is_share(&self) -> bool {
        matches!(self.held, Held::Share { .. })
    }

    /// The connection is dead: what is held now is its place, to make another in. Not so with a share.
    pub(crate) fn reopen(&mut self) -> bool {
        if !matches!(self.held, Held::Whole { .. }) {
            return false;
        }
        drop(std::mem::replace(&mut self.held, Held::Room { own: false }));
        let host = self.host;
        self.pool.change(|state, _| state.reopen(host));
        true
    }

    /// Ends a failed attempt to connect, and passes the error to those who waited for it.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        let Held::Room { own } = self.held else { return error };
        self.held = Held::Nothing;
        let (host, error) = (self.host, Arc::new(error));
        self.pool.change(|state, effects| state.not_connected(host, own, Some(&error), effects));
        Arc::try_unwrap(error).unwrap_or_else(|shared| Error::repeat(&shared))
    }

    /// Fills the room with the connection that was made, after the waiter that stood by has left the queue.
    pub(crate) fn fill(&mut self, connection: C, ticket: u64) {
        let Held::Room { own } = self.held else { return };
        let (host, handle) = (self.host, self.observe(&connection));
        let what = self.pool.change(|state, effects| {
            state.dequeue(host, ticket, effects);
            state.connected(host, own, (connection, handle), Instant::now(), effects)
        });
        self.held = Held::of(what);
    }

    /// Gives the new connection to others: its maker has received another one meanwhile.
    pub(crate) fn fill_for_others(mut self, connection: C) {
        self.held = Held::Nothing;
        let (host, handle) = (self.host, self.observe(&connection));
        self.pool.change(|state, effects| {
            state.connected_for_others(host, (connection, handle), Instant::now(), effects);
        });
    }

    /// Registers the pool for changes to a connection that can be shared; returns a handle on it.
    fn observe(&self, connection: &C) -> Option<C> {
        let handle = connection.share()?;
        let (pool, host) = (Arc::downgrade(&self.pool), self.host);
        connection.on_change(Box::new(move || {
            if let Some(pool) = pool.upgrade() {
                pool.change(|state, effects| state.changed(host, effects));
            }
        }));
        Some(handle)
    }
}

impl<C> Held<C> {
    fn of(what: What<C>) -> Held<C> {
        match what {
            What::Room { own } => Held::Room { own },
            What::Whole(connection, born) => Held::Whole { connection, born, clean: true },
            What::Own(connection) => Held::Own { connection },
            What::Share(handle, of) => Held::Share { handle, of, end: ShareEnd::Clean },
        }
    }
}

impl<C: Connection> Drop for Lease<C> {
    fn drop(&mut self) {
        let host = self.host;
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::Room { own } => self.pool.change(|state, effects| state.not_connected(host, own, None, effects)),
            Held::Whole { connection, born, clean: true } => {
                self.pool.change(|state, effects| state.put_back(host, connection, born, Instant::now(), effects));
            }
            Held::Whole { connection, clean: false, .. } | Held::Own { connection } => {
                // Closed before its place is given away, so that no cap is ever exceeded.
                drop(connection);
                self.pool.change(|state, effects| state.closed(host, effects));
            }
            Held::Share { handle, of, end } => {
                self.pool.change(|state, effects| state.unshare(host, of, (handle, end), Instant::now(), effects));
            }
        }
    }
}
