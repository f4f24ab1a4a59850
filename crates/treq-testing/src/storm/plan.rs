use std::time::Duration;

/// Numbers by seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one connection.
    pub(crate) fn of(seed: u64, connection: u64) -> Random {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ connection.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mut random = Random(mixed | 1);
        // The first few of neighbouring seeds are alike.
        (0..8).for_each(|_| _ = random.below(2));
        random
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of_these<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    /// Waits up to `most` milliseconds, or not at all.
    pub(crate) async fn pause(&mut self, most: usize) {
        match self.below(3) {
            0 => {}
            1 => tokio::task::yield_now().await,
            _ => tokio::time::sleep(Duration::from_millis(1 + self.below(most) as u64)).await,
        }
    }
}

/// The fate of a request, over either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The server reads it, acts on it and responds.
    Serve,
    /// As `Serve`, after interim responses.
    Interim,
    /// As `Serve`, with the end of the body missing.
    Cut,
    /// The server reads it and acts on it, and the connection dies.
    DieActing,
    /// The connection dies before the request is read.
    Die,
    /// A 413 or 401 is sent before the request is read.
    Early,
    /// No response is sent for as long as the client waits.
    Stall,
    /// A redirect to another of the hosts.
    Redirect,
    /// 503 or 429, with `Retry-After`.
    Busy,
    /// 401 with a challenge.
    Challenge,
    /// The response is not HTTP.
    Garbage,
    /// The server says that it does not process it.
    Refuse,
    /// The server goes away.
    GoAway,
}

impl Deed {
    pub(crate) fn by(random: &mut Random) -> Deed {
        match random.below(40) {
            0..=15 => Deed::Serve,
            16 | 17 => Deed::Interim,
            18 | 19 => Deed::Cut,
            20..=22 => Deed::DieActing,
            23 => Deed::Die,
            24 | 25 => Deed::Early,
            26 => Deed::Stall,
            27..=29 => Deed::Redirect,
            30 | 31 => Deed::Busy,
            32 => Deed::Challenge,
            33 => Deed::Garbage,
            34..=37 => Deed::Refuse,
            _ => Deed::GoAway,
        }
    }
}

/// The number and the hops so far of `/s/ID/HOPS`.
pub(crate) fn parse(path: &str) -> Option<(u64, u64)> {
    let mut parts = path.strip_prefix("/s/")?.split('/');
    let id = parts.next()?.parse().ok()?;
    Some((id, parts.next().and_then(|hops| hops.parse().ok()).unwrap_or(0)))
}
