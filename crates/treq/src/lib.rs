// The pages as modules, before the README's links to their files: of several definitions the first counts. Not for tests,
// which name the file of the first.
#![cfg_attr(all(doc, not(doctest), feature = "full"), doc = include_str!("../guide/links.md"))]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The pages name items as their users do.
#[cfg(all(any(doc, doctest), feature = "full"))]
extern crate self as treq;

#[cfg(feature = "blocking")]
pub mod blocking;
mod boxed;
mod builder;
mod client;
mod configure;
mod content;
#[cfg(feature = "cookies")]
mod cookies;
mod data;
mod defaults;
mod detour;
mod disposition;
mod download;
mod erased;
mod fields;
#[cfg(feature = "json")]
mod finite;
mod free;
mod global;
// Pages to read: no build carries them. They name what all features add.
#[cfg(all(any(doc, doctest), feature = "full"))]
pub mod guide;
mod https;
mod into_url;
#[cfg(feature = "json")]
mod json;
mod last_url;
mod links;
mod media_type;
mod pool;
mod query;
mod reading;
mod request;
mod request_options;
mod response;
mod resume;
mod save;
pub mod stack;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod typed;

pub use builder::ClientBuilder;
pub use client::Client;
pub use data::{Content, Data};
pub use disposition::ContentDisposition;
pub use download::{Download, Downloaded};
pub use erased::{ResponseBody, ServiceFuture};
pub use fields::Headers;
#[cfg(feature = "json")]
pub use free::json_content;
pub use free::{collect, content, delete, get, head, options, patch, post, put, request, text_content, upload};
#[doc(hidden)]
pub use global::default_clients;
pub use global::{default_client, global_pool, set_default_client};
pub use into_url::IntoUrl;
#[cfg(feature = "json")]
pub use json::JsonError;
pub use links::Link;
pub use media_type::MediaType;
pub use pool::ClientPool;
pub use reading::Collected;
pub use request::{Async, RequestBuilder, ResponseFuture};
pub use response::{Response, Timings};
pub use save::Save;
pub use stream::BodyStream;

pub use treq_agent::{Agent, HttpConnection, HttpConnector, Informational, OnInformational, Upgraded, upgrade};
pub use treq_auth::{AuthLayer, Basic, Bearer, Credentials, Digest, Netrc, Scheme};
#[cfg(unix)]
pub use treq_connect::UnixConnect;
pub use treq_connect::{Keepalive, SystemResolver, TcpConnect};
#[cfg(any(feature = "tls", feature = "tls-ring"))]
pub use treq_connect::{MaybeTls, TlsConfig, TlsConfigBuilder, TlsLayer, TlsVersion};
#[cfg(feature = "cookies")]
pub use treq_cookies::{Cookie, Jar, SameSite, SessionCookies, Store, StoreContext};
pub use treq_core::{
    Body, BodyEnd, BoxError, Connected, ConnectionFacts, ConnectionId, Error, Facts, Framing, HttpVersion, Kind, Name,
    Origin, Peer, Phase, Resend, Resolve, Resolved, Resolving, StatusError, Target, TlsFacts, TryClone, resolve_fn,
};
pub use treq_decode::{Coding, DecodeLayer, Decoder, Expanded, Progress};
pub use treq_multipart::{Form, Part};
pub use treq_pool::{Pool, PoolLayer, PoolStats};
pub use treq_proxy::{Proxies, Proxy, ProxyChoice};
pub use treq_redirect::{
    FinalUrl, Follow, History, Hop, RedirectError, RedirectErrorReason, RedirectLayer, ReferrerPolicy,
    TooManyRedirects, policy,
};
pub use treq_retry::{Attempted, Backoff, Budget, RetryLayer};
pub use treq_timeout::{Elapsed, TimeoutLayer};

/// What a request says to the layers, for those who build an [`http::Request`] themselves: types in its extensions.
/// [`RequestBuilder`] has a method for each.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = treq_httpbin::Server::start().await?;
/// use treq::options::MaxRedirects;
///
/// let request = http::Request::get(server.url("/redirect/2")).extension(MaxRedirects::new(1)).body(treq::Body::empty())?;
/// let error = treq::Client::new().execute(request).await.unwrap_err();
/// assert!(error.find::<treq::TooManyRedirects>().is_some());
/// # Ok(()) }
/// ```
pub mod options {
    pub use treq_agent::OnInformational;
    pub use treq_auth::Credentials;
    #[cfg(feature = "cookies")]
    pub use treq_cookies::{RequestCookies, UseJar};
    pub use treq_core::options::{
        Attempts, Decoding, HeadTimeout, IdempotencyKey, LeftOrigin, MaxRedirects, NewConnection, ReadTimeout,
        TotalTimeout, WriteTimeout,
    };
    pub use treq_proxy::ProxyChoice;
    pub use treq_redirect::Follow;
}

/// The crates that treq is made of, each whole: for what has no name at the top, such as
/// [`retry::Policy`](treq_retry::Policy) or [`cookies::Limits`](treq_cookies::Limits).
pub mod layers {
    pub use treq_agent as agent;
    pub use treq_auth as auth;
    pub use treq_connect as connect;
    #[cfg(feature = "cookies")]
    pub use treq_cookies as cookies;
    pub use treq_core as core;
    pub use treq_decode as decode;
    pub use treq_multipart as multipart;
    pub use treq_pool as pool;
    pub use treq_proxy as proxy;
    pub use treq_redirect as redirect;
    pub use treq_retry as retry;
    pub use treq_timeout as timeout;
}
