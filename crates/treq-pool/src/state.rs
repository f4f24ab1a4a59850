//! The pool's decisions, without IO and without a clock: what is asked of it comes in with the time, what is to be done
//! comes out.

mod idle;
mod returned;
mod room;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;
use treq_core::{Connection, Error, Reuse, Target};

use crate::host::{Host, Protocol, ShareEnd, ShareId, Shared};
use crate::hosts::{HostId, Hosts};
use crate::queue::{Wants, after, will_do};
use crate::{Limits, PoolStats};

/// All connections of a pool. `C` is a connection, `W` is how a waiter is reached.
pub(crate) struct State<C, W> {
    limits: Limits,
    hosts: Hosts<C, W>,
    /// Connections that exist or are being made.
    open: usize,
    /// Those that wait for their next request, shared ones without users among them.
    idle: usize,
    made: u64,
    /// Numbers idle connections, shared ones and waiters in the order in which they came.
    clock: u64,
    /// Idle connections, oldest first, by number; entries of connections that went on are skipped.
    oldest: VecDeque<(u64, HostId)>,
    /// The first waiter of each host that only the limit on the total keeps from connecting, and its start, by ticket.
    starving: BTreeMap<u64, (HostId, Instant)>,
    /// The shared connection that takes no further users for the sake of another host.
    yielding: Option<(HostId, ShareId)>,
    /// When [`sweep`](State::sweep) is due; `None` where nothing expires.
    due: Option<Instant>,
}

/// The response to a request for a connection.
pub(crate) enum Decision<C> {
    Grant(Grant<C>),
    /// To be reached later: see [`State::enqueue`].
    Wait(HostId),
}

/// What a caller receives, at once or after a wait. All of it is to be given back.
pub(crate) struct Grant<C> {
    pub(crate) host: HostId,
    pub(crate) what: What<C>,
}

pub(crate) enum What<C> {
    /// A place to make a connection, with `own` for a single exchange.
    Room { own: bool },
    /// A connection for one exchange at a time, and since when it exists.
    Whole(C, Instant),
    /// A connection that closes after its only exchange.
    Own(C),
    /// A handle on a connection that others use too.
    Share(C, ShareId),
}

/// What follows from a change: to be carried out once the lock is released.
pub(crate) struct Effects<C, W> {
    pub(crate) grants: Vec<(W, Grant<C>)>,
    /// The waiters for a failed attempt, and its error.
    pub(crate) failed: Vec<(W, Arc<Error>)>,
    pub(crate) dead: Vec<C>,
    /// Something expires earlier than the next look at it was planned.
    pub(crate) wake: bool,
}

impl<C, W> Default for Effects<C, W> {
    fn default() -> Self {
        Effects { grants: Vec::new(), failed: Vec::new(), dead: Vec::new(), wake: false }
    }
}

impl<C: Connection, W> State<C, W> {
    pub(crate) fn new(limits: Limits) -> State<C, W> {
        State {
            limits,
            hosts: Hosts::default(),
            open: 0,
            idle: 0,
            made: 0,
            clock: 0,
            oldest: VecDeque::new(),
            starving: BTreeMap::new(),
            yielding: None,
            due: None,
        }
    }

    /// What most requests find: the newest idle connection of their target, still good, and nobody waiting. `None`
    /// decides nothing: [`checkout`](State::checkout) does.
    pub(crate) fn take_newest(&mut self, target: &Target, now: Instant) -> Option<Grant<C>> {
        if !matches!(target.reuse, Reuse::Any) {
            return None;
        }
        let id = self.hosts.find(target)?;
        let max_age = self.limits.max_age;
        let host = self.hosts.get_mut(id)?;
        let newest = host.idle.back()?;
        let young = max_age.is_none_or(|age| now.duration_since(newest.born) < age);
        if host.queue.has_takers() || newest.until <= now || !young || !newest.connection.is_open() {
            return None;
        }
        let newest = host.idle.pop_back()?;
        self.left_idleness(newest.number);
        Some(Grant { host: id, what: What::Whole(newest.connection, newest.born) })
    }

