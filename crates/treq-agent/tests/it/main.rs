//! The agent over connections in memory, to the byte.
#![allow(missing_docs)]

mod answers;
mod bodies;
mod cancelling;
#[cfg(feature = "http2")]
mod crowd;
mod early;
mod errors;
mod expect;
mod heads;
#[cfg(feature = "http2")]
mod http2;
mod interim;
mod promises;
mod resend;
mod support;
mod upgrades;
