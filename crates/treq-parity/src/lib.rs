//! What the original does, as data, with the runner that compares.
#![forbid(unsafe_code)]
