#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod basic;
mod bearer;
mod challenge;
mod choose;
mod credentials;
#[cfg(feature = "digest")]
mod digest;
mod error;
mod future;
mod kept;
mod layer;
#[cfg(feature = "netrc")]
mod netrc;
mod outgoing;
mod parser;
mod scheme;
mod service;

pub use basic::Basic;
pub use bearer::Bearer;
pub use challenge::{Challenge, Challenges};
pub use credentials::Credentials;
#[cfg(feature = "digest")]
pub use digest::Digest;
pub use error::{Unusable, Why};
pub use future::AuthFuture;
pub use layer::AuthLayer;
#[cfg(feature = "netrc")]
pub use netrc::{Entry, Netrc};
pub use outgoing::{Content, Outgoing, Sent};
pub use scheme::{BodyHash, Scheme, Step};
pub use service::Auth;
