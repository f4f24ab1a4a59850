#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
#[cfg(any(feature = "gzip", feature = "deflate", feature = "brotli", feature = "zstd"))]
mod builtin;
mod chain;
mod coding;
mod error;
mod future;
mod layer;
mod plan;
mod service;

pub use body::DecodeBody;
pub use coding::{Coding, Decoder, Progress};
pub use error::Expanded;
pub use future::DecodeFuture;
pub use layer::DecodeLayer;
pub use service::Decode;
pub use treq_core::options::Decoding;
