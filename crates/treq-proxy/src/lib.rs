#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod choice;
mod connect;
mod credentials;
mod dial;
mod env;
mod error;
mod layer;
mod no_proxy;
mod proxies;
mod proxy;
mod resolve;
mod route;
mod scheme;
mod socks;
mod stream;
mod tunnel;

pub use choice::ProxyChoice;
pub use connect::{ProxyConnect, ProxyFuture};
pub use error::{ProxyRefused, ProxyReply};
pub use layer::{NoTls, ProxyLayer};
pub use proxies::Proxies;
pub use proxy::Proxy;
pub use route::{RouteLayer, Routed, RoutedFuture};
pub use scheme::ProxyScheme;
pub use stream::{NoStream, ProxyStream};
