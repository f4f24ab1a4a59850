//! The connectors over loopback sockets, TLS against a rustls server with certificates made on the spot.

#[cfg(feature = "hyper")]
mod hyper;
mod support;
mod tcp;
#[cfg(unix)]
mod unix;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
#[cfg(all(feature = "tls", not(any(feature = "aws-lc-rs", feature = "ring"))))]
mod without_provider;
