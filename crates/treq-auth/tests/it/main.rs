//! The layer over services of several kinds, and the rows of the conformance data.

mod contract;
mod digests;
mod rows;
mod services;
mod support;
mod threats;
