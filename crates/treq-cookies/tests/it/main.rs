//! The jar by its rules, the layer over services of several kinds.

#[cfg(feature = "cookie_store")]
mod adapter;
mod contract;
#[cfg(feature = "json")]
mod files;
mod jar;
mod layer;
mod limits;
mod services;
mod support;
mod threats;
