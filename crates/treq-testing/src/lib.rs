#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connector;
pub mod contract;
mod counts;
mod memory;
mod pipe;
mod raw;
mod tasks;

pub use connector::{Connecting, MemoryConnector};
pub use memory::MemoryServer;
pub use pipe::Pipe;
pub use raw::{RawBuilder, RawConnection, RawRequest, RawServer, Step};
