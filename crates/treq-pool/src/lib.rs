//! A connection pool as a tower layer over any maker of connections.
#![forbid(unsafe_code)]
