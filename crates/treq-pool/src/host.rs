//! What a pool keeps for one kind of target.

use std::collections::VecDeque;

use tokio::time::Instant;
use treq_core::{Connection, Target};

/// The connections of one target and those who wait for one.
pub(crate) struct Host<C, W> {
    pub(crate) target: Target,
    pub(crate) hash: u64,
    pub(crate) protocol: Protocol,
    /// Connections for one exchange at a time, the newest last.
    pub(crate) idle: VecDeque<Idle<C>>,
    pub(crate) shared: Vec<Shared<C>>,
    waiters: VecDeque<Waiter<W>>,
    /// Connections that exist or are being made, in use or not.
    pub(crate) open: usize,
    pub(crate) connecting: usize,
    /// When something last happened here.
    pub(crate) used: Instant,
}

/// What is known of the protocol that the target speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Unknown,
    /// One exchange at a time.
    Exclusive,
    /// Many at once.
    Shared,
}

pub(crate) struct Idle<C> {
    pub(crate) connection: C,
    pub(crate) born: Instant,
    pub(crate) until: Instant,
    pub(crate) number: u64,
}

pub(crate) struct Shared<C> {
    pub(crate) connection: C,
    pub(crate) number: ShareId,
    pub(crate) born: Instant,
    pub(crate) users: usize,
    /// Until when it is kept, and its number in the order of idleness; `None` while it has users.
    pub(crate) idle: Option<(Instant, u64)>,
    /// Handles given back: each keeps its buffers for the next exchange.
    spare: Vec<C>,
}

/// Names a shared connection of a host.
pub(crate) type ShareId = u64;

struct Waiter<W> {
    ticket: u64,
    waiter: W,
    /// It is making a connection itself and takes whichever comes first.
    connecting: bool,
}

impl<C: Connection, W> Host<C, W> {
    pub(crate) fn new(target: Target, hash: u64, now: Instant) -> Host<C, W> {
        let protocol = if target.may_multiplex() { Protocol::Unknown } else { Protocol::Exclusive };
        Host {
            target,
            hash,
            protocol,
            idle: VecDeque::new(),
            shared: Vec::new(),
            waiters: VecDeque::new(),
            open: 0,
            connecting: 0,
            used: now,
        }
    }

    /// Whether a connection under way may turn out to carry further exchanges, so that none is begun beside it.
    pub(crate) fn expects_shared(&self) -> bool {
        self.connecting > 0 && self.protocol != Protocol::Exclusive
    }

    pub(crate) fn enqueue(&mut self, ticket: u64, waiter: W, connecting: bool) {
        self.waiters.push_back(Waiter { ticket, waiter, connecting });
    }

    /// Whether the waiter was still there.
    pub(crate) fn dequeue(&mut self, ticket: u64) -> bool {
        let at = self.waiters.iter().position(|waiter| waiter.ticket == ticket);
        at.and_then(|at| self.waiters.remove(at)).is_some()
    }

    /// The first who takes a connection.
    pub(crate) fn next_for_connection(&mut self) -> Option<W> {
        self.waiters.pop_front().map(|waiter| waiter.waiter)
    }

    /// The first who would make a connection if there were room, with its ticket.
    pub(crate) fn next_for_room(&self) -> Option<u64> {
        self.waiters.iter().find(|waiter| !waiter.connecting).map(|waiter| waiter.ticket)
    }

    pub(crate) fn take_waiter(&mut self, ticket: u64) -> Option<W> {
        let at = self.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
        self.waiters.remove(at).map(|waiter| waiter.waiter)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// A shared connection that admits another user.
    pub(crate) fn shareable(&mut self) -> Option<&mut Shared<C>> {
        self.shared
            .iter_mut()
            .find(|shared| shared.connection.is_open() && shared.users < shared.connection.max_shares())
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.open == 0 && self.waiters.is_empty()
    }
}

impl<C: Connection> Shared<C> {
    pub(crate) fn new(connection: C, number: ShareId, born: Instant) -> Shared<C> {
        Shared { connection, number, born, users: 0, idle: None, spare: Vec::new() }
    }

    /// A handle for one more user.
    pub(crate) fn take(&mut self) -> Option<C> {
        let handle = self.spare.pop().or_else(|| self.connection.share())?;
        self.users += 1;
        Some(handle)
    }

    /// One user less; a clean handle is kept for the next.
    pub(crate) fn give_back(&mut self, handle: Option<C>) {
        self.users -= 1;
        self.spare.extend(handle);
    }
}
