//! The layer over services of several kinds.

mod chains;
mod contract;
mod limits;
mod search;
mod services;
mod support;
