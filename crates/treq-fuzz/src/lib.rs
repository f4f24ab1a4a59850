//! What reads the bytes of strangers, as targets for a fuzzer.
//!
//! A [`Target`] takes any bytes, and panics where an invariant is broken. [`play`] adds what holds for all of them: no panic, memory
//! within a bound, time that grows no faster than the input, and [the secret](SECRET) in nothing that is shown.
//!
//! `cargo xtask fuzz` has cargo-fuzz look for inputs that reach new code. The corpus of each target is kept, and each run of the tests
//! plays it, and mutations of it by seed.
#![forbid(unsafe_code)]

mod mutate;
mod oracle;
mod targets;

pub use mutate::mutated;
pub use oracle::{SECRET, play};
pub use targets::{TARGETS, Target};
