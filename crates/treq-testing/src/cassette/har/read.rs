use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use serde_json::Value;

use super::{CUT, ENCODING, TRAILERS, WIRE};
use crate::cassette::entry::{Answer, Asked, Cut, Entry, Message};

/// The archive's entries, or where it is none and why.
///
/// What no server has answered (a status of 0, as browsers write for a request that was blocked) and what changed the
/// protocol is left out.
pub(in crate::cassette) fn read(text: &str) -> Result<Vec<Entry>, String> {
    // A byte order mark stands before what some tools export.
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let root = At { value: &value, path: String::new() };
    let log = root.member("log")?;
    let is_wire = log.value.get(WIRE) == Some(&Value::Bool(true));
    let entries = log.member("entries")?.items()?;
    entries.iter().filter_map(|at| entry(at, is_wire).transpose()).collect()
}

/// A value and its place.
struct At<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> At<'a> {
    fn of(&self, name: &str, value: &'a Value) -> At<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        At { value, path }
    }

    fn maybe(&self, name: &str) -> Option<At<'a>> {
        self.value.get(name).filter(|value| !value.is_null()).map(|value| self.of(name, value))
    }

    fn member(&self, name: &str) -> Result<At<'a>, String> {
        self.maybe(name).ok_or_else(|| self.of(name, self.value).wrong("it is missing"))
    }

    fn items(&self) -> Result<Vec<At<'a>>, String> {
        let items = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        let item = |(at, value)| At { value, path: format!("{}[{at}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn list(&self, name: &str) -> Result<Vec<At<'a>>, String> {
        self.maybe(name).map_or(Ok(Vec::new()), |list| list.items())
    }

    fn text(&self) -> Result<&'a str, String> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    fn text_of(&self, name: &str) -> Result<&'a str, String> {
        self.maybe(name).map_or(Ok(""), |member| member.text())
    }

    fn expected(&self, what: &str) -> String {
        let is = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.wrong(format!("{what} is expected, and there is {is}"))
    }

    fn wrong(&self, why: impl Display) -> String {
        format!("{}: {why}", self.path)
    }
}

/// The beginning of a text that is wrong: enough to find it by.
fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(100).collect();
    if chars.next().is_some() { shown + "…" } else { shown }
}

fn entry(at: &At<'_>, is_wire: bool) -> Result<Option<Entry>, String> {
    let (asked, answered) = (at.member("request")?, at.member("response")?);
    let status = answered.member("status")?;
    // Some tools write every number with a point.
    let code = status.value.as_f64().ok_or_else(|| status.expected("a number"))?;
    let known = (0..=999_u16).find(|known| f64::from(*known) == code);
    if matches!(known, Some(0 | 101)) {
        return Ok(None);
    }
    let known = known.and_then(|known| StatusCode::from_u16(known).ok()).filter(|known| !known.is_informational());
    let code = known
        .ok_or_else(|| status.wrong(format!("{} is no status of a final answer: 200 to 999 are", status.value)))?;
    let request = request(&asked)?;
    let response = response(&answered, code, request.method == Method::HEAD, is_wire)?;
    let millis = |name| at.maybe("timings").and_then(|timings| timings.value.get(name)?.as_u64()).unwrap_or_default();
    let started = at.text_of("startedDateTime")?.to_owned();
    Ok(Some(Entry { started, wait: millis("wait"), receive: millis("receive"), request, response }))
}

fn request(at: &At<'_>) -> Result<Asked, String> {
    let (method, url) = (at.member("method")?, at.member("url")?);
    let name = method.text()?;
    let posted = at.maybe("postData");
    let body = match &posted {
        None => Bytes::new(),
        Some(posted) if posted.maybe("text").is_some() => content(posted, ENCODING)?,
        Some(posted) => params(posted)?,
    };
    let mut message = message(at, body)?;
    let kind = posted.as_ref().map_or(Ok(""), |posted| posted.text_of("mimeType"))?;
    if posted.is_some_and(|posted| posted.maybe("text").is_none()) && !kind.contains("urlencoded") {
        message.cut = Some(Cut::Absent);
    }
    if let (false, Ok(kind)) = (message.headers.contains_key("content-type"), HeaderValue::from_str(kind)) {
        if !kind.is_empty() {
            message.headers.insert("content-type", kind);
        }
    }
    let url = url.text()?.split('#').next().unwrap_or_default().to_owned();
    let method =
        Method::from_bytes(name.as_bytes()).map_err(|_| method.wrong(format!("{:?} is no method", shown(name))))?;
    Ok(Asked { method, url, version: version(at.text_of("httpVersion")?), message })
}

