//! The targets, and the helpers that several of them share.

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

/// Code that reads bytes from elsewhere.
#[derive(Debug)]
pub struct Target {
    /// Its corpus stands in the folder of this name.
    pub name: &'static str,
    /// Reads the bytes. Panics where an invariant is broken.
    pub run: fn(&[u8]),
    /// Memory that it may hold in addition, in bytes: the windows of codings.
    pub windows: usize,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8])) -> Target {
        Target { name, run, windows: 0 }
    }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target::new("url", url::run),
    Target::new("http1", agent::http1),
    Target::new("http2", agent::http2),
    Target::new("set_cookie", cookies::run),
    Target::new("location", location::run),
    Target::new("challenge", auth::challenge),
    Target::new("netrc", auth::netrc),
    Target::new("link", fields::link),
    Target::new("media", fields::media),
    Target::new("no_proxy", proxy::run),
    Target::new("retry_after", retry::run),
    Target { windows: decode::WINDOWS, ..Target::new("decode", decode::run) },
    Target::new("multipart", multipart::run),
    Target::new("cassette", cassette::masks),
    Target::new("har", cassette::har),
];

/// 2027-01-15, 08:00 UTC: the time that it is for the targets.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Runs a future whose clock stands still but where everything waits.
///
/// # Panics
///
/// If it has not ended after an hour of that clock.
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
