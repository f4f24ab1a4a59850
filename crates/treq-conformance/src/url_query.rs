//! Pairs in queries and forms, and what stands in a URL beside them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use treq::{Client, RequestBuilder};

use crate::world::{self, Seen};
use crate::{Row, block_on, urls};

pub(crate) fn play(file: &str, row: &Row) -> Result<(), String> {
    match file {
        "userinfo" => userinfo(row),
        "percent-encoding" => query(row),
        "urlencoded" if row.get("expect_pairs").is_some() => arrives(row),
        "urlencoded" => form(row),
        "urltestdata" => urls::play(row),
        "toascii" | "idna-test-v2" => urls::play_host(row),
        _ => Err(format!("nobody knows how {file} is played")),
    }
}

type Pairs = Vec<(String, String)>;

fn pairs(row: &Row, key: &str) -> Result<Pairs, String> {
    let list = row.get(key).and_then(Value::as_array).ok_or_else(|| format!("no {key}"))?;
    let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::String(value)]) => Ok((name.clone(), value.clone())),
        _ => Err(format!("{pair} is no pair")),
    };
    list.iter().map(pair).collect()
}

/// The only request that comes of it.
fn sent(request: impl FnOnce(&Client) -> RequestBuilder) -> Result<Seen, String> {
    let mut played = block_on(world::play(Client::builder(), [world::answer(200, &[])], request))??;
    played.outcome.map_err(|error| error.to_string())?;
    if played.seen.len() != 1 {
        return Err(format!("{} requests", played.seen.len()));
    }
    played.seen.pop().ok_or_else(|| "no request".to_owned())
}

fn query_of(seen: &Seen) -> &str {
    seen.wire.target().split_once('?').map_or("", |(_, query)| query)
}

/// Whoever reads the query as the URL standard has it finds the pairs that it had before it was sent.
fn arrives(row: &Row) -> Result<(), String> {
    let (input, want) = (row.text("input").ok_or("no input")?, pairs(row, "expect_pairs")?);
    if input.contains('#') {
        return Err("a query has no fragment".to_owned());
    }
    let seen = sent(|client| client.get(format!("http://a.test/?{input}")))?;
    let found: Pairs = form_urlencoded::parse(query_of(&seen).as_bytes()).into_owned().collect();
    if found == want { Ok(()) } else { Err(format!("{found:?} arrive, not {want:?}")) }
}

/// A form is written byte for byte as the row says; a query says the same.
fn form(row: &Row) -> Result<(), String> {
    let (given, want) = (pairs(row, "pairs")?, row.text("expect").ok_or("no expectation")?);
    let seen = sent(|client| client.post("http://a.test/").params(&given).form(&given))?;
    let content_type = seen.wire.header("content-type");
    if content_type != Some("application/x-www-form-urlencoded") {
        return Err(format!("Content-Type is {content_type:?}"));
    }
    let query: Pairs = form_urlencoded::parse(query_of(&seen).as_bytes()).into_owned().collect();
    if query != given {
        return Err(format!("as params they are {:?}", query_of(&seen)));
    }
    if *seen.wire.body == *want.as_bytes() {
        Ok(())
    } else {
        Err(format!("{:?}, not {want:?}", String::from_utf8_lossy(&seen.wire.body)))
    }
}

/// A query in each of the charsets that the row knows of.
fn query(row: &Row) -> Result<(), String> {
    let output = row.get("output").and_then(Value::as_object).ok_or("no output")?;
    let found = encoded(row)?;
    for (charset, want) in output {
        if want.as_str() != Some(&found) {
            return Err(format!("{found:?} is sent, not {want} in {charset}"));
        }
    }
    if output.is_empty() { Err("no charset".to_owned()) } else { Ok(()) }
}

/// The row's input as it is sent in a query.
pub(crate) fn encoded(row: &Row) -> Result<String, String> {
    let input = row.text("input").ok_or("no input")?;
    sent(|client| client.get(format!("http://a.test/?{input}"))).map(|seen| query_of(&seen).to_owned())
}

fn userinfo(row: &Row) -> Result<(), String> {
    let url = row.text("url").ok_or("no url")?;
    let want = match row.get("expect_basic_credentials").ok_or("no expectation")? {
        Value::Null => None,
        Value::Array(pair) => match &pair[..] {
            [Value::String(name), Value::String(password)] => {
                Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
            }
            _ => return Err(format!("{pair:?} are no credentials")),
        },
        other => return Err(format!("{other} are no credentials")),
    };
    let seen = sent(|client| client.get(url))?;
    let found = seen.wire.header("authorization");
    if found != want.as_deref() {
        return Err(format!("{found:?} is sent, not {want:?}"));
    }
    let mut head = vec![seen.wire.target(), seen.wire.header("host").unwrap_or_default()];
    head.extend(seen.wire.header("referer"));
    if head.iter().any(|text| text.contains('@')) || seen.url.to_string().contains('@') {
        return Err(format!("{head:?}"));
    }
    Ok(())
}
