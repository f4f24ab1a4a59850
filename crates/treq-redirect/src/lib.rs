#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chain;
mod error;
mod fields;
mod future;
mod history;
mod layer;
mod options;
pub mod policy;
mod referrer;
mod service;

pub use error::{RedirectError, RedirectErrorReason, TooManyRedirects};
pub use future::RedirectFuture;
pub use history::{History, Hop};
pub use layer::RedirectLayer;
pub use options::{FinalUrl, Follow, Fragment};
pub use policy::{Action, Attempt, Policy, RedirectFn, redirect_fn};
pub use referrer::ReferrerPolicy;
pub use service::Redirect;
pub use treq_core::options::{LeftOrigin, MaxRedirects};
