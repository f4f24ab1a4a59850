use std::time::SystemTime;

use crate::Cookie;
use crate::host::{self, Place};

/// The cookies of one registrable domain.
#[derive(Default)]
pub(crate) struct Site {
    /// In the order in which they are sent: longest path first, then oldest first.
    cookies: Vec<Kept>,
}

pub(crate) struct Kept {
    pub(crate) cookie: Cookie,
    /// Never given twice: what was kept in another cookie's place has another one.
    pub(crate) id: u64,
    /// Orders by creation; inherited from the cookie that was replaced.
    pub(crate) born: u64,
    /// Orders by last use.
    pub(crate) used: u64,
}

impl Kept {
    fn order(&self) -> (std::cmp::Reverse<usize>, u64) {
        (std::cmp::Reverse(self.cookie.path().len()), self.born)
    }
}

impl Site {
    pub(crate) fn len(&self) -> usize {
        self.cookies.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.cookies.iter()
    }

    /// Calls `send` with each cookie that goes along. Returns whether any has expired.
    pub(crate) fn select(
        &mut self,
        place: &Place<'_>,
        now: SystemTime,
        tick: u64,
        mut send: impl FnMut(&Cookie) -> bool,
    ) -> bool {
        let mut expired = false;
        for kept in &mut self.cookies {
            if !kept.cookie.matches(place) {
                continue;
            }
            if kept.cookie.is_expired_at(now) {
                expired = true;
            } else if send(&kept.cookie) {
                kept.used = tick;
            }
        }
        expired
    }

    pub(crate) fn drop_expired(&mut self, now: SystemTime) -> usize {
        let before = self.cookies.len();
        self.cookies.retain(|kept| !kept.cookie.is_expired_at(now));
        before - self.cookies.len()
    }

    /// Whether a cookie that came over `http` would overlay one that is `Secure` ([RFC 6265bis, section
    /// 5.7](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7), step 16).
    pub(crate) fn overlays_secure(&self, new: &Cookie, now: SystemTime) -> bool {
        self.cookies.iter().map(|kept| &kept.cookie).any(|old| {
            old.secure()
                && !old.is_expired_at(now)
                && old.name() == new.name()
                && (host::domain_match(old.domain(), new.domain()) || host::domain_match(new.domain(), old.domain()))
                && host::path_match(new.path(), old.path())
        })
    }

    /// The cookie of the same identity, taken out, with its place in the order of creation.
    pub(crate) fn take(&mut self, cookie: &Cookie) -> Option<(Cookie, u64)> {
        let at = self.cookies.iter().position(|kept| kept.cookie.same_identity(cookie))?;
        let kept = self.cookies.remove(at);
        Some((kept.cookie, kept.born))
    }

    /// `born` is that of the cookie it replaces.
    pub(crate) fn put(&mut self, cookie: Cookie, id: u64, born: Option<u64>) {
        let kept = Kept { cookie, id, born: born.unwrap_or(id), used: id };
        let at = self.cookies.partition_point(|other| other.order() < kept.order());
        self.cookies.insert(at, kept);
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Kept> {
        self.cookies.iter().find(|kept| kept.id == id)
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.cookies.retain(|kept| kept.id != id);
    }

    /// Gives up the cookie that counts least: not `Secure`, then longest unused.
    pub(crate) fn evict(&mut self) {
        if let Some((at, _)) =
            self.cookies.iter().enumerate().min_by_key(|(_, kept)| (kept.cookie.secure(), kept.used, kept.born))
        {
            self.cookies.remove(at);
        }
    }
}
