//! Tower layers that end what takes too long.
#![forbid(unsafe_code)]
