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
    /// An attempt failed while others waited for what it would find out: they try side by side.
    pub(crate) side_by_side: bool,
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
    /// Too old for further users: it goes with its last.
    pub(crate) retired: bool,
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
    wants: Wants,
}

/// What a waiter is content with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A connection, or room to make one.
    Any,
    /// A connection: it is making one itself, and takes whichever comes first.
    Connection,
    /// Room only: it has asked for a fresh connection.
    Room,
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
            side_by_side: false,
            used: now,
        }
    }

    /// Whether a connection under way may turn out to carry further exchanges, so that none is begun beside it.
    pub(crate) fn expects_shared(&self) -> bool {
        self.connecting > 0 && self.protocol != Protocol::Exclusive && !self.side_by_side
    }

    pub(crate) fn enqueue(&mut self, ticket: u64, waiter: W, wants: Wants) {
        self.waiters.push_back(Waiter { ticket, waiter, wants });
    }

    /// The ticket of the first in line, and what it wants.
    pub(crate) fn first(&self) -> Option<(u64, Wants)> {
        self.waiters.front().map(|waiter| (waiter.ticket, waiter.wants))
    }

    /// Whether the waiter was still there.
    pub(crate) fn dequeue(&mut self, ticket: u64) -> bool {
        let at = self.waiters.iter().position(|waiter| waiter.ticket == ticket);
        at.and_then(|at| self.waiters.remove(at)).is_some()
    }

    /// The first who takes a connection.
    pub(crate) fn next_for_connection(&mut self) -> Option<W> {
        let at = self.waiters.iter().position(|waiter| waiter.wants != Wants::Room)?;
        self.waiters.remove(at).map(|waiter| waiter.waiter)
    }

    /// The first who would make a connection if there were room, with its ticket.
    pub(crate) fn next_for_room(&self) -> Option<u64> {
        self.waiters.iter().find(|waiter| waiter.wants != Wants::Connection).map(|waiter| waiter.ticket)
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
        let admits = |shared: &Shared<C>| shared.connection.is_open() && shared.users < shared.connection.max_shares();
        self.shared.iter_mut().find(|shared| !shared.retired && admits(shared))
    }

    /// How many connections wait for their next request.
    pub(crate) fn idle_count(&self) -> usize {
        self.idle.len() + self.shared.iter().filter(|shared| shared.idle.is_some()).count()
    }

    /// Takes out the connection that has been idle the longest.
    pub(crate) fn take_oldest(&mut self) -> Option<C> {
        let shared = self.shared.iter().enumerate().filter_map(|(at, shared)| Some((shared.idle?.1, at))).min();
        match (self.idle.front().map(|idle| idle.number), shared) {
            (Some(number), Some((other, at))) if other < number => Some(self.shared.swap_remove(at).connection),
            (None, Some((_, at))) => Some(self.shared.swap_remove(at).connection),
            _ => self.idle.pop_front().map(|idle| idle.connection),
        }
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.open == 0 && self.waiters.is_empty()
    }
}

impl<C: Connection> Shared<C> {
    pub(crate) fn new(connection: C, number: ShareId, born: Instant) -> Shared<C> {
        Shared { connection, number, born, users: 0, retired: false, idle: None, spare: Vec::new() }
    }

    /// A handle for one more user.
    pub(crate) fn take(&mut self) -> Option<C> {
        let handle = self.spare.pop().or_else(|| self.connection.share())?;
        self.users += 1;
        Some(handle)
    }

    /// Takes no further users; where it has none, it is due at once.
    pub(crate) fn retire(&mut self, now: Instant) {
        self.retired = true;
        if let Some((until, _)) = &mut self.idle {
            *until = now;
        }
    }

    /// One user less; a clean handle is kept for the next.
    pub(crate) fn give_back(&mut self, handle: Option<C>) {
        self.users -= 1;
        self.spare.extend(handle);
    }
}
