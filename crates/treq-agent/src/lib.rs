#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agent;
mod body;
mod connection;
mod expect;
mod failure;
mod future;
#[cfg(feature = "http2")]
mod goodbye;
mod handshake;
mod head;
mod interim;
mod outgoing;
mod shared;
mod upgrade;
mod watch;

pub use agent::Agent;
pub use body::AgentBody;
pub use connection::HttpConnection;
pub use expect::{Informational, OnInformational};
pub use future::AgentFuture;
pub use handshake::HttpHandshake;
pub use interim::TooManyInterim;
pub use treq_core::options::NewConnection;
pub use upgrade::{Upgraded, upgrade};
