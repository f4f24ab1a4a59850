//! Raw response bytes after one request: what does the caller see?

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use treq::Client;
use treq::options::OnInformational;
use treq_testing::{RawServer, Step};

use crate::row::bytes;
use crate::{Row, block_on};

/// What came of the request.
#[derive(Debug)]
pub(crate) struct Seen {
    status: u16,
    reason: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
    informational: Vec<u16>,
}

/// A client that waits longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(5);

const HEALTHY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhealthy";

pub(crate) fn play(file: &str, row: &Row) -> Result<(), String> {
    let seen = block_on(exchange(row))??;
    if file == "llhttp" { judge_llhttp(row, &seen) } else { judge(row, &seen) }
}

/// The exchange of the row, then a healthy one by the same client, which nothing of the first may disturb.
async fn exchange(row: &Row) -> Result<Result<Seen, treq::Error>, String> {
    let method = row.text("method").unwrap_or("GET");
    let splits = row.get("stream_split_at").and_then(Value::as_array).cloned().unwrap_or_default();
    let splits = splits.iter().filter_map(|at| Some(at.as_u64()? as usize));
    let mut wire = row.bytes("response")?.to_vec();
    wire.extend_from_slice(&row.bytes("extra_after")?);
    let close = row.get("close_after").and_then(Value::as_bool).unwrap_or(true);
    let mut script = vec![Step::ReadRequest, Step::send_split(wire, splits)];
    script.extend(if close { vec![Step::Close] } else { vec![Step::ReadRequest, Step::send(HEALTHY)] });
    let server = RawServer::builder()
        .connection(script)
        .connection([Step::ReadRequest, Step::send(HEALTHY), Step::Again])
        .repeat_last()
        .start()
        .await;
    // The default limit on fields is 100; that more are a matter of a setting is what the rows ask.
    let client = Client::builder().max_headers(256).build().map_err(|error| error.to_string())?;
    let url = server.url("/");
    let seen =
        tokio::time::timeout(PATIENCE, send(&client, method, &url)).await.map_err(|_| "the client hangs".to_owned())?;
    let healthy = tokio::time::timeout(PATIENCE, send(&client, "GET", &url)).await;
    match healthy {
        Ok(Ok(next)) if next.body == "healthy" => Ok(seen),
        Ok(Ok(next)) => Err(format!("the next request was answered with {:?}", next.body)),
        Ok(Err(error)) => Err(format!("the next request failed: {error}")),
        Err(_) => Err("the next request hangs".to_owned()),
    }
}

async fn send(client: &Client, method: &str, url: &str) -> Result<Seen, treq::Error> {
    let interim = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&interim);
    let note = OnInformational::new(move |head| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(head.status().as_u16());
    });
    let mut response = client.request(method, url).redirects(treq::options::Follow::None).extension(note).await?;
    let body = response.content().await?;
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let informational = interim.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let reason = response.reason().to_owned();
    Ok(Seen { status: response.status().as_u16(), reason, headers, body, informational })
}

fn judge(row: &Row, seen: &Result<Seen, treq::Error>) -> Result<(), String> {
    if seen.is_err() && row.admits_error() {
        return Ok(());
    }
    let mut why = Vec::new();
    for expect in row.expected() {
        match matches(expect, seen) {
            Ok(()) => return Ok(()),
            Err(difference) => why.push(difference),
        }
    }
    Err(why.join("; or "))
}

fn matches(expect: &Value, seen: &Result<Seen, treq::Error>) -> Result<(), String> {
    let wants_error = expect.get("error").is_some_and(|error| error.as_bool() != Some(false));
    let seen = match seen {
        Err(_) if wants_error => return Ok(()),
        Err(error) => return Err(format!("failed: {}", chain(error))),
        Ok(seen) if wants_error => return Err(format!("accepted: {} {:?}", seen.status, seen.body)),
        Ok(seen) => seen,
    };
    let compare = |what: &str, same: bool, got: String| if same { Ok(()) } else { Err(format!("{what} is {got}")) };
    if let Some(status) = expect.get("status").and_then(Value::as_u64) {
        compare("status", u64::from(seen.status) == status, seen.status.to_string())?;
    }
    if let Some(reason) = expect.get("reason").and_then(Value::as_str) {
        compare("reason", seen.reason == reason, format!("{:?}", seen.reason))?;
    }
    if let Some(text) = expect.get("body_text").and_then(Value::as_str) {
        compare("body", seen.body == text, format!("{:?}", seen.body))?;
    }
    if let Some(body) = expect.get("body") {
        compare("body", seen.body == bytes(body)?, format!("{:?}", seen.body))?;
    }
    if let Some(len) = expect.get("body_len").and_then(Value::as_u64) {
        compare("body length", seen.body.len() as u64 == len, seen.body.len().to_string())?;
    }
    if let Some(statuses) = expect.get("informational").and_then(Value::as_array) {
        let want: Vec<u16> = statuses.iter().filter_map(|status| status.as_u64()?.try_into().ok()).collect();
        compare("informational", seen.informational == want, format!("{:?}", seen.informational))?;
    }
    for (name, value) in pairs(expect.get("headers")) {
        let has = seen.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value.as_bytes());
        compare(&format!("header {name}"), has, format!("{:?}", seen.values(name)))?;
    }
    for (name, value) in pairs(expect.get("headers_combined")) {
        let combined = seen.values(name).join(", ");
        compare(&format!("header {name}"), combined == value, format!("{combined:?}"))?;
    }
    Ok(())
}

/// Only the first message counts: parsed as llhttp parses it, or refused.
fn judge_llhttp(row: &Row, seen: &Result<Seen, treq::Error>) -> Result<(), String> {
    let Ok(seen) = seen else { return Ok(()) };
    let expect = row.get("expect").ok_or("no expectation")?;
    let first = expect.get("messages").and_then(|messages| messages.get(0)).ok_or("no message")?;
    let complete = first.get("complete").and_then(Value::as_bool) == Some(true);
    if !complete && !expect.get("error").is_none_or(Value::is_null) {
        return Err(format!("accepted: {} {:?}", seen.status, seen.body));
    }
    if first.get("status").and_then(Value::as_u64) != Some(u64::from(seen.status)) {
        return Err(format!("status is {}", seen.status));
    }
    let body = first.get("body").map_or(Ok(Bytes::new()), bytes)?;
    if body != seen.body {
        return Err(format!("body is {:?}", seen.body));
    }
    for (name, value) in pairs(first.get("headers")) {
        if !seen.values(name).iter().any(|v| v == value) {
            return Err(format!("header {name} is {:?}", seen.values(name)));
        }
    }
    Ok(())
}

impl Seen {
    fn values(&self, name: &str) -> Vec<String> {
        let named = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }
}

fn pairs(value: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
}

/// An error with its sources.
pub(crate) fn chain(error: &treq::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}
