#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agent;
mod connection;
mod connector;
mod expect;
mod failure;
mod future;
#[cfg(feature = "http2")]
mod goodbye;
mod head;
mod incoming;
mod interim;
mod outgoing;
mod shared;
mod upgrade;
mod watch;

pub use agent::Agent;
pub use connection::HttpConnection;
pub use connector::HttpConnector;
pub use expect::{Informational, OnInformational};
pub use future::AgentFuture;
pub use incoming::Incoming;
pub use interim::TooManyInterim;
pub use treq_core::options::NewConnection;
pub use upgrade::{Upgraded, upgrade};
