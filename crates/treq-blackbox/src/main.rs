//! The whole client behind a JSON protocol.
#![forbid(unsafe_code)]

fn main() {}