    /// A connection for `target`, a place to make one in, or the advice to wait.
    pub(crate) fn checkout(&mut self, target: &Target, now: Instant, effects: &mut Effects<C, W>) -> Decision<C> {
        let id = self.hosts.find_or_add(target, now);
        let own = target.reuse == Reuse::Never;
        let Some(host) = self.host(id) else { return Decision::Wait(id) };
        host.used = now;
        if host.connecting == 0 && host.queue.is_empty() {
            host.failures = 0;
        }
        if host.queue.has_takers() {
            // Nobody overtakes those who wait already for what this one would take.
            self.serve(id, effects);
        }
        if !own {
            if let Some(what) = self.take_kept(id, target.reuse, now, effects) {
                return Decision::Grant(Grant { host: id, what });
            }
        }
        if !own && self.host(id).is_some_and(|host| host.expects_shares(1)) {
            return Decision::Wait(id);
        }
        if self.make_room(id, effects) {
            self.claim(id, own);
            return Decision::Grant(Grant { host: id, what: What::Room { own } });
        }
        // No other can be had: one that has refused a request may take the next.
        let refusing = self.host(id).filter(|_| !own).and_then(|host| host.refusing());
        match refusing.and_then(|shared| room::share(id, shared)) {
            Some((grant, was_idle)) => {
                self.idle -= usize::from(was_idle);
                Decision::Grant(grant)
            }
            None => Decision::Wait(id),
        }
    }

    /// Queues a waiter.
    pub(crate) fn enqueue(&mut self, id: HostId, waiter: W, wants: Wants, now: Instant) -> u64 {
        self.clock += 1;
        let ticket = self.clock;
        if let Some(host) = self.host(id) {
            host.queue.push(ticket, waiter, wants, now);
        }
        self.note_starving(id);
        ticket
    }

    /// A waiter goes, served or not.
    pub(crate) fn dequeue(&mut self, id: HostId, ticket: u64, effects: &mut Effects<C, W>) {
        if self.host(id).and_then(|host| host.queue.take(ticket)).is_some() {
            // It may have been the one that others waited behind.
            self.serve(id, effects);
        }
    }

    /// Adds a connection that was made in a place granted before, with a handle for its maker if it can be shared. Returns
    /// the maker's part of it.
    pub(crate) fn connected(
        &mut self,
        id: HostId,
        own: bool,
        made: (C, Option<C>),
        now: Instant,
        effects: &mut Effects<C, W>,
    ) -> What<C> {
        let what = self.admit(id, own, made, now);
        self.serve(id, effects);
        what
    }

    /// Adds a connection whose maker has received another one meanwhile.
    pub(crate) fn connected_for_others(
        &mut self,
        id: HostId,
        made: (C, Option<C>),
        now: Instant,
        effects: &mut Effects<C, W>,
    ) {
        // In one step: nobody is to make a connection next to this one.
        match self.admit(id, false, made, now) {
            What::Whole(connection, born) => self.put_back(id, connection, born, now, effects),
            What::Share(handle, share) => self.unshare(id, share, (handle, ShareEnd::Clean), now, effects),
            What::Own(connection) => {
                effects.dead.push(connection);
                self.closed(id, effects);
            }
            What::Room { .. } => {}
        }
        // What it has told of the protocol may set others free.
        self.serve(id, effects);
    }

    fn admit(&mut self, id: HostId, own: bool, (connection, handle): (C, Option<C>), now: Instant) -> What<C> {
        self.made += 1;
        self.clock += 1;
        let number = self.clock;
        let Some(host) = self.host(id) else { return What::Own(connection) };
        host.connecting -= 1;
        host.connecting_own -= usize::from(own);
        host.failures = 0;
        host.protocol = if handle.is_some() { Protocol::Shared } else { Protocol::Exclusive };
        match handle {
            _ if own => What::Own(connection),
            Some(handle) => {
                let mut shared = Shared::new(connection, number, now);
                shared.users = 1;
                host.shared.push(shared);
                host.learn();
                What::Share(handle, number)
            }
            None => What::Whole(connection, now),
        }
    }

    /// Serves waiters after a shared connection of this host changed its limit or was closed.
    pub(crate) fn changed(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        if let Some(host) = self.host(id) {
            host.learn();
            self.close_where(id, effects, |_, open| !open);
            self.serve(id, effects);
        }
    }

    /// A connection granted before has turned out to be dead: its holder makes another in the same place.
    pub(crate) fn reopen(&mut self, id: HostId) {
        if let Some(host) = self.host(id) {
            host.connecting += 1;
        }
    }

