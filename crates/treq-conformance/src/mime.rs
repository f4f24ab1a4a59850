//! What a `Content-Type` says, and the text that a body is by it.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request};
use serde_json::Value;
use treq::headers::MediaType;
use treq::{Body, Client, Response};

use crate::outgoing_headers::latin1;
use crate::{Row, block_on};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    if row.get("headers").is_some() {
        return combined(row);
    }
    if row.get("body_b64").is_some() {
        return decoded(row);
    }
    let input = row.text("input").ok_or("no input")?;
    let found = input.parse::<MediaType>().ok().map(|media_type| media_type.to_string());
    same(found.as_deref(), row.get("expect"))?;
    match row.get("encoding") {
        None => Ok(()),
        Some(want) => match field(input) {
            Ok(field) => charset(vec![field], want),
            // Such a text is the value of no field: there is only its parameter.
            Err(_) => named(input, want),
        },
    }
}

fn same(found: Option<&str>, want: Option<&Value>) -> Result<(), String> {
    let want = want.ok_or("no expectation")?;
    if !want.is_null() && !want.is_string() {
        return Err(format!("{want} is no media type"));
    }
    if found == want.as_str() { Ok(()) } else { Err(format!("{found:?}, not {want}")) }
}

fn field(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(&latin1(text)?).map_err(|error| error.to_string())
}

fn combined(row: &Row) -> Result<(), String> {
    let fields = row.get("headers").and_then(Value::as_array).ok_or("no headers")?;
    let fields = fields.iter().map(|text| field(text.as_str().ok_or("a header is no text")?));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let response = block_on(answered(fields.clone(), Bytes::new()))??;
    let found = response.content_type().map(|media_type| media_type.to_string());
    same(found.as_deref(), row.get("expect_mime"))?;
    charset(fields, row.get("expect_encoding").ok_or("no expect_encoding")?)
}

fn decoded(row: &Row) -> Result<(), String> {
    let fields = vec![field(row.text("content_type").ok_or("no content_type")?)?];
    let body = row.base64("body_b64")?;
    let always_utf8 = match row.text("group") {
        Some("fetch-text-always-utf8") => true,
        Some("xhr-charset" | "label") => false,
        group => return Err(format!("{group:?} is no way to decode")),
    };
    let text = block_on(async {
        let mut response = answered(fields, body).await?;
        let text = if always_utf8 { response.text_with_charset("utf-8").await } else { response.text().await };
        text.map_err(|error| error.to_string())
    })??;
    let want = row.text("expect").ok_or("no expectation")?;
    if text == want { Ok(()) } else { Err(format!("{text:?}, not {want:?}")) }
}

/// Whether text of this type is in this charset; where there is none, it is UTF-8.
fn charset(fields: Vec<HeaderValue>, want: &Value) -> Result<(), String> {
    let want = match want {
        Value::Null => "utf-8",
        want => want.as_str().ok_or("no charset")?,
    };
    // Bytes that no two charsets of the standard read in the same way.
    let probe: Bytes = (0x80..=0xff).chain([b'1', 0x81, 0x30, b'a']).collect();
    let (found, wanted) = block_on(async {
        let mut response = answered(fields, probe).await?;
        let found = response.text().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((found, response.text_with_charset(want).await.map_err(|error| error.to_string())?))
    })??;
    if found == wanted { Ok(()) } else { Err(format!("text is not in {want}")) }
}

/// The same of a text that stands in no head.
fn named(input: &str, want: &Value) -> Result<(), String> {
    let param = input.parse::<MediaType>().ok().and_then(|media_type| Some(media_type.param("charset")?.to_owned()));
    let found = param.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    let found = found.map(|charset| charset.name());
    if found == want.as_str() { Ok(()) } else { Err(format!("the charset is {found:?}")) }
}

/// The answer of a server with these types.
async fn answered(content_types: Vec<HeaderValue>, body: Bytes) -> Result<Response, String> {
    let client = Client::from_service(tower::service_fn(move |_: Request<Body>| {
        let mut headers = HeaderMap::new();
        for value in &content_types {
            headers.append(CONTENT_TYPE, value.clone());
        }
        let mut response = http::Response::new(Body::from(body.clone()));
        *response.headers_mut() = headers;
        async { Ok::<_, Infallible>(response) }
    }));
    client.get("http://a.test/").await.map_err(|error| error.to_string())
}
