//! Coded bodies: what comes out, and what is refused.

use bytes::Bytes;
use serde_json::Value;
use treq::{Client, Kind};
use treq_testing::{RawServer, Step};

use crate::{Row, block_on};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let seen = block_on(exchange(row))??;
    judge(row, seen)
}

type Seen = Result<(Vec<String>, Bytes), treq::Error>;

async fn exchange(row: &Row) -> Result<Seen, String> {
    let encodings = row.get("content_encoding").and_then(Value::as_array).ok_or("no content_encoding")?;
    let body = row.base64("body_b64")?;
    let mut wire = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for encoding in encodings.iter().filter_map(Value::as_str) {
        wire.extend_from_slice(format!("Content-Encoding: {encoding}\r\n").as_bytes());
    }
    wire.extend_from_slice(b"\r\n");
    let head = wire.len();
    wire.extend_from_slice(&body);
    let splits = row.get("stream_split_at").and_then(Value::as_array).cloned().unwrap_or_default();
    let splits = splits.iter().filter_map(|at| Some(head + at.as_u64()? as usize));
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send_split(wire, splits)]).start().await;
    let client = Client::new();
    let sent = async {
        let mut response = client.get(server.url("/")).await?;
        let left = response.headers().get_all("content-encoding").iter();
        let left = left.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        Ok((left, response.content().await?))
    };
    Ok(sent.await)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};

    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn judge(row: &Row, seen: Seen) -> Result<(), String> {
    let expect = row.get("expect").ok_or("no expectation")?;
    let result = expect.get("result").and_then(Value::as_str).ok_or("no result")?;
    let (left, body) = match seen {
        Err(error) if result == "error" && error.kind() == Kind::Decode => return Ok(()),
        Err(_) if row.is_open() || result == "either" => return Ok(()),
        Err(error) => return Err(format!("failed: {error}")),
        Ok((_, body)) if result == "error" => return Err(format!("accepted: {} bytes", body.len())),
        Ok(seen) => seen,
    };
    if expect.get("len").and_then(Value::as_u64).is_some_and(|len| len != body.len() as u64) {
        return Err(format!("{} bytes come out", body.len()));
    }
    let digest = sha256(&body);
    if expect.get("sha256").and_then(Value::as_str).is_some_and(|want| want != digest) {
        return Err("other bytes come out".to_owned());
    }
    let unknown = row.get("content_encoding").and_then(|list| list.get(0)).and_then(Value::as_str).unwrap_or_default();
    match result {
        "passthrough" if left != [unknown] => Err(format!("Content-Encoding is {left:?}")),
        "partial" if left.len() != 1 || !unknown.starts_with(&left[0]) => Err(format!("Content-Encoding is {left:?}")),
        _ => Ok(()),
    }
}
