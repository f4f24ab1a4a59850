//! The targets, and what several of them need.

mod agent;
mod auth;
mod cassette;
mod cookies;
mod decode;
mod fields;
mod location;
mod multipart;
mod proxy;
mod retry;
mod url;

use std::time::{Duration, SystemTime};

use crate::oracle::SECRET;

/// Something that reads bytes from elsewhere.
#[derive(Debug)]
pub struct Target {
    /// Its corpus stands in the folder of this name.
    pub name: &'static str,
    /// Reads the bytes. Panics where an invariant is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "url", run: url::run },
    Target { name: "http1", run: agent::http1 },
    Target { name: "http2", run: agent::http2 },
    Target { name: "set_cookie", run: cookies::run },
    Target { name: "location", run: location::run },
    Target { name: "challenge", run: auth::challenge },
    Target { name: "netrc", run: auth::netrc },
    Target { name: "link", run: fields::link },
    Target { name: "media", run: fields::media },
    Target { name: "no_proxy", run: proxy::run },
    Target { name: "retry_after", run: retry::run },
    Target { name: "decode", run: decode::run },
    Target { name: "multipart", run: multipart::run },
    Target { name: "cassette", run: cassette::masks },
    Target { name: "har", run: cassette::har },
];

/// 2027-01-15, 08:00 UTC: the time that it is for the targets.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Runs a future whose clock stands still but where everything waits.
///
/// # Panics
///
/// Where it has not ended after an hour of that clock.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(3600), future).await });
    ended.expect("it ends")
}

/// The secret, with pieces of the input around it.
fn with_secret(before: &str, after: &str) -> String {
    format!("{before}{SECRET}{after}")
}

/// The input's lines, so many of them; the last has all that is left.
fn lines<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut lines = input.splitn(N, |byte| *byte == b'\n');
    std::array::from_fn(|_| lines.next().unwrap_or_default())
}
