mod builder;
mod config;
mod danger;
mod facts;
mod future;
mod layer;
mod pem;
mod reason;
mod recipe;
mod stream;

pub use builder::{TlsConfigBuilder, TlsVersion};
pub use config::TlsConfig;
pub use future::TlsFuture;
pub use layer::{TlsConnect, TlsLayer};
pub use stream::MaybeTls;
