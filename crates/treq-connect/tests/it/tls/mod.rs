mod alpn;
mod client_certificate;
mod failures;
mod layer;
mod pki;
mod platform;
mod roots;
mod server;
mod session;

pub(crate) use pki::{Authority, Identity};
pub(crate) use server::{Server, provider, speak, through};