    /// No pool is left, or it was closed: what is idle is closed, and nothing is kept any more.
    pub(crate) fn shut(&mut self, effects: &mut Effects<C, W>) {
        self.limits.idle_total = 0;
        self.close_idle(effects);
    }

    /// Frees a place granted before: the attempt failed, or was given up.
    pub(crate) fn not_connected(
        &mut self,
        id: HostId,
        own: bool,
        failed: Option<&Arc<Error>>,
        effects: &mut Effects<C, W>,
    ) {
        if let Some(host) = self.host(id) {
            host.connecting -= 1;
            host.connecting_own -= usize::from(own);
            host.failures += usize::from(failed.is_some());
            // One may have had bad luck. After a second, those who waited for the same would only fail in turn, one limit on
            // connecting after the other.
            let is_gone = host.failures > 1 && host.open == 1 && host.protocol != Protocol::Exclusive;
            if let Some(error) = failed.filter(|_| is_gone) {
                effects.failed.extend(host.queue.take_takers().map(|waiter| (waiter, Arc::clone(error))));
                self.note_starving(id);
            }
        }
        self.closed(id, effects);
    }

    /// A connection granted before is no more.
    pub(crate) fn closed(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        self.open -= 1;
        if let Some(host) = self.host(id) {
            host.open -= 1;
        }
        // With a cap on the total the place is for whoever has waited longest, wherever.
        self.serve_starving(effects);
        self.serve(id, effects);
    }

    /// The figures, with connections that their peers have closed taken out first.
    pub(crate) fn stats(&mut self, effects: &mut Effects<C, W>) -> PoolStats {
        for id in self.hosts.ids() {
            self.close_where(id, effects, |_, open| !open);
        }
        let mut stats = PoolStats { open: self.open, idle: self.idle, made: self.made, ..PoolStats::default() };
        for (_, host) in self.hosts.iter() {
            stats.connecting += host.connecting;
            stats.waiting += host.queue.len();
            stats.hosts += usize::from(!host.is_unused());
        }
        stats
    }

    /// Has one that is about to make a connection wait for others as well; returns one that has become free since it was given
    /// the room, so that none is made next to it.
    pub(crate) fn stand_by(
        &mut self,
        id: HostId,
        waiter: W,
        reuse: Reuse,
        now: Instant,
        effects: &mut Effects<C, W>,
    ) -> Result<Grant<C>, u64> {
        match self.take_kept(id, reuse, now, effects) {
            Some(what) => Ok(Grant { host: id, what }),
            None => Err(self.enqueue(id, waiter, Wants::Connection(reuse), now)),
        }
    }

    /// The newest idle connection that is good for this, or a share of one in use.
    fn take_kept(&mut self, id: HostId, reuse: Reuse, now: Instant, effects: &mut Effects<C, W>) -> Option<What<C>> {
        let after = after(reuse);
        let mut at = self.host(id)?.idle.len();
        while at > 0 {
            at -= 1;
            let max_age = self.limits.max_age;
            let host = self.host(id)?;
            let Some(kept) = host.idle.get(at) else { continue };
            let young = max_age.is_none_or(|age| now.duration_since(kept.born) < age);
            let good = young && kept.until > now && kept.connection.is_open();
            if good && !will_do(after, kept.connection.id()) {
                continue;
            }
            let Some(kept) = host.idle.remove(at) else { continue };
            self.left_idleness(kept.number);
            if good {
                return Some(What::Whole(kept.connection, kept.born));
            }
            effects.dead.push(kept.connection);
            self.closed(id, effects);
        }
        if self.host(id)?.shared.is_empty() {
            return None;
        }
        if let Some(age) = self.limits.max_age {
            let old = |shared: &&mut Shared<C>| now.duration_since(shared.born) >= age;
            self.host(id)?.shared.iter_mut().filter(old).for_each(|shared| shared.retire(now));
        }
        self.close_where(id, effects, |until, open| until <= now || !open);
        let (grant, was_idle) = room::share(id, self.host(id)?.shareable(after)?)?;
        self.idle -= usize::from(was_idle);
        Some(grant.what)
    }

    fn is_too_old(&self, born: Instant, now: Instant) -> bool {
        self.limits.max_age.is_some_and(|age| now.duration_since(born) >= age)
    }

    fn host(&mut self, id: HostId) -> Option<&mut Host<C, W>> {
        self.hosts.get_mut(id)
    }
}
