//! treq
#![forbid(unsafe_code)]
