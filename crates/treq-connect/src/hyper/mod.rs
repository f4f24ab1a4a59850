//! Adapters between connectors of hyper-util's client and those of this crate. They come with the feature `hyper`.
//!
//! | | called with | returns |
//! |---|---|---|
//! | a connector here | [`Target`](treq_core::Target) | [`Connected`](treq_core::Connected), over tokio's IO traits |
//! | one of hyper-util 0.1 | [`http::Uri`] | a [`Connection`](hyper_util::client::legacy::connect::Connection), over hyper's |
//!
//! [`FromHyper`] makes the first of the second, [`IntoHyper`] the second of the first:
//!
//! ```
//! use hyper_util::client::legacy::connect::HttpConnector;
//! use treq_connect::TcpConnect;
//! use treq_connect::hyper::{FromHyper, IntoHyper};
//!
//! // For treq's agent and layers, or `treq::ClientBuilder::connector`.
//! let connect = FromHyper::new(HttpConnector::new());
//!
//! // For hyper-util's client.
//! let connector = IntoHyper::new(TcpConnect::new());
//! # let _ = (connect, connector);
//! ```

mod from;
mod into;
mod stream;

pub use from::{FromHyper, FromHyperFuture};
pub use into::{IntoHyper, IntoHyperFuture};
pub use stream::HyperStream;
