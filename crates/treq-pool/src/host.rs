//! What a pool keeps for one kind of target.

use std::collections::VecDeque;

use tokio::time::Instant;
use treq_core::{Connection, ConnectionId, Target};

use crate::queue::{Queue, will_do};

/// The connections of one target and those who wait for one.
pub(crate) struct Host<C, W> {
    pub(crate) target: Target,
    pub(crate) hash: u64,
    pub(crate) protocol: Protocol,
    /// Connections for one exchange at a time, the newest last.
    pub(crate) idle: VecDeque<Idle<C>>,
    pub(crate) shared: Vec<Shared<C>>,
    pub(crate) queue: Queue<W>,
    /// Connections that exist or are being made, in use or not.
    pub(crate) open: usize,
    /// Connections being made.
    pub(crate) connecting: usize,
    /// Connections being made for a single exchange.
    pub(crate) connecting_own: usize,
    /// The number of exchanges expected of a further shared connection: the limit of the last one that named it.
    pub(crate) expected: usize,
    /// Attempts that have failed since the last that succeeded, or since nobody wanted one.
    pub(crate) failures: usize,
    /// The ticket of the waiter that only the limit on the total keeps from connecting, as noted by the pool.
    pub(crate) starving: Option<u64>,
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
    /// True if it takes no further users, and closes with its last.
    pub(crate) retired: bool,
    /// True if its last request was refused: it is used only if there is no other.
    pub(crate) refusing: bool,
    /// Until when it is kept, and its number in the order of idleness; `None` while it has users.
    pub(crate) idle: Option<(Instant, u64)>,
    /// Handles given back: each keeps its buffers for the next exchange.
    spare: Vec<C>,
}

/// Names a shared connection of a host.
pub(crate) type ShareId = u64;

impl<C: Connection, W> Host<C, W> {
    pub(crate) fn new(target: Target, hash: u64, now: Instant) -> Host<C, W> {
        let protocol = if target.may_multiplex() { Protocol::Unknown } else { Protocol::Exclusive };
        Host {
            target,
            hash,
            protocol,
            idle: VecDeque::new(),
            shared: Vec::new(),
            queue: Queue::default(),
            open: 0,
            connecting: 0,
            connecting_own: 0,
            expected: usize::MAX,
            failures: 0,
            starving: None,
            used: now,
        }
    }

    /// Returns true if connections being made, or that have named no limit yet, are expected to serve all waiters for a share
    /// and `further` ones, so that no other is begun.
    pub(crate) fn expects_shares(&self, further: usize) -> bool {
        if self.protocol == Protocol::Exclusive {
            return false;
        }
        let untold = self.shared.iter().filter(|shared| shared.is_untold());
        let shares = untold
            .map(|shared| self.expected.saturating_sub(shared.users))
            .chain(std::iter::repeat_n(self.expected, self.connecting - self.connecting_own))
            .fold(0, usize::saturating_add);
        shares > 0 && self.queue.sharers() + further <= shares
    }

    /// Notes the number of exchanges that its connections admit.
    pub(crate) fn learn(&mut self) {
        if let Some(limit) = self.shared.iter().rev().find_map(|shared| shared.connection.max_shares()) {
            self.expected = limit.max(1);
        }
    }

    /// A shared connection later than `after` that admits another user and refused none lately.
    pub(crate) fn shareable(&mut self, after: Option<ConnectionId>) -> Option<&mut Shared<C>> {
        let good = |shared: &Shared<C>| !shared.refusing && will_do(after, shared.connection.id()) && shared.admits();
        self.shared.iter_mut().find(|shared| good(shared))
    }

    /// A shared connection that admits another user, though it has refused one.
    pub(crate) fn refusing(&mut self) -> Option<&mut Shared<C>> {
        self.shared.iter_mut().find(|shared| shared.refusing && shared.admits())
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
        self.open == 0 && self.queue.is_empty()
    }
}

impl<C: Connection> Shared<C> {
    pub(crate) fn new(connection: C, number: ShareId, born: Instant) -> Shared<C> {
        let spare = Vec::new();
        Shared { connection, number, born, users: 0, retired: false, refusing: false, idle: None, spare }
    }

    /// Returns true if the peer has not said yet how many exchanges it admits besides the first.
    fn is_untold(&self) -> bool {
        self.users > 0 && !self.retired && self.connection.max_shares().is_none() && self.connection.is_open()
    }

    /// Returns true if the connection admits one more user.
    pub(crate) fn admits(&self) -> bool {
        // Before the peer's word one exchange goes ahead.
        !self.retired && self.users < self.connection.max_shares().unwrap_or(1) && self.connection.is_open()
    }

    /// Returns a handle for one more user, and true if the connection was idle.
    pub(crate) fn take(&mut self) -> Option<(C, bool)> {
        let handle = self.spare.pop().or_else(|| self.connection.share())?;
        self.users += 1;
        Some((handle, self.idle.take().is_some()))
    }

    /// Takes no further users; where it has none, it is due at once.
    pub(crate) fn retire(&mut self, now: Instant) {
        self.retired = true;
        if let Some((until, _)) = &mut self.idle {
            *until = now;
        }
    }

    /// Removes a user; returns its handle if that serves no other.
    pub(crate) fn give_back(&mut self, handle: C, end: ShareEnd) -> Option<C> {
        self.users -= 1;
        match end {
            ShareEnd::Clean => {
                self.refusing = false;
                self.spare.push(handle);
                return None;
            }
            ShareEnd::Refused => self.refusing = true,
            ShareEnd::Dead => self.retired = true,
            ShareEnd::Broken => {}
        }
        Some(handle)
    }
}

/// The end of the use of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareEnd {
    /// The exchange is over, or there was none: the handle serves another.
    Clean,
    /// The peer said that it did not process the request.
    Refused,
    /// The connection will not be ready again.
    Dead,
    /// The exchange was given up, or failed.
    Broken,
}
