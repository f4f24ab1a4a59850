//! The layer over services of several kinds, and the rows of the conformance data.

mod contract;
mod digests;
mod netrcs;
mod rows;
mod schemes;
mod services;
mod support;
mod threats;
