//! A tower layer that keeps cookies, as RFC 6265bis has them.
#![forbid(unsafe_code)]
