//! The core agent: a tower service of http requests over any connector, HTTP/1.1 and HTTP/2.
#![forbid(unsafe_code)]
