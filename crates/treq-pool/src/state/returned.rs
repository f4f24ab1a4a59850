//! Connections that come back from an exchange: to the next that waits, to idleness, or to their end.

use tokio::time::Instant;
use treq_core::Connection;

use crate::host::{Idle, ShareEnd, ShareId};
use crate::hosts::HostId;
use crate::state::{Effects, Grant, State, What};

impl<C: Connection, W> State<C, W> {
    /// Takes back a connection that its exchange has left clean.
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
        // perf: 150 instructions of each request, to nearly all of which nobody waits.
        let is_contested = !self.starving.is_empty() || self.hosts.get(id).is_some_and(|host| !host.queue.is_empty());
        let connection = match is_contested {
            true => match self.pass_on(id, connection, born, now, effects) {
                Some(connection) => connection,
                None => return,
            },
            false => connection,
        };
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

    /// Gives a connection to a waiter that it suits, or its place to one that needs a place first; returns it if nobody
    /// waits for either.
    #[cold]
    fn pass_on(
        &mut self,
        id: HostId,
        connection: C,
        born: Instant,
        now: Instant,
        effects: &mut Effects<C, W>,
    ) -> Option<C> {
        let number = connection.id();
        let host = self.host(id)?;
        let (first, in_need) = (host.queue.first_for(number), host.queue.first_not_for(number));
        // One that cannot use it and has waited longer gets the place instead. Between hosts reuse goes first, within limits.
        let is_behind = in_need.is_some_and(|ticket| first.is_none_or(|first| ticket < first));
        let elsewhere = if first.is_some() { self.has_starved(id, now) } else { !self.starving.is_empty() };
        if is_behind || elsewhere {
            effects.dead.push(connection);
            self.closed(id, effects);
            return None;
        }
        let Some(waiter) = first.and_then(|first| self.host(id)?.queue.take(first)) else { return Some(connection) };
        effects.grants.push((waiter, Grant { host: id, what: What::Whole(connection, born) }));
        self.note_starving(id);
        None
    }

    /// Takes back a share of a connection.
    pub(crate) fn unshare(
        &mut self,
        id: HostId,
        share: ShareId,
        (handle, end): (C, ShareEnd),
        now: Instant,
        effects: &mut Effects<C, W>,
    ) {
        let (starving, starved) = (!self.starving.is_empty(), self.has_starved(id, now));
        let (max_age, keep, keeps) = (self.limits.max_age, self.limits.idle_time, self.limits.keeps());
        let yields = starved && self.yielding.is_none();
        let Some(host) = self.hosts.get_mut(id) else { return };
        host.used = now;
        let Some(at) = host.shared.iter().position(|shared| shared.number == share) else { return };
        let shared = &mut host.shared[at];
        effects.dead.extend(shared.give_back(handle, end));
        shared.retired |= max_age.is_some_and(|age| now.duration_since(shared.born) >= age);
        if shared.users > 0 {
            if yields && !shared.retired {
                shared.retired = true;
                self.yielding = Some((id, share));
            }
            return self.serve(id, effects);
        }
        let gone = shared.retired || !shared.connection.is_open();
        let waited_for = !shared.refusing && host.queue.first_for(shared.connection.id()).is_some();
        if gone || starved || (!waited_for && (starving || !keeps)) {
            self.yielding.take_if(|yielding| *yielding == (id, share));
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
}
