#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod budget;
mod date;
mod drain;
mod error;
mod future;
mod kept;
mod key;
mod layer;
mod options;
pub mod policy;
mod retry_after;
mod service;

pub use backoff::Backoff;
pub use budget::Budget;
pub use error::{Exhausted, SlowAttempt};
pub use future::RetryFuture;
pub use layer::RetryLayer;
pub use options::Attempted;
pub use policy::{Action, Attempt, Outcome, Policy, ResponseHead, RetryFn, retry_fn};
pub use retry_after::retry_after;
pub use service::Retry;
pub use treq_core::options::{Attempts, IdempotencyKey};
