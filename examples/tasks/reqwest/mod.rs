//! With reqwest.

pub mod basic_auth;
pub mod custom_root_ca;
pub mod download;
pub mod form;
pub mod get_json;
pub mod hundred_urls;
pub mod post_json;
pub mod proxy;
pub mod retry;
pub mod session;
pub mod stub_test;
pub mod timeout;
pub mod upload;
