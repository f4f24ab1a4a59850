//! The layer over services of several kinds, and the rows of the conformance data.

mod chains;
mod contract;
mod limits;
mod rows;
mod services;
mod support;
