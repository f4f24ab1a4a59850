#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "hyper")]
pub mod hyper;
mod resolve;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(unix)]
mod unix;

pub use resolve::SystemResolver;
#[cfg(feature = "rustls-0-23")]
pub use rustls;
#[cfg(feature = "tls")]
pub use rustls::pki_types;
pub use tcp::{Keepalive, TcpConnect, TcpFuture};
#[cfg(feature = "tls")]
pub use tls::{MaybeTls, TlsConfig, TlsConfigBuilder, TlsConnect, TlsFuture, TlsLayer, TlsVersion};
#[cfg(unix)]
pub use unix::{UnixConnect, UnixFuture};
