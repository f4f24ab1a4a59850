#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod basic;
mod bearer;
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
mod service;

pub use basic::Basic;
pub use bearer::Bearer;
pub use credentials::Credentials;
#[cfg(feature = "digest")]
pub use digest::Digest;
pub use error::{AuthError, AuthErrorReason};
pub use future::AuthFuture;
pub use layer::AuthLayer;
#[cfg(feature = "netrc")]
pub use netrc::{Entry, Netrc};
pub use service::Auth;
pub use treq_core::auth::{
    BodyHash, Challenge, Challenges, Content, Outgoing, Scheme, SentHead, Step, TooManyWaits, Waiting,
};
