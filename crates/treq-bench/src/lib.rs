//! What a request costs: treq beside its peers.
//!
//! `serve` answers every request with 200, two fields and 13 bytes; `fetch CLIENT COUNT URL` sends so many small GETs,
//! one after the other, on one kept-alive connection and a one-thread runtime. `cargo xtask bench` runs them.
#![forbid(unsafe_code)]
