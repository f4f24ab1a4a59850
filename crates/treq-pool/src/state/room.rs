//! Who gets a connection, or a place to make one in.

use treq_core::Connection;

use crate::hosts::HostId;
use crate::state::{Effects, Grant, State, What};

impl<C: Connection, W> State<C, W> {
    /// Gives waiters of a host what there is for them, first come first served.
    pub(super) fn serve(&mut self, id: HostId, effects: &mut Effects<C, W>) {
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
    pub(super) fn serve_starving(&mut self, effects: &mut Effects<C, W>) {
        while self.limits.total.is_some_and(|total| self.open < total) {
            let Some((ticket, id)) = self.first_starving() else { return };
            let Some(waiter) = self.hosts.get_mut(id).and_then(|host| host.take_waiter(ticket)) else { return };
            self.claim(id);
            effects.grants.push((waiter, Grant { host: id, what: What::Room }));
        }
    }

    /// Who has waited longest for the total alone.
    pub(super) fn first_starving(&self) -> Option<(u64, HostId)> {
        self.limits.total.and_then(|_| self.starving().min())
    }

    /// Hosts whose first waiter could make a connection if only the total allowed it.
    fn starving(&self) -> impl Iterator<Item = (u64, HostId)> + '_ {
        let per_host = self.limits.per_host;
        self.hosts.iter().filter_map(move |(id, host)| {
            let ticket = host.next_for_room()?;
            let room = per_host.is_none_or(|limit| host.open < limit) && !host.expects_shared();
            room.then_some((ticket, id))
        })
    }

    /// Whether the host may have one more connection; closes another's idle one where the total is used up.
    pub(super) fn make_room(&mut self, id: HostId, effects: &mut Effects<C, W>) -> bool {
        let host_open = self.host(id).map_or(0, |host| host.open);
        if self.limits.per_host.is_some_and(|limit| host_open >= limit) {
            // One of its own that is idle makes room for one that has to be fresh.
            let Some(connection) = self.hosts.get_mut(id).and_then(|host| host.take_oldest()) else { return false };
            effects.dead.push(connection);
            self.idle -= 1;
            self.open -= 1;
            if let Some(host) = self.hosts.get_mut(id) {
                host.open -= 1;
            }
            return true;
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

    pub(super) fn claim(&mut self, id: HostId) {
        self.open += 1;
        if let Some(host) = self.host(id) {
            host.open += 1;
            host.connecting += 1;
        }
    }
}
