//! Connections that wait for their next request: counted, expired, evicted.

use std::time::Duration;

use tokio::time::Instant;
use treq_core::Connection;

use crate::host::Host;
use crate::hosts::HostId;
use crate::state::{Effects, State};

/// The least time between two sweeps, each of which looks at every host.
const MIN_PAUSE: Duration = Duration::from_millis(100);

impl<C: Connection, W> State<C, W> {
    /// Closes what has been idle too long, forgets hosts long unused, and says when to look again. A checkout looks for
    /// itself, so this may come late.
    pub(crate) fn sweep(&mut self, now: Instant, effects: &mut Effects<C, W>) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for id in self.hosts.ids() {
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
                Some(until) if unused && until <= now => self.hosts.forget(id),
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
        for id in self.hosts.ids() {
            self.close_where(id, effects, |_, _| true);
        }
    }

    pub(super) fn count_idle(&mut self, id: HostId) -> u64 {
        self.clock += 1;
        self.idle += 1;
        self.oldest.push_back((self.clock, id));
        // Entries of connections that went on are left behind; drop them before they outnumber the rest.
        if self.oldest.len() > 2 * self.idle + 64 {
            let hosts = &self.hosts;
            self.oldest.retain(|&(number, id)| hosts.get(id).is_some_and(|host| is_idle(host, number)));
        }
        self.clock
    }

    pub(super) fn left_idleness(&mut self, number: u64) {
        self.idle -= 1;
        // The newest is taken first, so most entries leave where they came in.
        if self.oldest.back().is_some_and(|&(last, _)| last == number) {
            self.oldest.pop_back();
        }
    }

    pub(super) fn expires(&mut self, until: Instant, effects: &mut Effects<C, W>) {
        if self.due.is_none_or(|due| until < due) {
            self.due = Some(until);
            effects.wake = true;
        }
    }

    /// Closes what is idle beyond the limits of the host and of all, the longest idle first.
    pub(super) fn keep_within_limits(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        let per_host = self.limits.idle_per_host;
        let over = |host: &mut Host<C, W>| if host.idle_count() > per_host { host.take_oldest() } else { None };
        while let Some(connection) = self.hosts.get_mut(id).and_then(over) {
            self.idle -= 1;
            effects.dead.push(connection);
            self.closed(id, effects);
        }
        while self.idle > self.limits.idle_total {
            let Some((id, connection)) = self.evict_oldest() else { return };
            effects.dead.push(connection);
            self.closed(id, effects);
        }
    }

    /// Takes out the connection that has been idle the longest; its place is still counted as open.
    pub(super) fn evict_oldest(&mut self) -> Option<(HostId, C)> {
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
    pub(super) fn close_where(
        &mut self,
        id: HostId,
        effects: &mut Effects<C, W>,
        ends: impl Fn(Instant, bool) -> bool,
    ) {
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
}

fn is_idle<C, W>(host: &Host<C, W>, number: u64) -> bool {
    host.idle.iter().any(|idle| idle.number == number)
        || host.shared.iter().any(|shared| shared.idle.is_some_and(|(_, idle)| idle == number))
}
