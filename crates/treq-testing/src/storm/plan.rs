use std::time::Duration;

use crate::Random;

/// Waits for nothing, or for up to so many milliseconds.
pub(crate) async fn pause(random: &mut Random, most: usize) {
    match random.below(3) {
        0 => {}
        1 => tokio::task::yield_now().await,
        _ => tokio::time::sleep(Duration::from_millis(1 + random.below(most) as u64)).await,
    }
}

/// What is done with a request, over either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It is read, acted on and responded to.
    Serve,
    /// The same after interim responses.
    Interim,
    /// The same, with the end of the body missing.
    Cut,
    /// It is read and acted on, and the connection dies.
    DieActing,
    /// The connection dies before it is read.
    Die,
    /// A 413 or 401 comes before it is read.
    Early,
    /// No response comes, for as long as the client waits.
    Stall,
    /// Another of the hosts has it.
    Redirect,
    /// 503 or 429, with `Retry-After`.
    Busy,
    /// 401 with a challenge.
    Challenge,
    /// What comes is no HTTP.
    Garbage,
    /// The server says that it does not look at it.
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
