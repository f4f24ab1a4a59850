//! The client behind JSON: calls in, outcomes out.
//!
//! In: `{"opts": {..}, "calls": [..]}`. One client makes all calls, one after the other.
//!
//! | option | means | absent |
//! |---|---|---|
//! | `follow` | redirects are followed | true |
//! | `cookies` | one jar for all calls | false |
//! | `h2` | HTTP/2 with prior knowledge | false |
//! | `timeout_ms` | limit of each call, its body included | 8000 |
//! | `proxy`, `proxies` | one proxy, or one for each host | none |
//! | `env` | the environment: whoever starts the process sets it | |
//!
//! A call has `method` (GET), `url`, `headers`, `body` (text), `cookies` (of this call), `wait_ms` (before it),
//! `cancel_ms` (it is dropped so long after its start), `read: "drop"` (its response is dropped unread) and `max` (it
//! stops reading after so many decoded bytes). Without `max` the whole body is read into memory, which the client
//! limits.
//!
//! Out: `{"calls": [{"outcome": "ok" | "error" | "cancelled", "status", "body" (the first 200 bytes as text),
//! "body_len", "error", "kind"}], "rss_mb": peak, "cpu_ms": user and system}`.
//!
//! Every host name is 127.0.0.1: nothing but loopback is ever contacted.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};
use treq::connect::{Name, Resolve, Resolving};
use treq::options::{Follow, HttpVersion};
use treq::{Client, Error, Proxies, Proxy, RequestBuilder, Response};

use crate::usage;

/// How much of a body is shown.
const SHOWN: usize = 200;
/// The limit of a call that has none of its own.
const TIMEOUT_MS: u64 = 8000;

/// Plays the calls of `plan`: the outcomes, or the reason for which there are none.
///
/// # Errors
///
/// For a plan that is not of this shape, and a client that cannot be built.
pub async fn play(plan: &Value) -> Result<Value, String> {
    let opts = plan.get("opts").unwrap_or(&Value::Null);
    let calls = plan.get("calls").and_then(Value::as_array).ok_or("the input has no \"calls\"")?;
    let client = client(opts).map_err(|error| text_of(&error))?;
    let mut outcomes = Vec::with_capacity(calls.len());
    for call in calls {
        outcomes.push(outcome(&client, opts, call).await);
    }
    let used = usage::of_this_process();
    Ok(json!({ "calls": outcomes, "rss_mb": used.peak_mb, "cpu_ms": used.cpu_ms }))
}

fn is_given(object: &Value, name: &str) -> bool {
    match object.get(name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

fn client(opts: &Value) -> Result<Client, Error> {
    // From 127.0.0.1 there is no way off this machine, so that an address in a URL leads nowhere else either.
    let tcp = treq::connect::TcpConnect::new().resolver(Home).local_address(IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut builder = Client::builder().tcp(tcp);
    if opts.get("h2").and_then(Value::as_bool) == Some(true) {
        builder = builder.http_version(HttpVersion::Http2);
    }
    if !is_given(opts, "cookies") {
        builder = builder.without_cookies();
    }
    if let Some(proxies) = proxies(opts)? {
        builder = builder.proxy(proxies);
    }
    builder.build()
}

/// The proxies that the calls go through, where there are any.
fn proxies(opts: &Value) -> Result<Option<Proxies>, Error> {
    if let Some(proxy) = opts.get("proxy").and_then(Value::as_str) {
        return Ok(Some(Proxies::all(Proxy::try_from(proxy)?)));
    }
    if let Some(map) = opts.get("proxies").and_then(Value::as_object) {
        let of_host =
            |(host, proxy): (&String, &Value)| Ok((host.clone(), Proxy::try_from(proxy.as_str().unwrap_or_default())?));
        let map = map.iter().map(of_host).collect::<Result<HashMap<_, _>, Error>>()?;
        return Ok(Some(Proxies::custom(move |url| map.get(url.host()?).cloned())));
    }
    is_given(opts, "env").then(Proxies::from_env).transpose()
}

/// What came of one call.
async fn outcome(client: &Client, opts: &Value, call: &Value) -> Value {
    if let Some(wait) = millis(call, "wait_ms") {
        tokio::time::sleep(wait).await;
    }
    let limit = millis(opts, "timeout_ms").unwrap_or(Duration::from_millis(TIMEOUT_MS));
    let request = request(client, opts, call, limit);
    let whole = exchange(request, call);
    let result = match millis(call, "cancel_ms") {
        Some(after) => match tokio::time::timeout(after, whole).await {
            Ok(result) => result,
            Err(_) => return json!({ "outcome": "cancelled" }),
        },
        None => whole.await,
    };
    match result {
        Ok(Read { status, shown, len }) => {
            json!({ "outcome": "ok", "status": status, "body": String::from_utf8_lossy(&shown), "body_len": len })
        }
        Err(error) => {
            json!({ "outcome": "error", "error": text_of(&error), "kind": format!("{:?}", error.kind()) })
        }
    }
}

fn request(client: &Client, opts: &Value, call: &Value, limit: Duration) -> RequestBuilder {
    let text = |key: &str| call.get(key).and_then(Value::as_str);
    let mut request = client.request(text("method").unwrap_or("GET"), text("url").unwrap_or_default());
    for (name, value) in call.get("headers").and_then(Value::as_object).into_iter().flat_map(Map::iter) {
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            request = request.header(name.as_str(), value.as_str().unwrap_or_default());
        }
    }
    if let Some(body) = text("body") {
        request = request.body(body.to_owned());
    }
    if opts.get("follow").and_then(Value::as_bool) == Some(false) {
        request = request.redirects(Follow::None);
    }
    let cookies = call.get("cookies").and_then(Value::as_object).into_iter().flat_map(Map::iter);
    request.cookies(cookies.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))).timeout(limit)
}

/// As much of an answer as is reported.
struct Read {
    status: u16,
    shown: Bytes,
    len: usize,
}

async fn exchange(request: RequestBuilder, call: &Value) -> Result<Read, Error> {
    let mut response = request.await?;
    let status = response.status().as_u16();
    if call.get("read").and_then(Value::as_str) == Some("drop") {
        return Ok(Read { status, shown: Bytes::new(), len: 0 });
    }
    let (shown, len) = match call.get("max").and_then(Value::as_u64) {
        Some(max) => read_up_to(&mut response, usize::try_from(max).unwrap_or(usize::MAX)).await?,
        None => {
            let whole = response.content().await?;
            (whole.slice(..whole.len().min(SHOWN)), whole.len())
        }
    };
    Ok(Read { status, shown, len })
}

/// The beginning of the body and how much was read of it: to the first piece that reaches `max`.
async fn read_up_to(response: &mut Response, max: usize) -> Result<(Bytes, usize), Error> {
    let (mut shown, mut len) = (BytesMut::new(), 0);
    while len < max {
        let Some(piece) = response.chunk().await? else { break };
        len += piece.len();
        shown.extend_from_slice(&piece[..piece.len().min(SHOWN - shown.len())]);
    }
    Ok((shown.freeze(), len))
}

fn millis(object: &Value, key: &str) -> Option<Duration> {
    object.get(key).and_then(Value::as_u64).map(Duration::from_millis)
}

/// The error with its sources.
fn text_of(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Every name is at home.
struct Home;

impl Resolve for Home {
    fn resolve(&self, name: Name) -> Resolving {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, name.port()));
        Box::pin(std::future::ready(Ok(vec![here].into())))
    }
}
