#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod checkout;
mod host;
mod hosts;
mod layer;
mod lease;
mod pooled;
mod queue;
mod service;
mod shared;
mod state;
mod stats;

pub use body::PooledBody;
pub use checkout::Checkout;
pub(crate) use layer::Limits;
pub use layer::PoolLayer;
pub use pooled::Pooled;
pub use service::Pool;
pub use stats::PoolStats;