fn response(at: &At<'_>, status: StatusCode, is_head: bool, is_wire: bool) -> Result<Answer, String> {
    let body = at.maybe("content");
    let text = body.as_ref().map_or(Ok(Bytes::new()), |body| content(body, "encoding"))?;
    let mut message = message(at, text)?;
    let has_none = is_head || matches!(status.as_u16(), 204 | 205 | 304);
    if !is_wire && !has_none {
        // A browser keeps what it shows: decoded, whatever the fields say of what came.
        let headers = &message.headers;
        let is_gzip = message.field(CONTENT_ENCODING).eq_ignore_ascii_case("gzip");
        let is_coded = is_gzip && message.body.starts_with(&[0x1f, 0x8b]);
        let was = |name: &HeaderName| {
            name == TRANSFER_ENCODING || name == CONTENT_LENGTH || name == CONTENT_ENCODING && !is_coded
        };
        let kept = headers.iter().filter(|(name, _)| !was(name));
        message.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        let is_there = body.as_ref().is_some_and(|body| body.maybe("text").is_some());
        let size = body.as_ref().and_then(|body| body.value.get("size")?.as_i64()).unwrap_or_default();
        if !is_there && size > 0 {
            message.cut = Some(Cut::Absent);
        }
    }
    let reason = at.text_of("statusText")?;
    let version = version(at.text_of("httpVersion")?);
    let is_usual = reason == status.canonical_reason().unwrap_or_default() || reason.is_empty() && !is_wire;
    // HTTP/2 has no reasons; what stands there is a browser's own.
    let is_usual = is_usual || version > Version::HTTP_11;
    let reason = (!is_usual).then(|| reason.to_owned());
    Ok(Answer { status, reason, version, message })
}

fn message(at: &At<'_>, body: Bytes) -> Result<Message, String> {
    let headers = fields(&at.list("headers")?)?;
    let trailers = at.maybe(TRAILERS).map(|list| fields(&list.items()?)).transpose()?;
    let cut = at.maybe(CUT).map(|cut| Cut::named(cut.text()?).ok_or_else(|| cut.wrong("no reason that is known")));
    Ok(Message { headers, body, trailers, cut: cut.transpose()? })
}

fn fields(list: &[At<'_>]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for field in list {
        let (name, value) = (field.member("name")?, field.member("value")?);
        let text = name.text()?;
        // `:authority` and its like are what HTTP/2 makes of the first line.
        if text.starts_with(':') {
            continue;
        }
        let key = HeaderName::from_bytes(text.as_bytes())
            .map_err(|_| name.wrong(format!("{:?} is no field name", shown(text))))?;
        let bytes = content_of(&value, field.text_of(ENCODING)?)?;
        // Several values of one name are joined by line ends in what some browsers export.
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = HeaderValue::from_bytes(line).map_err(|_| value.wrong("it cannot be the value of a field"))?;
            headers.append(key.clone(), line);
        }
    }
    Ok(headers)
}

/// The text of a body, which need not be there.
fn content(at: &At<'_>, encoding: &str) -> Result<Bytes, String> {
    at.maybe("text").map_or(Ok(Bytes::new()), |text| content_of(&text, at.text_of(encoding)?))
}

fn content_of(text: &At<'_>, encoding: &str) -> Result<Bytes, String> {
    match encoding {
        "" => Ok(Bytes::copy_from_slice(text.text()?.as_bytes())),
        "base64" => {
            let packed: String = text.text()?.chars().filter(|char| !char.is_whitespace()).collect();
            STANDARD.decode(packed).map(Bytes::from).map_err(|error| text.wrong(format!("it is no base64: {error}")))
        }
        other => Err(text.wrong(format!("the encoding {:?} is not known: base64 is, and none", shown(other)))),
    }
}

/// A form that is kept as its pairs only.
fn params(posted: &At<'_>) -> Result<Bytes, String> {
    let mut text = String::new();
    for param in posted.list("params")? {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&encoded(param.text_of("name")?));
        text.push('=');
        text.push_str(&encoded(param.text_of("value")?));
    }
    Ok(text.into())
}

/// As a form is sent; what is encoded already, as some tools leave it, stays so.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*' | b'+' | b'%');
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'+' | b'%' => format!("%{byte:02X}"),
        _ if is_plain(byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Tools write `h2`, `http/2.0`, `HTTP/2`, `unknown`.
fn version(text: &str) -> Version {
    match text.to_ascii_lowercase().as_str() {
        "http/0.9" => Version::HTTP_09,
        "http/1.0" => Version::HTTP_10,
        text if text.starts_with("h2") || text.starts_with("http/2") => Version::HTTP_2,
        text if text.starts_with("h3") || text.starts_with("http/3") => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}
