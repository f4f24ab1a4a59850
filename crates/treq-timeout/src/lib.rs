#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod clock;
mod connect;
mod deadline;
mod elapsed;
mod limit;
mod phases;
mod ticker;
mod timer;
mod upload;

pub use body::{DeadlineBody, TimeoutBody};
pub use connect::{ConnectTimeout, ConnectTimeoutFuture, ConnectTimeoutLayer};
pub use deadline::{Deadline, DeadlineFuture, DeadlineLayer};
pub use elapsed::Elapsed;
pub use phases::{Begins, FromCall, Timeout, TimeoutFuture, TimeoutLayer, WhenInFlight};
pub use treq_core::options::{HeadTimeout, ReadTimeout, TotalTimeout, WriteTimeout};
pub use upload::{ByBody, Unwatched, UploadProgress, Uploads};
