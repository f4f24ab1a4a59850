//! The kit, tested: each file one part of it.

mod agent;
mod broken;
mod cassettes;
mod contract;
mod memory;
mod raw;
mod raw_memory;
mod sequence;
mod stub;
mod suites;
mod support;
