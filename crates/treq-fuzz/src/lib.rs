//! Fuzz targets for the code that reads input from the network, the environment and files.
//!
//! A [`Target`] takes any bytes and panics if an invariant is broken. [`play`] adds the invariants that all of them share: no panic,
//! bounded memory, time that grows no faster than the input, and no message with [the secret](SECRET) in it.
//!
//! `cargo xtask fuzz` runs cargo-fuzz on them. Each target has a kept corpus; the tests play it, and mutations of it by seed.
#![forbid(unsafe_code)]

mod mutate;
mod oracle;
mod targets;

pub use mutate::mutated;
pub use oracle::{SECRET, play};
pub use targets::{TARGETS, Target};
