//! The whole client behind a JSON protocol, and the player of the threats' cases against it.
#![forbid(unsafe_code)]

pub mod adapter;
pub mod usage;
