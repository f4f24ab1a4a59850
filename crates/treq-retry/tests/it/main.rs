//! The layer over services of several kinds.

mod attempts;
mod bodies;
mod cancelling;
mod contract;
mod services;
mod support;
mod threats;
mod waits;
