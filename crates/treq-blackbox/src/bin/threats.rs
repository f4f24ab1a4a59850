//! The player of the threats' cases.
#![forbid(unsafe_code)]

fn main() {}
