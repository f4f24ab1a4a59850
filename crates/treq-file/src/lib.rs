#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod destination;
mod names;
mod partial;
mod replacement;

pub use access::Access;
pub use partial::Partial;
pub use replacement::Replacement;
