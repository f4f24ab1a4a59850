//! Test HTTP clients without sockets: scripted servers, in-memory transport, contract checks.
#![forbid(unsafe_code)]
