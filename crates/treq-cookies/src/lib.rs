#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod cookie;
mod date;
mod future;
mod host;
mod jar;
mod layer;
mod limits;
mod options;
mod parse;
mod service;
mod site;
mod sites;
mod store;

pub use builder::CookieBuilder;
pub use cookie::{Cookie, SameSite, set_cookies};
pub use date::parse_date;
pub use future::CookiesFuture;
pub use host::registrable_domain;
pub use jar::{Collision, Jar};
pub use layer::CookiesLayer;
pub use limits::Limits;
pub use options::{Extra, Use};
pub use service::Cookies;
pub use store::Store;
