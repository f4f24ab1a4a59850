use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use serde_json::{Map, Value, json};

use super::{CUT, ENCODING, TRAILERS, WIRE, json as format};
use crate::cassette::entry::{Entry, Message};
use crate::form;

/// The archive's text.
pub(in crate::cassette) fn write<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let entries: Vec<Value> = entries.map(entry).collect();
    let creator = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
    format::pretty(&json!({ "log": { "version": "1.2", WIRE: true, "creator": creator, "entries": entries } }))
}

fn entry(entry: &Entry) -> Value {
    json!({
        "startedDateTime": entry.started,
        "time": entry.wait + entry.receive,
        "request": request(entry),
        "response": response(entry),
        "cache": {},
        "timings": { "send": 0, "wait": entry.wait, "receive": entry.receive },
    })
}

fn request(entry: &Entry) -> Value {
    let (request, message) = (&entry.request, &entry.request.message);
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let pair = |(name, value): (String, String)| json!({ "name": name, "value": value });
    let cookies = message.headers.get_all(COOKIE).iter().flat_map(cookies);
    let mut object = common(message);
    object.insert("method".to_owned(), request.method.as_str().into());
    object.insert("url".to_owned(), request.url.as_str().into());
    object.insert("httpVersion".to_owned(), version(request.version).into());
    object.insert("queryString".to_owned(), form::pairs(query.as_bytes()).into_iter().map(pair).collect());
    object.insert("cookies".to_owned(), cookies.collect());
    if !message.body.is_empty() {
        let mut posted = json!({ "mimeType": message.field(CONTENT_TYPE) });
        match readable(&message.body) {
            Some(text) => posted["text"] = text.into(),
            None => {
                posted["text"] = STANDARD.encode(&message.body).into();
                posted[ENCODING] = "base64".into();
            }
        }
        object.insert("postData".to_owned(), posted);
    }
    Value::Object(object)
}

fn response(entry: &Entry) -> Value {
    let (response, message) = (&entry.response, &entry.response.message);
    let usual = response.status.canonical_reason().unwrap_or_default();
    let cookies = message.headers.get_all(SET_COOKIE).iter().filter_map(set_cookie);
    let mut content = json!({ "size": message.body.len(), "mimeType": message.field(CONTENT_TYPE) });
    match readable(&message.body) {
        Some(text) => content["text"] = text.into(),
        None => {
            content["text"] = STANDARD.encode(&message.body).into();
            content["encoding"] = "base64".into();
        }
    }
    let mut object = common(message);
    object.insert("status".to_owned(), response.status.as_u16().into());
    object.insert("statusText".to_owned(), response.reason.as_deref().unwrap_or(usual).into());
    object.insert("httpVersion".to_owned(), version(response.version).into());
    object.insert("cookies".to_owned(), cookies.collect());
    object.insert("content".to_owned(), content);
    object.insert("redirectURL".to_owned(), message.field(LOCATION).into());
    Value::Object(object)
}

fn common(message: &Message) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("headers".to_owned(), fields(&message.headers));
    object.insert("headersSize".to_owned(), (-1).into());
    object.insert("bodySize".to_owned(), message.body.len().into());
    if let Some(trailers) = &message.trailers {
        object.insert(TRAILERS.to_owned(), fields(trailers));
    }
    if let Some(cut) = message.cut {
        object.insert(CUT.to_owned(), cut.name().into());
    }
    object
}

fn fields(headers: &HeaderMap) -> Value {
    headers.iter().map(|(name, value)| field(name, value)).collect()
}

fn field(name: &HeaderName, value: &HeaderValue) -> Value {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => json!({ "name": name.as_str(), "value": text }),
        Err(_) => json!({ "name": name.as_str(), "value": STANDARD.encode(value), ENCODING: "base64" }),
    }
}

fn cookies(value: &HeaderValue) -> Vec<Value> {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.trim().split_once('=').unwrap_or(("", pair.trim()));
        json!({ "name": name, "value": value })
    };
    text.split(';').filter(|pair| !pair.trim().is_empty()).map(pair).collect()
}

/// Name and value with the attributes that HAR knows, but for the time of expiry, whose form would have to be changed: it
/// stands in the field.
fn set_cookie(value: &HeaderValue) -> Option<Value> {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = json!({ "name": name, "value": value });
    for attribute in parts {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match name.to_ascii_lowercase().as_str() {
            "path" => cookie["path"] = value.into(),
            "domain" => cookie["domain"] = value.into(),
            "httponly" => cookie["httpOnly"] = true.into(),
            "secure" => cookie["secure"] = true.into(),
            _ => {}
        }
    }
    Some(cookie)
}

/// The body as text, where it is some.
fn readable(body: &[u8]) -> Option<&str> {
    let is_text = |text: &&str| !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t'));
    std::str::from_utf8(body).ok().filter(is_text)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
