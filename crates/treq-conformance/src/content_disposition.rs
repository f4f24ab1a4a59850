//! What a field says, the field for a file name, and the name to save under.

use std::convert::Infallible;

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, Request};
use serde_json::{Map, Value};
use treq::headers::ContentDisposition;
use treq::{Body, Client, Response};

use crate::outgoing_headers::latin1;
use crate::{Row, block_on};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    if let Some(header) = row.get("expect_header") {
        return create(row, header.as_str().ok_or("the header is no text")?);
    }
    let input = row.text("input").ok_or("no input")?;
    match (row.text("expect_type"), row.text("expect_save_name")) {
        (Some(kind), None) => read(row, input, kind),
        (None, Some(name)) => save_name(input, name),
        _ => Err("no expectation".to_owned()),
    }
}

/// The answer of a server with this field; its URL ends with `default name`, for what has no other.
fn answered(input: &str) -> Result<Response, String> {
    let value = HeaderValue::from_bytes(&latin1(input)?).map_err(|error| error.to_string())?;
    let client = Client::from_service(tower::service_fn(move |_: Request<Body>| {
        let mut response = http::Response::new(Body::empty());
        response.headers_mut().insert(CONTENT_DISPOSITION, value.clone());
        async { Ok::<_, Infallible>(response) }
    }));
    block_on(async { client.get("http://a.test/d/default%20name?q").await })?.map_err(|error| error.to_string())
}

fn read(row: &Row, input: &str, kind: &str) -> Result<(), String> {
    let found = answered(input)?.content_disposition().ok_or("no field is found")?;
    let mut params: Map<String, Value> =
        found.params().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    // The rows have what an encoded parameter means beside what stands there.
    for name in found.params().filter_map(|(name, _)| name.strip_suffix('*')) {
        if let Some(value) = found.param(name) {
            params.insert(name.to_owned(), Value::from(&*value));
        }
    }
    let want = row.get("expect_params").and_then(Value::as_object).ok_or("no expect_params")?;
    if found.kind() == kind && params == *want { Ok(()) } else { Err(format!("{} {params:?}", found.kind())) }
}

/// The header shows what was asked for beside the name: the kind, and a fallback of another text, or none.
fn create(row: &Row, want: &str) -> Result<(), String> {
    let shown = ContentDisposition::parse(want);
    let mut made = ContentDisposition::new(shown.kind());
    if let Some(name) = row.get("filename").filter(|name| !name.is_null()) {
        made = made.with_file_name(name.as_str().ok_or("the file name is no text")?);
        let fallback = |of: &ContentDisposition| {
            of.params().find(|(name, _)| *name == "filename").map(|(_, value)| value.to_owned())
        };
        made = match fallback(&shown) {
            None => made.without_fallback(),
            Some(text) if fallback(&made).as_ref() != Some(&text) => made.with_fallback(&text),
            Some(_) => made,
        };
    }
    let found = made.to_string();
    if found == want { Ok(()) } else { Err(format!("{found:?}, not {want:?}")) }
}

fn save_name(input: &str, want: &str) -> Result<(), String> {
    // What stands at its end in parentheses says why.
    let want = want.strip_suffix(')').and_then(|text| Some(text.rsplit_once(" (")?.0)).unwrap_or(want);
    let found = answered(input)?.file_name();
    if found.as_deref() == Some(want) { Ok(()) } else { Err(format!("{found:?}, not {want:?}")) }
}
