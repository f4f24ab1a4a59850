//! The pool's decisions, without IO and without a clock: what is asked of it comes in with the time, what is to be done
//! comes out.

mod idle;
mod room;

use std::collections::VecDeque;

use tokio::time::Instant;
use treq_core::{Connection, Target};

use crate::host::{Host, Idle, Protocol, ShareId, Shared, Wants};
use crate::hosts::{HostId, Hosts};
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
    /// When [`sweep`](State::sweep) is due; `None` where nothing expires.
    due: Option<Instant>,
}

/// The answer to who asks for a connection.
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
    /// A place to make a connection in.
    Room,
    /// A connection for one exchange at a time, and since when it exists.
    Whole(C, Instant),
    /// A handle on a connection that others use too.
    Share(C, ShareId),
}

/// What follows from a change: to be carried out once the lock is released.
pub(crate) struct Effects<C, W> {
    pub(crate) grants: Vec<(W, Grant<C>)>,
    pub(crate) dead: Vec<C>,
    /// Something expires earlier than the next look at it was planned.
    pub(crate) wake: bool,
}

impl<C, W> Default for Effects<C, W> {
    fn default() -> Self {
        Effects { grants: Vec::new(), dead: Vec::new(), wake: false }
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
            due: None,
        }
    }

    /// What most requests find: the newest idle connection of their target, still good, and nobody waiting. `None`
    /// decides nothing: [`checkout`](State::checkout) does.
    pub(crate) fn take_newest(&mut self, target: &Target, now: Instant) -> Option<Grant<C>> {
        if target.fresh {
            return None;
        }
        let id = self.hosts.find(target)?;
        let max_age = self.limits.max_age;
        let host = self.hosts.get_mut(id)?;
        let newest = host.idle.back()?;
        let young = max_age.is_none_or(|age| now.duration_since(newest.born) < age);
        if host.waiting() > 0 || newest.until <= now || !young || !newest.connection.is_open() {
            return None;
        }
        let newest = host.idle.pop_back()?;
        self.left_idleness(newest.number);
        Some(Grant { host: id, what: What::Whole(newest.connection, newest.born) })
    }

    /// A connection for `target`, a place to make one in, or the advice to wait.
    pub(crate) fn checkout(&mut self, target: &Target, now: Instant, effects: &mut Effects<C, W>) -> Decision<C> {
        let id = self.hosts.find_or_add(target, now);
        let Some(host) = self.host(id) else { return Decision::Wait(id) };
        host.used = now;
        if host.connecting == 0 && host.waiting() == 0 {
            host.side_by_side = false;
        }
        // Nobody overtakes those who wait already.
        let queue = host.next_for_room().is_some();
        let kept = if queue || target.fresh { None } else { self.take_kept(id, now, effects) };
        if let Some(what) = kept {
            return Decision::Grant(Grant { host: id, what });
        }
        let expects_shared = self.host(id).is_some_and(|host| host.expects_shared());
        if queue || expects_shared || !self.make_room(id, effects) {
            return Decision::Wait(id);
        }
        self.claim(id);
        Decision::Grant(Grant { host: id, what: What::Room })
    }

    /// Queues a waiter.
    pub(crate) fn enqueue(&mut self, id: HostId, waiter: W, wants: Wants) -> u64 {
        self.clock += 1;
        let ticket = self.clock;
        if let Some(host) = self.host(id) {
            host.enqueue(ticket, waiter, wants);
        }
        ticket
    }

    /// A waiter goes, served or not.
    pub(crate) fn dequeue(&mut self, id: HostId, ticket: u64, effects: &mut Effects<C, W>) {
        if self.host(id).is_some_and(|host| host.dequeue(ticket)) {
            // It may have been the one that others stood behind.
            self.serve(id, effects);
        }
    }

    /// A connection was made in a place granted before. Returns what its maker uses of it.
    pub(crate) fn connected(
        &mut self,
        id: HostId,
        connection: C,
        now: Instant,
        effects: &mut Effects<C, W>,
    ) -> What<C> {
        self.made += 1;
        self.clock += 1;
        let number = self.clock;
        let Some(host) = self.host(id) else { return What::Whole(connection, now) };
        host.connecting -= 1;
        let what = match connection.share() {
            Some(handle) => {
                host.protocol = Protocol::Shared;
                let mut shared = Shared::new(connection, number, now);
                shared.users = 1;
                host.shared.push(shared);
                What::Share(handle, number)
            }
            None => {
                host.protocol = Protocol::Exclusive;
                What::Whole(connection, now)
            }
        };
        self.serve(id, effects);
        what
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

    /// A place granted before goes unused: the attempt `failed`, or was given up.
    pub(crate) fn not_connected(&mut self, id: HostId, failed: bool, effects: &mut Effects<C, W>) {
        if let Some(host) = self.host(id) {
            host.connecting -= 1;
            // Those who waited for it to tell the protocol would each fail in turn.
            host.side_by_side |= failed && host.protocol == Protocol::Unknown;
        }
        self.closed(id, effects);
    }

    /// An exchange is over and has left its connection clean.
    pub(crate) fn put_back(
        &mut self,
        id: HostId,
        connection: C,
        born: Instant,
        now: Instant,
        effects: &mut Effects<C, W>,
    ) {
        if self.is_too_old(born, now) || !connection.is_open() {
            effects.dead.push(connection);
            return self.closed(id, effects);
        }
        let capped = self.limits.total.is_some();
        let first = self.host(id).and_then(|host| host.first());
        // One who wants it fresh, or has waited longer elsewhere for the total, gets the place instead.
        let fresh_first = matches!(first, Some((_, Wants::Room)));
        let elsewhere =
            capped && self.first_starving().is_some_and(|(ticket, _)| first.is_none_or(|(own, _)| ticket < own));
        if fresh_first || elsewhere {
            effects.dead.push(connection);
            return self.closed(id, effects);
        }
        let waiter = if first.is_some() { self.host(id).and_then(Host::next_for_connection) } else { None };
        if let Some(waiter) = waiter {
            effects.grants.push((waiter, Grant { host: id, what: What::Whole(connection, born) }));
            return;
        }
        let keep = self.limits.idle_for(connection.idle_hint());
        if keep.is_zero() || !self.limits.keeps() {
            effects.dead.push(connection);
            return self.closed(id, effects);
        }
        let number = self.count_idle(id);
        let per_host = self.limits.idle_per_host;
        let Some(host) = self.host(id) else { return };
        let until = now + keep;
        host.used = now;
        host.idle.push_back(Idle { connection, born, until, number });
        let crowded = host.idle.len() + host.shared.len() > per_host;
        self.expires(until, effects);
        if crowded || self.idle > self.limits.idle_total {
            self.keep_within_limits(id, effects);
        }
    }

    /// A handle on a shared connection is given back, unless it was used up.
    pub(crate) fn unshare(
        &mut self,
        id: HostId,
        share: ShareId,
        handle: Option<C>,
        now: Instant,
        effects: &mut Effects<C, W>,
    ) {
        let starve = self.first_starving().is_some();
        let (max_age, keep, keeps) = (self.limits.max_age, self.limits.idle_time, self.limits.keeps());
        let Some(host) = self.host(id) else { return };
        host.used = now;
        let Some(at) = host.shared.iter().position(|shared| shared.number == share) else { return };
        let shared = &mut host.shared[at];
        shared.give_back(handle);
        shared.retired |= max_age.is_some_and(|age| now.duration_since(shared.born) >= age);
        let gone = !shared.connection.is_open() || shared.retired;
        if shared.users > 0 {
            return self.serve(id, effects);
        }
        if gone || (host.waiting() == 0 && (starve || !keeps)) {
            effects.dead.push(host.shared.swap_remove(at).connection);
            return self.closed(id, effects);
        }
        let number = self.count_idle(id);
        if let Some(shared) = self.host(id).and_then(|host| host.shared.get_mut(at)) {
            shared.idle = Some((now + keep, number));
        }
        self.expires(now + keep, effects);
        self.serve(id, effects);
        self.keep_within_limits(id, effects);
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
            stats.waiting += host.waiting();
            stats.hosts += usize::from(!host.is_unused());
        }
        stats
    }

    /// The newest idle connection that is still good, or a share of one in use.
    fn take_kept(&mut self, id: HostId, now: Instant, effects: &mut Effects<C, W>) -> Option<What<C>> {
        while let Some(kept) = self.host(id)?.idle.pop_back() {
            self.left_idleness(kept.number);
            if kept.until > now && kept.connection.is_open() && !self.is_too_old(kept.born, now) {
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
        let shared = self.host(id)?.shareable()?;
        let was_idle = shared.idle.take().is_some();
        let what = shared.take().map(|handle| What::Share(handle, shared.number));
        self.idle -= usize::from(was_idle);
        what
    }

    fn is_too_old(&self, born: Instant, now: Instant) -> bool {
        self.limits.max_age.is_some_and(|age| now.duration_since(born) >= age)
    }

    fn host(&mut self, id: HostId) -> Option<&mut Host<C, W>> {
        self.hosts.get_mut(id)
    }
}
