//! Credentials of a request to an origin or to a proxy: the trait that provides them, and what it sees.
//!
//! [`Scheme`] is implemented; `treq-auth` has the usual ones, and `treq-proxy` uses the same trait for proxies. A layer
//! that calls schemes of its callers does so by a [`SchemeCall`].

mod base64;
mod call;
mod challenge;
mod hashing;
mod outgoing;
mod parser;
mod scheme;

pub use base64::basic;
pub use call::{SchemeCall, TooManyWaits};
pub use challenge::{Challenge, Challenges};
pub use hashing::Hashing;
pub use outgoing::{Content, Outgoing, SentHead};
pub use scheme::{BodyHash, Scheme, Step, Waiting};
