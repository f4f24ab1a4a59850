//! The requests that wait at one host, first come first served.

use std::collections::BTreeMap;

use tokio::time::Instant;
use treq_core::{ConnectionId, Reuse};

/// Waiters by their tickets, which ascend in the order in which they came.
pub(crate) struct Queue<W> {
    /// Waiters that take a connection, or a place to make one.
    takers: BTreeMap<u64, Waiter<W>>,
    /// Waiters that are making a connection, and take another one that comes free before.
    makers: BTreeMap<u64, Waiter<W>>,
    /// Waiters that take only a place: the connection is to be their own.
    owners: BTreeMap<u64, Waiter<W>>,
}

struct Waiter<W> {
    waiter: W,
    since: Instant,
    /// The connection that a suitable one must be later than.
    after: Option<ConnectionId>,
}

/// The http_version of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A suitable connection, or a place to make one.
    Either(Reuse),
    /// A suitable connection: it is making one itself meanwhile.
    Connection(Reuse),
}

impl<W> Default for Queue<W> {
    fn default() -> Self {
        Queue { takers: BTreeMap::new(), makers: BTreeMap::new(), owners: BTreeMap::new() }
    }
}

impl<W> Queue<W> {
    pub(crate) fn push(&mut self, ticket: u64, waiter: W, wants: Wants, since: Instant) {
        let (waiters, after) = match wants {
            Wants::Either(Reuse::Never) => (&mut self.owners, None),
            Wants::Either(reuse) => (&mut self.takers, after(reuse)),
            Wants::Connection(reuse) => (&mut self.makers, after(reuse)),
        };
        waiters.insert(ticket, Waiter { waiter, since, after });
    }

    pub(crate) fn take(&mut self, ticket: u64) -> Option<W> {
        let queues = [&mut self.takers, &mut self.makers, &mut self.owners];
        queues.into_iter().find_map(|waiters| waiters.remove(&ticket)).map(|waiter| waiter.waiter)
    }

    /// Removes and returns all waiters that would take a connection made by another.
    pub(crate) fn take_takers(&mut self) -> impl Iterator<Item = W> + use<W> {
        std::mem::take(&mut self.takers).into_values().map(|waiter| waiter.waiter)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.takers.len() + self.makers.len() + self.owners.len()
    }

    /// The number of waiters that would take a share of a connection.
    pub(crate) fn sharers(&self) -> usize {
        self.takers.len() + self.makers.len()
    }

    /// Returns true if a waiter is not making a connection itself.
    pub(crate) fn has_takers(&self) -> bool {
        !self.takers.is_empty()
    }

    /// The first waiter that the connection `id` suits.
    pub(crate) fn first_for(&self, id: Option<ConnectionId>) -> Option<u64> {
        let first = |waiters: &BTreeMap<u64, Waiter<W>>| {
            waiters.iter().find(|(_, waiter)| will_do(waiter.after, id)).map(|(&ticket, _)| ticket)
        };
        earlier(first(&self.takers), first(&self.makers))
    }

    /// The first waiter for a connection, to be given any if there is no better one.
    pub(crate) fn first_taker(&self) -> Option<u64> {
        self.takers.keys().next().copied()
    }

    /// The first waiter that needs a place, since the connection `id` does not suit it.
    pub(crate) fn first_not_for(&self, id: Option<ConnectionId>) -> Option<u64> {
        let taker = self.takers.iter().find(|(_, waiter)| !will_do(waiter.after, id)).map(|(&ticket, _)| ticket);
        earlier(taker, self.owners.keys().next().copied())
    }

    /// The first waiter that would make a connection if there were a place, and the start of its wait; with `owner` only one
    /// that makes its own.
    pub(crate) fn first_for_place(&self, owner: bool) -> Option<(u64, Instant)> {
        let first = |waiters: &BTreeMap<u64, Waiter<W>>| {
            waiters.first_key_value().map(|(&ticket, waiter)| (ticket, waiter.since))
        };
        let taker = if owner { None } else { first(&self.takers) };
        earlier(taker, first(&self.owners))
    }

    /// Returns true if the connection of this waiter is to be its own.
    pub(crate) fn is_owner(&self, ticket: u64) -> bool {
        self.owners.contains_key(&ticket)
    }
}

/// The connection that a suitable one must be later than.
pub(crate) fn after(reuse: Reuse) -> Option<ConnectionId> {
    match reuse {
        Reuse::After(id) => Some(id),
        _ => None,
    }
}

/// Returns true if the connection `id` is later than `after`, or need not be.
pub(crate) fn will_do(after: Option<ConnectionId>, id: Option<ConnectionId>) -> bool {
    after.is_none_or(|after| id.is_some_and(|id| id > after))
}

fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
