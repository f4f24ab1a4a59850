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
