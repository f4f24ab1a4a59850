//! From a target to a byte stream: name resolution, TCP with Happy Eyeballs, Unix sockets, TLS.
#![forbid(unsafe_code)]
