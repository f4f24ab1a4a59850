//! Who gets a connection, or a place to make one in.

use tokio::time::Instant;
use treq_core::Connection;

use crate::host::Shared;
use crate::hosts::HostId;
use crate::layer::PATIENCE;
use crate::state::{Effects, Grant, State, What};

impl<C: Connection, W> State<C, W> {
    /// Gives waiters of a host what there is for them, first come first served.
    pub(super) fn serve(&mut self, id: HostId, effects: &mut Effects<C, W>) {
        while self.serve_one(id, effects) {}
        self.note_starving(id);
    }

    /// Serves one waiter; returns false if there is none to serve. Each call takes one out of the queue, so the calls end.
    fn serve_one(&mut self, id: HostId, effects: &mut Effects<C, W>) -> bool {
        let Some(host) = self.hosts.get_mut(id).filter(|host| !host.queue.is_empty()) else { return false };
        // A request that wants a connection of its own takes no share, and is in no other's way.
        let queue = &host.queue;
        let good = host.shared.iter_mut().filter(|shared| !shared.refusing && shared.admits());
        let found = good.into_iter().find_map(|shared| Some((queue.first_for(shared.connection.id())?, shared)));
        if let Some((ticket, shared)) = found {
            let grant = self::share(id, shared);
            return self.hand_over(id, ticket, grant, effects);
        }
        let expects_shares = host.expects_shares(0);
        if let Some((ticket, _)) = host.queue.first_for_place(expects_shares) {
            if self.make_room(id, effects) {
                let own = self.host(id).is_some_and(|host| host.queue.is_owner(ticket));
                self.claim(id, own);
                return self.hand_over(
                    id,
                    ticket,
                    Some((Grant { host: id, what: What::Room { own } }, false)),
                    effects,
                );
            }
        }
        let Some(host) = self.host(id).filter(|_| !expects_shares) else { return false };
        // No other can be had: one that has refused a request may take the next.
        let Some(ticket) = host.queue.first_taker() else { return false };
        let grant = host.refusing().and_then(|shared| self::share(id, shared));
        self.hand_over(id, ticket, grant, effects)
    }

    /// Gives the waiter its grant; the flag is true for a connection that was idle.
    fn hand_over(
        &mut self,
        id: HostId,
        ticket: u64,
        grant: Option<(Grant<C>, bool)>,
        effects: &mut Effects<C, W>,
    ) -> bool {
        let Some((grant, was_idle)) = grant else { return false };
        self.idle -= usize::from(was_idle);
        effects.grants.extend(self.host(id).and_then(|host| host.queue.take(ticket)).map(|waiter| (waiter, grant)));
        true
    }

    /// With a cap on the total, a place that one host leaves may be what another waits for: the longest wait first.
    pub(super) fn serve_starving(&mut self, effects: &mut Effects<C, W>) {
        while self.limits.total.is_some_and(|total| self.open < total) {
            let Some((ticket, (id, _))) = self.starving.pop_first() else { return };
            let Some(host) = self.host(id) else { continue };
            host.starving = None;
            let own = host.queue.is_owner(ticket);
            if let Some(waiter) = host.queue.take(ticket) {
                self.claim(id, own);
                effects.grants.push((waiter, Grant { host: id, what: What::Room { own } }));
            }
            self.note_starving(id);
        }
    }

    /// Returns true if another host has waited so long under the limit on the total that this one must make room for it.
    pub(super) fn has_starved(&self, id: HostId, now: Instant) -> bool {
        let first = self.starving.first_key_value();
        first.is_some_and(|(_, &(other, since))| other != id && now.duration_since(since) >= PATIENCE)
    }

    /// Notes the waiter of a host that only the limit on the total keeps from connecting.
    pub(super) fn note_starving(&mut self, id: HostId) {
        if self.limits.total.is_none() {
            return;
        }
        let per_host = self.limits.per_host;
        let Some(host) = self.hosts.get_mut(id) else { return };
        let may_connect = per_host.is_none_or(|limit| host.open < limit);
        let first = if may_connect { host.queue.first_for_place(host.expects_shares(0)) } else { None };
        let ticket = first.map(|(ticket, _)| ticket);
        if ticket != host.starving {
            if let Some(before) = std::mem::replace(&mut host.starving, ticket) {
                self.starving.remove(&before);
            }
            self.starving.extend(first.map(|(ticket, since)| (ticket, (id, since))));
        }
    }

    /// Whether the host may have one more connection; closes another's idle one where the total is used up.
    pub(super) fn make_room(&mut self, id: HostId, effects: &mut Effects<C, W>) -> bool {
        let host_open = self.host(id).map_or(0, |host| host.open);
        let (from, connection) = if self.limits.per_host.is_some_and(|limit| host_open >= limit) {
            // One of its own that is idle makes room for a later one.
            let Some(connection) = self.hosts.get_mut(id).and_then(|host| host.take_oldest()) else { return false };
            self.idle -= 1;
            (id, connection)
        } else if self.limits.total.is_some_and(|limit| self.open >= limit) {
            let Some(evicted) = self.evict_oldest() else { return false };
            evicted
        } else {
            return true;
        };
        effects.dead.push(connection);
        self.open -= 1;
        if let Some(host) = self.host(from) {
            host.open -= 1;
        }
        self.note_starving(from);
        true
    }

    /// Takes a place, with `own` for a connection that serves a single exchange.
    pub(super) fn claim(&mut self, id: HostId, own: bool) {
        self.open += 1;
        if let Some(host) = self.host(id) {
            host.open += 1;
            host.connecting += 1;
            host.connecting_own += usize::from(own);
        }
    }
}

/// Returns a share of this connection, and true if it was idle.
pub(super) fn share<C: Connection>(host: HostId, shared: &mut Shared<C>) -> Option<(Grant<C>, bool)> {
    let (handle, was_idle) = shared.take()?;
    Some((Grant { host, what: What::Share(handle, shared.number) }, was_idle))
}
