//! The pool's decisions, without IO and without a clock: what is asked of it comes in with the time, what is to be done
//! comes out.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};
use tokio::time::Instant;
use treq_core::{Connection, Target};

use crate::host::{Host, Idle, Protocol, ShareId, Shared};
use crate::{Limits, PoolStats};

/// All connections of a pool. `C` is a connection, `W` is how a waiter is reached.
pub(crate) struct State<C, W> {
    limits: Limits,
    index: HashTable<HostId>,
    hasher: DefaultHashBuilder,
    hosts: Vec<Option<Host<C, W>>>,
    free: Vec<HostId>,
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

/// Names a host while a connection or a waiter of it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(u32);

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

/// The least time between two sweeps, each of which looks at every host.
const MIN_PAUSE: Duration = Duration::from_millis(100);

impl<C: Connection, W> State<C, W> {
    pub(crate) fn new(limits: Limits) -> State<C, W> {
        State {
            limits,
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            hosts: Vec::new(),
            free: Vec::new(),
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
        let key = target.key();
        let hash = self.hasher.hash_one(key);
        let hosts = &self.hosts;
        let same = |id: &HostId| hosts[id.0 as usize].as_ref().is_some_and(|host| host.target.key() == key);
        let id = *self.index.find(hash, same)?;
        let max_age = self.limits.max_age;
        let host = self.hosts[id.0 as usize].as_mut()?;
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
        let id = self.find_or_add(target, now);
        let Some(host) = self.host(id) else { return Decision::Wait(id) };
        host.used = now;
        // Nobody overtakes those who wait already.
        let queue = host.next_for_room().is_some();
        if !queue
            && !target.fresh
            && let Some(what) = self.take_kept(id, now, effects)
        {
            return Decision::Grant(Grant { host: id, what });
        }
        let expects_shared = self.host(id).is_some_and(|host| host.expects_shared());
        if queue || expects_shared || !self.make_room(id, effects) {
            return Decision::Wait(id);
        }
        self.claim(id);
        Decision::Grant(Grant { host: id, what: What::Room })
    }

    /// Queues a waiter. One that is `connecting` makes a connection meanwhile and takes whichever comes first.
    pub(crate) fn enqueue(&mut self, id: HostId, waiter: W, connecting: bool) -> u64 {
        self.clock += 1;
        let ticket = self.clock;
        if let Some(host) = self.host(id) {
            host.enqueue(ticket, waiter, connecting);
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

    /// A place granted before goes unused: the attempt `failed`, or was given up.
    pub(crate) fn not_connected(&mut self, id: HostId, failed: bool, effects: &mut Effects<C, W>) {
        if let Some(host) = self.host(id) {
            host.connecting -= 1;
            if failed && host.protocol == Protocol::Unknown {
                // Those who waited for it to tell the protocol would each fail in turn: let them try side by side.
                host.protocol = Protocol::Exclusive;
            }
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
        if let Some(waiter) = self.host(id).and_then(Host::next_for_connection) {
            effects.grants.push((waiter, Grant { host: id, what: What::Whole(connection, born) }));
            return;
        }
        let keep = self.limits.idle_for(connection.idle_hint());
        if keep.is_zero() || !self.limits.keeps() || self.others_starve() {
            effects.dead.push(connection);
            return self.closed(id, effects);
        }
        let number = self.count_idle(id);
        let per_host = self.limits.idle_per_host;
        let Some(host) = self.host(id) else { return };
        host.used = now;
        host.idle.push_back(Idle { connection, born, until: now + keep, number });
        let over = host.idle.len() > per_host;
        self.expires(now + keep, effects);
        if over && let Some(oldest) = self.host(id).and_then(|host| host.idle.pop_front()) {
            self.idle -= 1;
            effects.dead.push(oldest.connection);
            self.closed(id, effects);
        }
        self.keep_within_total(effects);
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
        let starve = self.others_starve();
        let (max_age, keep, keeps) = (self.limits.max_age, self.limits.idle_time, self.limits.keeps());
        let Some(host) = self.host(id) else { return };
        host.used = now;
        let Some(at) = host.shared.iter().position(|shared| shared.number == share) else { return };
        let shared = &mut host.shared[at];
        shared.give_back(handle);
        let too_old = max_age.is_some_and(|age| now.duration_since(shared.born) >= age);
        let ends = !shared.connection.is_open() || too_old || starve || !keeps;
        if shared.users > 0 {
            return self.serve(id, effects);
        }
        if ends && host.waiting() == 0 || !host.shared[at].connection.is_open() {
            effects.dead.push(host.shared.swap_remove(at).connection);
            return self.closed(id, effects);
        }
        let number = self.count_idle(id);
        if let Some(shared) = self.host(id).and_then(|host| host.shared.get_mut(at)) {
            shared.idle = Some((now + keep, number));
        }
        self.expires(now + keep, effects);
        self.serve(id, effects);
        self.keep_within_total(effects);
    }

    /// A connection granted before is no more.
    pub(crate) fn closed(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        self.open -= 1;
        if let Some(host) = self.host(id) {
            host.open -= 1;
        }
        self.serve(id, effects);
        self.serve_others(effects);
    }

    /// Closes what has been idle too long, forgets hosts long unused, and says when to look again. A checkout looks for
    /// itself, so this may come late.
    pub(crate) fn sweep(&mut self, now: Instant, effects: &mut Effects<C, W>) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for id in self.ids() {
            self.close_where(id, effects, |until, open| until <= now || !open);
            let forget_at = self.limits.idle_time;
            let Some(host) = self.host(id) else { continue };
            let unused = host.is_unused();
            let until = host
                .idle
                .iter()
                .map(|idle| idle.until)
                .chain(host.shared.iter().filter_map(|s| s.idle.map(|(until, _)| until)));
            let until = if unused { Some(host.used + forget_at) } else { until.min() };
            match until {
                Some(until) if unused && until <= now => self.forget(id),
                Some(until) => next = Some(next.map_or(until, |next| next.min(until))),
                None => {}
            }
        }
        // What is in use now may be idle soon; a look planned for then spares a wake-up at each return.
        let soon = (self.open > 0).then(|| now + self.limits.idle_time);
        let next = next.into_iter().chain(soon).min();
        self.due = next.map(|next| next.max(now + MIN_PAUSE));
        self.due
    }

    /// Closes every idle connection.
    pub(crate) fn close_idle(&mut self, effects: &mut Effects<C, W>) {
        for id in self.ids() {
            self.close_where(id, effects, |_, _| true);
        }
    }

    /// The figures, with connections that their peers have closed taken out first.
    pub(crate) fn stats(&mut self, effects: &mut Effects<C, W>) -> PoolStats {
        for id in self.ids() {
            self.close_where(id, effects, |_, open| !open);
        }
        let mut stats = PoolStats { open: self.open, idle: self.idle, made: self.made, ..PoolStats::default() };
        for host in self.hosts.iter().flatten() {
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
        let max_age = self.limits.max_age;
        self.close_where(id, effects, |until, open| until <= now || !open);
        let host = self.host(id)?;
        // One that is too old gets no new users and goes with its last.
        let is_young = |shared: &Shared<C>| !max_age.is_some_and(|age| now.duration_since(shared.born) >= age);
        let shared = host.shareable().filter(|shared| is_young(shared))?;
        let was_idle = shared.idle.take().is_some();
        let what = shared.take().map(|handle| What::Share(handle, shared.number));
        self.idle -= usize::from(was_idle);
        what
    }

    /// Gives waiters of a host what there is for them, first come first served.
    fn serve(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        loop {
            let Some(host) = self.host(id) else { return };
            if host.waiting() == 0 {
                return;
            }
            if let Some(shared) = host.shareable() {
                let was_idle = shared.idle.take().is_some();
                let Some(handle) = shared.take() else { return };
                let what = What::Share(handle, shared.number);
                if let Some(waiter) = host.next_for_connection() {
                    effects.grants.push((waiter, Grant { host: id, what }));
                }
                self.idle -= usize::from(was_idle);
                continue;
            }
            let Some(ticket) = host.next_for_room() else { return };
            if host.expects_shared() || !self.make_room(id, effects) {
                return;
            }
            let Some(waiter) = self.host(id).and_then(|host| host.take_waiter(ticket)) else { return };
            self.claim(id);
            effects.grants.push((waiter, Grant { host: id, what: What::Room }));
        }
    }

    /// With a cap on the total, a place that one host leaves may be what another waits for: the longest wait first.
    fn serve_others(&mut self, effects: &mut Effects<C, W>) {
        while self.others_starve() && self.limits.total.is_some_and(|total| self.open < total) {
            let first = self.starving().min();
            let Some((_, id)) = first else { return };
            let before = self.open;
            self.serve(id, effects);
            if self.open == before {
                return;
            }
        }
    }

    fn others_starve(&self) -> bool {
        self.limits.total.is_some() && self.starving().next().is_some()
    }

    /// Hosts whose first waiter could make a connection if only the total allowed it.
    fn starving(&self) -> impl Iterator<Item = (u64, HostId)> + '_ {
        let per_host = self.limits.per_host;
        self.hosts.iter().enumerate().filter_map(move |(at, host)| {
            let host = host.as_ref()?;
            let ticket = host.next_for_room()?;
            let room = per_host.is_none_or(|limit| host.open < limit) && !host.expects_shared();
            room.then_some((ticket, HostId(at as u32)))
        })
    }

    /// Whether the host may have one more connection; closes another's idle one where the total is used up.
    fn make_room(&mut self, id: HostId, effects: &mut Effects<C, W>) -> bool {
        let host_open = self.host(id).map_or(0, |host| host.open);
        if self.limits.per_host.is_some_and(|limit| host_open >= limit) {
            return false;
        }
        match self.limits.total {
            Some(limit) if self.open >= limit => match self.evict_oldest() {
                Some((from, connection)) => {
                    effects.dead.push(connection);
                    self.open -= 1;
                    if let Some(host) = self.host(from) {
                        host.open -= 1;
                    }
                    true
                }
                None => false,
            },
            _ => true,
        }
    }

    fn claim(&mut self, id: HostId) {
        self.open += 1;
        if let Some(host) = self.host(id) {
            host.open += 1;
            host.connecting += 1;
        }
    }

    fn count_idle(&mut self, id: HostId) -> u64 {
        self.clock += 1;
        self.idle += 1;
        self.oldest.push_back((self.clock, id));
        // Entries of connections that went on are left behind; drop them before they outnumber the rest.
        if self.oldest.len() > 2 * self.idle + 64 {
            let hosts = &self.hosts;
            self.oldest.retain(|&(number, id)| hosts[id.0 as usize].as_ref().is_some_and(|host| is_idle(host, number)));
        }
        self.clock
    }

    fn left_idleness(&mut self, number: u64) {
        self.idle -= 1;
        // The newest is taken first, so most entries leave where they came in.
        if self.oldest.back().is_some_and(|&(last, _)| last == number) {
            self.oldest.pop_back();
        }
    }

    fn expires(&mut self, until: Instant, effects: &mut Effects<C, W>) {
        if self.due.is_none_or(|due| until < due) {
            self.due = Some(until);
            effects.wake = true;
        }
    }

    fn keep_within_total(&mut self, effects: &mut Effects<C, W>) {
        while self.idle > self.limits.idle_total {
            let Some((id, connection)) = self.evict_oldest() else { return };
            effects.dead.push(connection);
            self.closed(id, effects);
        }
    }

    /// Takes out the connection that has been idle the longest; its place is still counted as open.
    fn evict_oldest(&mut self) -> Option<(HostId, C)> {
        while let Some((number, id)) = self.oldest.pop_front() {
            let Some(host) = self.host(id) else { continue };
            let taken = if let Some(at) = host.idle.iter().position(|idle| idle.number == number) {
                host.idle.remove(at).map(|idle| idle.connection)
            } else {
                let at = host.shared.iter().position(|shared| shared.idle.is_some_and(|(_, idle)| idle == number));
                at.map(|at| host.shared.swap_remove(at).connection)
            };
            if let Some(connection) = taken {
                self.idle -= 1;
                return Some((id, connection));
            }
        }
        None
    }

    /// Closes the idle connections of a host of which `ends` says so, given until when each is kept and whether it is
    /// open.
    fn close_where(&mut self, id: HostId, effects: &mut Effects<C, W>, ends: impl Fn(Instant, bool) -> bool) {
        let Some(host) = self.host(id) else { return };
        let before = effects.dead.len();
        let mut at = 0;
        while let Some(idle) = host.idle.get(at) {
            if ends(idle.until, idle.connection.is_open()) {
                effects.dead.extend(host.idle.remove(at).map(|idle| idle.connection));
            } else {
                at += 1;
            }
        }
        at = 0;
        while let Some(shared) = host.shared.get(at) {
            if shared.idle.is_some_and(|(until, _)| ends(until, shared.connection.is_open())) {
                effects.dead.push(host.shared.swap_remove(at).connection);
            } else {
                at += 1;
            }
        }
        for _ in before..effects.dead.len() {
            self.idle -= 1;
            self.closed(id, effects);
        }
    }

    fn is_too_old(&self, born: Instant, now: Instant) -> bool {
        self.limits.max_age.is_some_and(|age| now.duration_since(born) >= age)
    }

    fn ids(&self) -> impl Iterator<Item = HostId> + use<C, W> {
        (0..self.hosts.len() as u32).map(HostId)
    }

    fn host(&mut self, id: HostId) -> Option<&mut Host<C, W>> {
        self.hosts.get_mut(id.0 as usize)?.as_mut()
    }

    fn find_or_add(&mut self, target: &Target, now: Instant) -> HostId {
        let key = target.key();
        let hash = self.hasher.hash_one(key);
        let hosts = &self.hosts;
        let same = |id: &HostId| hosts[id.0 as usize].as_ref().is_some_and(|host| host.target.key() == key);
        if let Some(&id) = self.index.find(hash, same) {
            return id;
        }
        let mut kept = target.clone();
        kept.fresh = false;
        let host = Some(Host::new(kept, hash, now));
        let id = match self.free.pop() {
            Some(id) => {
                self.hosts[id.0 as usize] = host;
                id
            }
            None => {
                self.hosts.push(host);
                HostId((self.hosts.len() - 1) as u32)
            }
        };
        let hosts = &self.hosts;
        self.index.insert_unique(hash, id, |id| hosts[id.0 as usize].as_ref().map_or(0, |host| host.hash));
        id
    }

    fn forget(&mut self, id: HostId) {
        let Some(host) = self.hosts[id.0 as usize].take() else { return };
        if let Ok(entry) = self.index.find_entry(host.hash, |&other| other == id) {
            entry.remove();
        }
        self.free.push(id);
    }
}

fn is_idle<C, W>(host: &Host<C, W>, number: u64) -> bool {
    host.idle.iter().any(|idle| idle.number == number)
        || host.shared.iter().any(|shared| shared.idle.is_some_and(|(_, idle)| idle == number))
}
