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
mod client_pool;
mod configure;
mod content;
mod cookie_store;
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
mod pairs;
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
pub use free::{delete, get, head, options, patch, post, put, request};
pub use global::{default_client, set_default_client};
pub use http::{self, StatusCode};
pub use into_url::IntoUrl;
pub use request::{RequestBuilder, ResponseFuture};
pub use response::Response;
#[cfg(any(feature = "tls", feature = "tls-ring"))]
pub use treq_connect::TlsConfig;
pub use treq_cookies::{Cookie, Jar};
pub use treq_core::{Body, Error, Kind, Origin};
pub use treq_multipart::{Form, Part};
pub use treq_proxy::{Proxies, Proxy};

/// Credentials: schemes, the origins that they are for, and the layer that adds them. See [`treq_auth`].
pub mod auth {
    pub use treq_auth::{
        Auth, AuthLayer, Basic, Bearer, BodyHash, Challenge, Challenges, Content, Digest, Entry, Netrc, Outgoing,
        Scheme, SentHead, Step, Waiting,
    };
}

/// Bodies of requests and responses, downloads, and what is known of a body's end.
pub mod body {
    pub use crate::data::{Content, Data};
    pub use crate::download::{Download, Downloaded};
    pub use crate::erased::ResponseBody;
    pub use crate::reading::ChunkOutcome;
    pub use crate::save::Save;
    pub use crate::stream::BodyStream;
    pub use treq_core::{BodyEnd, Framing, Reason, TryClone};
    pub use treq_multipart::{FormBody, Progress, WrongLength};
}

/// Connections: how they are made, what is known of them, and byte streams that requests were upgraded to. See
/// [`treq_connect`] and [`treq_agent`].
pub mod connect {
    pub use crate::response::Timings;
    pub use treq_agent::{Agent, HttpConnection, HttpHandshake, Upgraded, upgrade};
    #[cfg(unix)]
    pub use treq_connect::UnixConnect;
    pub use treq_connect::{Keepalive, SystemResolver, TcpConnect};
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    pub use treq_connect::{MaybeTls, TlsConfigBuilder, TlsLayer, TlsVersion};
    pub use treq_core::{
        Connected, ConnectionFacts, ConnectionId, Facts, Name, Peer, Resolve, Resolved, Resolving, Target, TlsFacts,
        UriScheme, resolve_fn,
    };
}

/// The jar and its layer; stores of your own. See [`treq_cookies`].
pub mod cookies {
    #[cfg(feature = "json")]
    pub use treq_cookies::SessionCookies;
    pub use treq_cookies::{
        Collision, CookieBuilder, Cookies, CookiesLayer, Limits, SameSite, SetCookies, Store, StoreContext, set_cookies,
    };
}

/// Decoding of response bodies; codings of your own. See [`treq_decode`].
pub mod decode {
    pub use treq_decode::{Coding, Decode, DecodeBody, DecodeLayer, Decoder, Expanded, Progress};
}

/// Details of an [`Error`], and the causes that it can be [searched](Error::find) for.
pub mod error {
    #[cfg(feature = "json")]
    pub use crate::json::JsonError;
    pub use treq_agent::TooManyInterim;
    pub use treq_auth::{AuthError, AuthErrorReason, TooManyWaits};
    pub use treq_core::{BoxError, Phase, Resend, StatusError};
    pub use treq_proxy::{ProxyRefused, ProxyReply};
    pub use treq_redirect::{RedirectError, RedirectErrorReason, TooManyRedirects};
    pub use treq_retry::{Exhausted, SlowAttempt};
    pub use treq_timeout::Elapsed;
}

/// Header fields as types.
pub mod headers {
    pub use crate::disposition::ContentDisposition;
    pub use crate::fields::{Headers, IntoHeaderName, IntoHeaderValue};
    pub use crate::links::Link;
    pub use crate::media_type::MediaType;
}

/// What a request says to the layers, for those who build an [`http::Request`] themselves: types in its extensions.
/// [`RequestBuilder`] has a method for each.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = treq_httpbin::Server::start().await?;
/// use treq::error::TooManyRedirects;
/// use treq::options::MaxRedirects;
///
/// let request = http::Request::get(server.url("/redirect/2")).extension(MaxRedirects::new(1)).body(treq::Body::empty())?;
/// let error = treq::Client::new().execute(request).await.unwrap_err();
/// assert!(error.find::<TooManyRedirects>().is_some());
/// # Ok(()) }
/// ```
pub mod options {
    pub use treq_agent::{Informational, OnInformational};
    pub use treq_auth::Credentials;
    pub use treq_cookies::{RequestCookies, UseJar};
    pub use treq_core::HttpVersion;
    pub use treq_core::options::{
        Attempts, Decoding, HeadTimeout, IdempotencyKey, LeftOrigin, MaxRedirects, NewConnection, ReadTimeout,
        TotalTimeout, WriteTimeout,
    };
    pub use treq_proxy::ProxyChoice;
    pub use treq_redirect::Follow;
}

/// The connections that a client keeps. See [`treq_pool`].
pub mod pool {
    pub use crate::client_pool::ClientPool;
    pub use treq_pool::{Pool, PoolLayer, PoolStats, Pooled, PooledBody};
}

/// Layers that go through proxies. See [`treq_proxy`].
pub mod proxy {
    pub use treq_proxy::{ProxyConnect, ProxyLayer, ProxyScheme, RouteLayer, Routed};
}

/// Redirects: the layer, its policies, and what it tells about a response. See [`treq_redirect`].
pub mod redirect {
    pub use treq_redirect::policy::{Standard, Strict};
    pub use treq_redirect::{
        Action, Attempt, FinalUrl, History, Hop, Policy, Redirect, RedirectFn, RedirectLayer, ReferrerPolicy,
        redirect_fn,
    };
}

/// Retries: the layer, its policies, backoff and budget. See [`treq_retry`].
pub mod retry {
    pub use treq_retry::policy::Standard;
    pub use treq_retry::{
        Action, Attempt, Attempted, Backoff, Budget, Outcome, Policy, ResponseHead, Retry, RetryFn, RetryLayer,
        retry_fn,
    };
}

/// Layers with limits on time. See [`treq_timeout`].
pub mod timeout {
    pub use treq_timeout::{
        ByBody, ConnectTimeout, ConnectTimeoutLayer, Deadline, DeadlineBody, DeadlineLayer, Timeout, TimeoutBody,
        TimeoutLayer, UploadProgress, Uploads,
    };
}
