//! The requests that wait at one host, first come first served.

use std::collections::BTreeMap;

use tokio::time::Instant;
use treq_core::{ConnectionId, Reuse};

/// Waiters by their tickets, which ascend in the order in which they came.
pub(crate) struct Queue<W> {
    /// They take a connection, or a place to make one in.
    takers: BTreeMap<u64, Waiter<W>>,
    /// They are making a connection, and take another one that comes free before.
    makers: BTreeMap<u64, Waiter<W>>,
    /// They take nothing but a place: the connection is to be their own.
    owners: BTreeMap<u64, Waiter<W>>,
}

struct Waiter<W> {
    waiter: W,
    since: Instant,
    /// A connection must be later than this one.
    after: Option<ConnectionId>,
}

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A connection that will do, or a place to make one in.
    Either(Reuse),
    /// A connection that will do: it is making one itself meanwhile.
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

    /// Removes and returns all that would take a connection made by another.
    pub(crate) fn take_takers(&mut self) -> impl Iterator<Item = W> + use<W> {
        std::mem::take(&mut self.takers).into_values().map(|waiter| waiter.waiter)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.takers.len() + self.makers.len() + self.owners.len()
    }

    /// How many would take a share of a connection.
    pub(crate) fn sharers(&self) -> usize {
        self.takers.len() + self.makers.len()
    }

    /// Whether somebody waits for a connection without making one.
    pub(crate) fn has_takers(&self) -> bool {
        !self.takers.is_empty()
    }

    /// The first for whom the connection `id` will do.
    pub(crate) fn first_for(&self, id: Option<ConnectionId>) -> Option<u64> {
        let first = |waiters: &BTreeMap<u64, Waiter<W>>| {
            waiters.iter().find(|(_, waiter)| will_do(waiter.after, id)).map(|(&ticket, _)| ticket)
        };
        earlier(first(&self.takers), first(&self.makers))
    }

    /// The first that waits for a connection, whichever: what is there when no better one can be had.
    pub(crate) fn first_taker(&self) -> Option<u64> {
        self.takers.keys().next().copied()
    }

    /// The first that needs a place, since the connection `id` will not do.
    pub(crate) fn first_not_for(&self, id: Option<ConnectionId>) -> Option<u64> {
        let taker = self.takers.iter().find(|(_, waiter)| !will_do(waiter.after, id)).map(|(&ticket, _)| ticket);
        earlier(taker, self.owners.keys().next().copied())
    }

    /// The first that would make a connection if there were a place, and since when it waits; `owner`: only one that makes
    /// it for itself alone.
    pub(crate) fn first_for_place(&self, owner: bool) -> Option<(u64, Instant)> {
        let first = |waiters: &BTreeMap<u64, Waiter<W>>| {
            waiters.first_key_value().map(|(&ticket, waiter)| (ticket, waiter.since))
        };
        let taker = if owner { None } else { first(&self.takers) };
        earlier(taker, first(&self.owners))
    }

    /// Whether the connection of this waiter is to be its own.
    pub(crate) fn is_owner(&self, ticket: u64) -> bool {
        self.owners.contains_key(&ticket)
    }
}

/// Which connection a later one is asked for after.
pub(crate) fn after(reuse: Reuse) -> Option<ConnectionId> {
    match reuse {
        Reuse::After(id) => Some(id),
        _ => None,
    }
}

/// Whether the connection `id` is later than `after`, if it has to be.
pub(crate) fn will_do(after: Option<ConnectionId>, id: Option<ConnectionId>) -> bool {
    after.is_none_or(|after| id.is_some_and(|id| id > after))
}

fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
