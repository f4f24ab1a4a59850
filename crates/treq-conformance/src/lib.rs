//! Public and purpose-made conformance suites, as data, with their runner.
#![forbid(unsafe_code)]
