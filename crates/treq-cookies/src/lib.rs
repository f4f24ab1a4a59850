#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cookie_store")]
mod adapter;
mod builder;
mod cookie;
mod date;
#[cfg(feature = "json")]
mod file;
mod future;
mod host;
mod jar;
#[cfg(feature = "json")]
mod json;
mod layer;
mod limits;
mod options;
mod parse;
mod service;
mod site;
mod sites;
mod store;

#[cfg(feature = "cookie_store")]
pub use adapter::Adapter;
pub use builder::CookieBuilder;
pub use cookie::{Cookie, SameSite, SetCookies, set_cookies, set_cookies_at};
pub use future::CookiesFuture;
pub use jar::{Collision, Jar, JarIter};
#[cfg(feature = "json")]
pub use json::SessionCookies;
pub use layer::CookiesLayer;
pub use limits::Limits;
pub use options::{RequestCookies, UseJar};
pub use service::Cookies;
pub use store::{Store, StoreContext};
