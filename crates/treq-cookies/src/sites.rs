use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::host::{self, Place};
use crate::site::{Kept, Site};
use crate::{Cookie, Limits};

/// All cookies of a jar, without lock and clock.
///
/// A request looks at one entry of `sites`. The heaps find what to give up without a walk over the others: each cookie
/// stands once in `by_use`, and in `by_expiry` if it expires, with what was so when it was put there. An entry that has
/// come to the top is compared with its cookie, and dropped or put back if that has gone or been used since.
#[derive(Default)]
pub(crate) struct Sites {
    limits: Limits,
    sites: HashMap<Arc<str>, Site>,
    len: usize,
    /// Counts cookies put in and lookups; orders both.
    tick: u64,
    /// Where a field is put together before it is copied at its own length.
    scratch: Vec<u8>,
    by_use: BinaryHeap<Reverse<(u64, u64, Arc<str>)>>,
    by_expiry: BinaryHeap<Reverse<(SystemTime, u64, Arc<str>)>>,
}

/// Who wants a cookie kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// An answer over `http`: it leaves `Secure` cookies alone.
    Plain,
    /// An answer over `https`, or the caller.
    Trusted,
}

impl Sites {
    pub(crate) fn new(limits: Limits) -> Sites {
        Sites { limits, ..Sites::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The `Cookie` field for this place, as long as it may be; empty for none.
    pub(crate) fn field(&mut self, site: &str, place: &Place<'_>, now: SystemTime) -> Bytes {
        let most = self.limits.field;
        let mut field = mem::take(&mut self.scratch);
        field.clear();
        self.select(site, place, now, |cookie| {
            let separator = if field.is_empty() { 0 } else { 2 };
            let name = if cookie.name().is_empty() { 0 } else { cookie.name().len() + 1 };
            if field.len() + separator + name + cookie.value().len() > most {
                return false;
            }
            if separator > 0 {
                field.extend_from_slice(b"; ");
            }
            if name > 0 {
                field.extend_from_slice(cookie.name());
                field.push(b'=');
            }
            field.extend_from_slice(cookie.value());
            true
        });
        let exact = Bytes::copy_from_slice(&field);
        self.scratch = field;
        exact
    }

    /// Calls `send` with the cookies for this place, in their order; those that it takes count as used.
    pub(crate) fn select(&mut self, site: &str, place: &Place<'_>, now: SystemTime, send: impl FnMut(&Cookie) -> bool) {
        let Some(cookies) = self.sites.get_mut(site) else { return };
        self.tick += 1;
        if cookies.select(place, now, self.tick, send) {
            self.len -= cookies.drop_expired(now);
            self.tidy(site);
        }
    }

    /// Keeps the cookie, or removes the one that it deletes; false if it is to be ignored.
    pub(crate) fn insert(&mut self, cookie: Cookie, source: Source, now: SystemTime) -> bool {
        let key = host::site(cookie.domain());
        let mut replaced = None;
        if let Some(site) = self.sites.get_mut(key) {
            if source == Source::Plain && !cookie.secure() && site.overlays_secure(&cookie, now) {
                return false;
            }
            replaced = site.take(&cookie);
        }
        self.len -= usize::from(replaced.is_some());
        if cookie.is_expired_at(now) {
            self.tidy(key);
            return true;
        }
        let key = match self.sites.get_key_value(key) {
            Some((key, _)) => Arc::clone(key),
            None => key.into(),
        };
        self.put(Arc::clone(&key), cookie, replaced);
        self.evict_of_site(&key, now);
        self.evict(now);
        true
    }

    fn put(&mut self, key: Arc<str>, cookie: Cookie, replaced: Option<(Cookie, u64)>) {
        self.tick += 1;
        let id = self.tick;
        if let Some(expires) = cookie.expires() {
            self.by_expiry.push(Reverse((expires, id, Arc::clone(&key))));
        }
        self.by_use.push(Reverse((id, id, Arc::clone(&key))));
        let (cookie, born) = match replaced {
            Some((old, born)) => (cookie.created_at(old.created()), Some(born)),
            None => (cookie, None),
        };
        self.sites.entry(key).or_default().put(cookie, id, born);
        self.len += 1;
    }

    fn evict_of_site(&mut self, key: &str, now: SystemTime) {
        let most = self.limits.per_site;
        let Some(site) = self.sites.get_mut(key) else { return };
        if site.len() > most {
            self.len -= site.drop_expired(now);
        }
        while site.len() > most {
            site.evict();
            self.len -= 1;
        }
        self.tidy(key);
    }

    fn evict(&mut self, now: SystemTime) {
        while self.len > self.limits.total {
            if !self.give_up_expired(now) && !self.give_up_unused() {
                return;
            }
        }
    }

    /// False if nothing has expired.
    fn give_up_expired(&mut self, now: SystemTime) -> bool {
        while let Some(Reverse((expires, ..))) = self.by_expiry.peek() {
            if *expires > now {
                return false;
            }
            let Some(Reverse((_, id, key))) = self.by_expiry.pop() else { return false };
            if self.find(&key, id).is_some() {
                self.remove(&key, id);
                return true;
            }
        }
        false
    }

    /// False if there is nothing.
    fn give_up_unused(&mut self) -> bool {
        while let Some(Reverse((used, id, key))) = self.by_use.pop() {
            match self.find(&key, id).map(|kept| kept.used) {
                Some(now_used) if now_used == used => {
                    self.remove(&key, id);
                    return true;
                }
                Some(now_used) => self.by_use.push(Reverse((now_used, id, key))),
                None => {}
            }
        }
        false
    }

    fn find(&self, key: &str, id: u64) -> Option<&Kept> {
        self.sites.get(key)?.find(id)
    }

    fn remove(&mut self, key: &str, id: u64) {
        if let Some(site) = self.sites.get_mut(key) {
            site.remove(id);
            self.len -= 1;
        }
        self.tidy(key);
    }

    /// Lets go of a site without cookies, and of what the heaps hold of cookies that have gone, once that is most.
    fn tidy(&mut self, key: &str) {
        if self.sites.get(key).is_some_and(|site| site.len() == 0) {
            self.sites.remove(key);
        }
        if self.by_use.len().max(self.by_expiry.len()) <= 2 * self.len + 64 {
            return;
        }
        let kept = || self.sites.iter().flat_map(|(key, site)| site.iter().map(move |kept| (key, kept)));
        self.by_use = kept().map(|(key, kept)| Reverse((kept.used, kept.id, Arc::clone(key)))).collect();
        self.by_expiry = kept()
            .filter_map(|(key, kept)| Some(Reverse((kept.cookie.expires()?, kept.id, Arc::clone(key)))))
            .collect();
    }

    /// Those that are wanted, in the order in which they were made.
    pub(crate) fn all(&self, is_wanted: impl Fn(&Cookie) -> bool) -> Vec<Cookie> {
        wanted(self.sites.values().flat_map(Site::iter), is_wanted)
    }

    /// Those of one site that are wanted, in the order in which they were made.
    pub(crate) fn of_site(&self, site: &str, is_wanted: impl Fn(&Cookie) -> bool) -> Vec<Cookie> {
        wanted(self.sites.get(site).into_iter().flat_map(Site::iter), is_wanted)
    }

    /// The cookie of this identity, taken out.
    pub(crate) fn take(&mut self, cookie: &Cookie) -> Option<Cookie> {
        let key = host::site(cookie.domain());
        let (cookie, _) = self.sites.get_mut(key)?.take(cookie)?;
        self.len -= 1;
        self.tidy(key);
        Some(cookie)
    }

    pub(crate) fn drop_expired(&mut self, now: SystemTime) {
        while self.give_up_expired(now) {}
    }

    pub(crate) fn clear(&mut self) {
        *self = Sites::new(self.limits);
    }
}

fn wanted<'a>(cookies: impl Iterator<Item = &'a Kept>, is_wanted: impl Fn(&Cookie) -> bool) -> Vec<Cookie> {
    let mut wanted: Vec<&Kept> = cookies.filter(|kept| is_wanted(&kept.cookie)).collect();
    wanted.sort_unstable_by_key(|kept| kept.born);
    wanted.into_iter().map(|kept| kept.cookie.clone()).collect()
}
