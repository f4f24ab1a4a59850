//! The whole client, over real sockets and in memory.
#![allow(missing_docs)]
// What was measured, and what was skipped, is printed.
#![allow(clippy::print_stdout)]

mod auth;
mod bad_input;
#[cfg(feature = "blocking")]
mod blocking;
mod connections;
mod content;
mod cookies;
mod decoding;
mod differences;
mod downloads;
#[cfg(all(feature = "testing", feature = "full"))]
mod faults;
#[cfg(unix)]
mod files;
mod framing;
mod guide;
mod hyper_connectors;
mod peers;
mod programs;
mod proxies;
mod redirects;
mod requests;
mod responses;
mod retries;
mod runtimes;
mod schemes;
mod secrets;
mod services;
mod storm;
mod streams;
#[cfg(all(feature = "testing", feature = "full"))]
mod suites;
mod surface;
#[cfg(feature = "testing")]
mod testing;
mod timeouts;
mod tls;
mod upgrades;

use treq::Error;

/// An error with its sources, for assertions on what a caller would read.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
