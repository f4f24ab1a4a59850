//! An httpbin-compatible server in process, for examples, doctests and tests.
#![forbid(unsafe_code)]
