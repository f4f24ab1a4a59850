use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use tokio::time::Instant;
use treq_core::{Connection, Reuse, Target};

use crate::host::Host;

/// The hosts of a pool: found by their target once a request, then named by a number.
pub(crate) struct Hosts<C, W> {
    index: HashTable<HostId>,
    hasher: DefaultHashBuilder,
    entries: Vec<Option<Host<C, W>>>,
    free: Vec<HostId>,
    /// The one found last: requests to one host come in a row.
    last: HostId,
}

/// Names a host while a connection or a waiter of it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(u32);

impl<C, W> Default for Hosts<C, W> {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        Hosts { index: HashTable::new(), hasher, entries: Vec::new(), free: Vec::new(), last: HostId(0) }
    }
}

impl<C: Connection, W> Hosts<C, W> {
    pub(crate) fn get(&self, id: HostId) -> Option<&Host<C, W>> {
        self.entries.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: HostId) -> Option<&mut Host<C, W>> {
        self.entries.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = HostId> + use<C, W> {
        (0..self.entries.len() as u32).map(HostId)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (HostId, &Host<C, W>)> {
        self.entries.iter().enumerate().filter_map(|(at, host)| Some((HostId(at as u32), host.as_ref()?)))
    }

    pub(crate) fn find(&mut self, target: &Target) -> Option<HostId> {
        if !self.is_for(self.last, target) {
            self.last = self.find_hashed(target, self.hasher.hash_one(target.key()))?;
        }
        Some(self.last)
    }

    fn is_for(&self, id: HostId, target: &Target) -> bool {
        self.get(id).is_some_and(|host| host.target.key() == target.key())
    }

    fn find_hashed(&self, target: &Target, hash: u64) -> Option<HostId> {
        self.index.find(hash, |&id| self.is_for(id, target)).copied()
    }

    pub(crate) fn find_or_add(&mut self, target: &Target, now: Instant) -> HostId {
        let hash = self.hasher.hash_one(target.key());
        if let Some(id) = self.find_hashed(target, hash) {
            return id;
        }
        let mut kept = target.clone();
        kept.reuse = Reuse::Any;
        let id = self.free.pop().unwrap_or(HostId(self.entries.len() as u32));
        let at = id.0 as usize;
        self.entries.resize_with(self.entries.len().max(at + 1), || None);
        self.entries[at] = Some(Host::new(kept, hash, now));
        let entries = &self.entries;
        let rehash = |id: &HostId| entries[id.0 as usize].as_ref().map_or(0, |host| host.hash);
        self.index.insert_unique(hash, id, rehash);
        id
    }

    pub(crate) fn forget(&mut self, id: HostId) {
        let Some(host) = self.entries.get_mut(id.0 as usize).and_then(Option::take) else { return };
        if let Ok(entry) = self.index.find_entry(host.hash, |&other| other == id) {
            entry.remove();
        }
        self.free.push(id);
        // A table that has been large is let go of: each sweep looks through all of it.
        while self.entries.last().is_some_and(Option::is_none) {
            self.entries.pop();
        }
        if self.free.len() > 2 * self.entries.len() + 64 {
            let len = self.entries.len() as u32;
            self.free.retain(|id| id.0 < len);
            self.entries.shrink_to_fit();
            let entries = &self.entries;
            self.index.shrink_to_fit(|id| entries[id.0 as usize].as_ref().map_or(0, |host| host.hash));
        }
    }
}
