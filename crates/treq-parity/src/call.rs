//! A call as the cases write it, made of our client.

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use treq::{Body, Client, Cookie, Jar, Part, RequestBuilder};

use crate::json::{self, Json};

/// A request that is ready to be sent.
pub(crate) struct Call {
    pub(crate) request: RequestBuilder,
    /// The map of fields that the caller still has.
    pub(crate) headers: Option<HeaderMap>,
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An argument of this kind does not compile.
    NoCounterpart(&'static str),
    /// The case is not understood.
    Unknown(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Refusal {
        Refusal::Unknown(why)
    }
}

/// The URL as text.
pub(crate) fn url(url: &Json) -> Result<String, Refusal> {
    if let Some(text) = url.text() {
        return Ok(text.to_owned());
    }
    let marked = ["decoded_url", "encoded_url"].into_iter().find_map(|mark| url.marked(mark)?.text());
    match (marked, url.marked("bytes").and_then(Json::text)) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(bytes)) => String::from_utf8(json::bytes(bytes)?)
            .map_err(|_| Refusal::NoCounterpart("a URL of bytes that are no text")),
        (None, None) => Err(Refusal::NoCounterpart("a URL that is no text")),
    }
}

/// Makes the call on `client`. `below`: what is not an argument, such as the boundary.
pub(crate) fn make(client: &Client, call: &Json) -> Result<Call, Refusal> {
    let method = call.get("method").and_then(Json::text).ok_or("the call has no method".to_owned())?;
    let url = url(call.get("url").ok_or("the call has no url".to_owned())?)?;
    let mut made = Call { request: client.request(method, url), headers: None };
    // Here what is said last counts; there credentials win over fields, whatever their order.
    let mut arguments: Vec<_> = call.map().unwrap_or_default().iter().collect();
    arguments.sort_by_key(|(name, _)| name == "auth");
    let has_files = call.get("files").is_some_and(|files| !files.is_falsy());
    for (name, value) in arguments {
        made = match name.as_str() {
            "method" | "url" => made,
            "params" => Call { request: params(made.request, value)?, ..made },
            "headers" => headers(made, value)?,
            "data" => Call { request: data(made.request, value, has_files)?, ..made },
            "files" => Call { request: files(made.request, value)?, ..made },
            "json" => Call { request: as_json(made.request, value), ..made },
            "auth" => Call { request: auth(made.request, value)?, ..made },
            "cookies" => Call { request: cookies(made.request, value)?, ..made },
            "allow_redirects" if value.is_falsy() => Call { request: made.request.allow_redirects(false), ..made },
            "browser_like_redirects" if !value.is_falsy() => {
                Call { request: made.request.browser_like_redirects(), ..made }
            }
            "persistent" => Call { request: made.request.persistent(*value != Json::Bool(false)), ..made },
            "timeout" => Call { request: timeout(made.request, value)?, ..made },
            // Streams are never kept: there is nothing to switch off.
            "allow_redirects" | "browser_like_redirects" | "unbuffered" => made,
            _ => return Err(Refusal::NoCounterpart("an argument that is not known")),
        };
    }
    Ok(made)
}

fn timeout(request: RequestBuilder, value: &Json) -> Result<RequestBuilder, Refusal> {
    match value {
        value if value.is_falsy() => Ok(request),
        Json::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0);
            let seconds = seconds.ok_or(Refusal::NoCounterpart("a timeout below zero"))?;
            Ok(request.timeout(Duration::from_secs_f64(seconds)))
        }
        _ => Err(Refusal::NoCounterpart("a timeout that is no duration")),
    }
}

/// A text or bytes, as bytes.
fn octets(value: &Json) -> Option<Result<Vec<u8>, String>> {
    match value {
        Json::Text(text) => Some(Ok(text.clone().into_bytes())),
        _ => value.marked("bytes").and_then(Json::text).map(json::bytes),
    }
}

/// Pairs in all the ways in which they are written.
fn pairs(value: &Json) -> Result<Vec<(String, Json)>, Refusal> {
    if let Some(list) = value.marked("pairs").or(value.marked("tuple")).unwrap_or(value).list() {
        return list.iter().map(pair).collect();
    }
    match value {
        Json::Map(map) if value.marked("bytes").is_none() && value.marked("file").is_none() => {
            map.iter().map(|(name, value)| Ok((name.clone(), plain(value)?))).collect()
        }
        _ => Err(Refusal::NoCounterpart("pairs that are none")),
    }
}

fn pair(value: &Json) -> Result<(String, Json), Refusal> {
    match value.marked("tuple").unwrap_or(value).list() {
        Some([name, value]) => {
            let name = match plain(name)? {
                Json::Text(name) => name,
                Json::List(_) | Json::Map(_) => return Err(Refusal::NoCounterpart("a list as a key")),
                other => other.to_string(),
            };
            Ok((name, plain(value)?))
        }
        _ => Err(Refusal::NoCounterpart("pairs that are none")),
    }
}

/// Values of pairs: bytes that are text as text, tuples as lists.
fn plain(value: &Json) -> Result<Json, Refusal> {
    if let Some(bytes) = value.marked("bytes").and_then(Json::text) {
        let text = String::from_utf8(json::bytes(bytes)?);
        return text.map(Json::Text).map_err(|_| Refusal::NoCounterpart("bytes that are no UTF-8 in pairs"));
    }
    match value.marked("tuple").unwrap_or(value) {
        Json::List(list) => list.iter().map(plain).collect::<Result<_, _>>().map(Json::List),
        Json::Map(_) => Err(Refusal::NoCounterpart("a map as the value of a pair")),
        other => Ok(other.clone()),
    }
}

fn params(request: RequestBuilder, value: &Json) -> Result<RequestBuilder, Refusal> {
    match value {
        Json::Null => Ok(request),
        Json::Text(text) => Ok(request.params(text)),
        Json::Number(_) | Json::Bool(_) => Ok(request.params(value)),
        _ => Ok(request.params(pairs(value)?)),
    }
}

fn headers(made: Call, value: &Json) -> Result<Call, Refusal> {
    if value.is_falsy() && value.list().is_none() {
        return Ok(made);
    }
    if let Some(all) = value.marked("headers_object").and_then(Json::list) {
        let map = header_map(all)?;
        return Ok(Call { request: made.request.headers(&map), headers: Some(map) });
    }
    if let Some(list) = value.list() {
        let fields = list.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let fields = fields.into_iter().map(|(name, value)| (name, value.text().unwrap_or_default().to_owned()));
        return Ok(Call { request: made.request.headers(fields.collect::<Vec<_>>()), ..made });
    }
    let Some(map) = value.map() else { return Err(Refusal::NoCounterpart("headers that are no pairs")) };
    let mut request = made.request;
    for (name, values) in map {
        let values = if let Some(list) = values.list() { list } else { std::slice::from_ref(values) };
        for value in values {
            request = match value {
                Json::Text(text) => request.header(name.as_str(), text.as_str()),
                _ => {
                    let bytes = octets(value).ok_or(Refusal::NoCounterpart("a header value that is no text"))??;
                    request.header(name.as_str(), bytes.as_slice())
                }
            };
        }
    }
    Ok(Call { request, ..made })
}

fn header_map(all: &[Json]) -> Result<HeaderMap, Refusal> {
    let mut map = HeaderMap::new();
    for field in all {
        let [name, values] = field.list().unwrap_or_default() else {
            return Err(Refusal::Unknown(format!("{field} is no field")));
        };
        let name = octets(name).ok_or(format!("{name} is no name"))??;
        let name = HeaderName::from_bytes(&name).map_err(|error| error.to_string())?;
        for value in values.list().unwrap_or_default() {
            let value = octets(value).ok_or(format!("{value} is no value"))??;
            map.append(&name, HeaderValue::from_bytes(&value).map_err(|error| error.to_string())?);
        }
    }
    Ok(map)
}

fn data(request: RequestBuilder, value: &Json, beside_files: bool) -> Result<RequestBuilder, Refusal> {
    match value {
        Json::Null | Json::Bool(false) => Ok(request),
        Json::Number(_) if value.is_falsy() => Ok(request),
        Json::Number(_) | Json::Bool(true) => Err(Refusal::NoCounterpart("data that is a number")),
        Json::Text(text) if text.is_empty() => Ok(request),
        Json::Text(text) => Ok(request.data(text.clone())),
        _ => match (octets(value), file(value)) {
            (Some(bytes), _) => Ok(request.data(bytes?)),
            (None, Some(file)) => Ok(request.data(file?.0)),
            (None, None) if beside_files && bytes_of(value).is_some() => {
                // Bytes that are no text are a part of their own.
                Ok(request.files(bytes_of(value).transpose()?.unwrap_or_default()))
            }
            (None, None) => Ok(request.data(pairs(value)?)),
        },
    }
}

/// The parts of a map whose values are all bytes.
fn bytes_of(value: &Json) -> Option<Result<Vec<(String, Part)>, String>> {
    let part = |(name, value): &(String, Json)| {
        let bytes = value.marked("bytes").and_then(Json::text)?;
        Some(json::bytes(bytes).map(|bytes| (name.clone(), Part::bytes(bytes))))
    };
    value.map()?.iter().map(part).collect()
}

/// An open file, and the name that it has.
fn file(value: &Json) -> Option<Result<(std::fs::File, Option<String>), String>> {
    let content = value.get("file")?.text()?;
    let position = value.get("position").and_then(Json::number).unwrap_or(0);
    let name = value.get("name").and_then(Json::text);
    let name = name.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned());
    let opened = || {
        let mut file = tempfile::tempfile().map_err(|error| error.to_string())?;
        file.write_all(&json::bytes(content)?).map_err(|error| error.to_string())?;
        file.seek(SeekFrom::Start(position)).map_err(|error| error.to_string())?;
        Ok((file, name))
    };
    Some(opened())
}

fn files(request: RequestBuilder, value: &Json) -> Result<RequestBuilder, Refusal> {
    if value.is_falsy() {
        return Ok(request);
    }
    let list = match value.map() {
        Some(map) if value.marked("tuple").is_none() => {
            map.iter().map(|(name, value)| Ok((name.clone(), part(value)?))).collect::<Result<Vec<_>, Refusal>>()?
        }
        _ => {
            let list = value.marked("tuple").unwrap_or(value).list();
            let list = list.ok_or(Refusal::NoCounterpart("files that are no pairs"))?;
            list.iter().map(named_part).collect::<Result<Vec<_>, Refusal>>()?
        }
    };
    Ok(request.files(list))
}

fn named_part(value: &Json) -> Result<(String, Part), Refusal> {
    match value.marked("tuple").unwrap_or(value).list() {
        Some([Json::Text(name), value]) => Ok((name.clone(), part(value)?)),
        _ => Err(Refusal::NoCounterpart("files that are no pairs")),
    }
}

/// A file alone, or with its name, or with name and type.
pub(crate) fn part(value: &Json) -> Result<Part, Refusal> {
    let Some(tuple) = value.marked("tuple").unwrap_or(value).list() else { return content(value) };
    let (name, kind, value) = match tuple {
        [name, value] => (name, &Json::Null, value),
        [name, kind, value] => (name, kind, value),
        _ => return Err(Refusal::NoCounterpart("a tuple of another length for a file")),
    };
    let mut part = content(value)?;
    // An empty name means none there.
    if let Some(name) = name.text().filter(|name| !name.is_empty()) {
        part = part.file_name(name);
    }
    if let Some(kind) = kind.text().filter(|kind| !kind.is_empty()) {
        part = part.content_type(kind);
    }
    Ok(part)
}

fn content(value: &Json) -> Result<Part, Refusal> {
    if let Some(file) = file(value) {
        let (file, name) = file?;
        let part = Part::std_file(file);
        return Ok(match name {
            Some(name) => part.file_name(name),
            None => part,
        });
    }
    if let Some(text) = value.text() {
        if let Some(content) =
            text.strip_prefix("<stream of unknown length yielding ").and_then(|it| it.strip_suffix('>'))
        {
            return Ok(Part::stream(Unsized(Body::from(content.to_owned()))));
        }
        if let Some(content) = text.strip_prefix("<file ").and_then(|it| it.strip_suffix('>')) {
            return Ok(Part::std_file(written(content.as_bytes())?));
        }
        return Ok(Part::text(text));
    }
    match octets(value) {
        Some(bytes) => Ok(Part::bytes(bytes?)),
        None => Err(Refusal::NoCounterpart("a file that is neither file nor bytes nor text")),
    }
}

fn written(content: &[u8]) -> Result<std::fs::File, String> {
    let mut file = tempfile::tempfile().map_err(|error| error.to_string())?;
    file.write_all(content).and_then(|()| file.rewind()).map_err(|error| error.to_string())?;
    Ok(file)
}

fn as_json(request: RequestBuilder, value: &Json) -> RequestBuilder {
    match value.marked("float").and_then(Json::text).and_then(|text| text.parse::<f64>().ok()) {
        Some(float) => request.json(float),
        None => request.json(untupled(value)),
    }
}

fn untupled(value: &Json) -> Json {
    match value.marked("tuple").unwrap_or(value) {
        Json::List(list) => Json::List(list.iter().map(untupled).collect()),
        Json::Map(map) => Json::Map(map.iter().map(|(name, value)| (name.clone(), untupled(value))).collect()),
        other => other.clone(),
    }
}

fn auth(request: RequestBuilder, value: &Json) -> Result<RequestBuilder, Refusal> {
    if value.is_falsy() {
        return Ok(request);
    }
    let tuple = value.marked("tuple").and_then(Json::list);
    let Some([user, password]) = tuple else { return Err(Refusal::NoCounterpart("auth that is no pair")) };
    match (octets(user), octets(password)) {
        (Some(user), Some(password)) => Ok(request.basic_auth(user?, password?)),
        _ => Err(Refusal::NoCounterpart("auth that is no pair of texts")),
    }
}

pub(crate) fn cookies(request: RequestBuilder, value: &Json) -> Result<RequestBuilder, Refusal> {
    if let Some(jar) = value.marked("cookie_jar") {
        return Ok(request.jar(jar_of(jar)?));
    }
    let Some(map) = value.map() else {
        return if value.is_falsy() { Ok(request) } else { Err(Refusal::NoCounterpart("cookies that are no pairs")) };
    };
    let pairs = map.iter().map(|(name, value)| match octets(value) {
        Some(value) => Ok((name.clone(), value?)),
        None => Err(Refusal::NoCounterpart("a cookie whose value is no text")),
    });
    Ok(request.cookies(pairs.collect::<Result<Vec<_>, Refusal>>()?))
}

/// A jar with the cookies of such a list.
pub(crate) fn jar_of(list: &Json) -> Result<Jar, String> {
    let jar = Jar::new();
    for cookie in list.list().ok_or("a jar is a list of cookies")? {
        let text = |key: &str| cookie.get(key).and_then(Json::text).unwrap_or_default();
        let secure = cookie.get("secure") == Some(&Json::Bool(true));
        let scheme = if secure { "https" } else { "http" };
        let domain = text("domain");
        let url = format!("{scheme}://{}/", domain.trim_start_matches('.'));
        let mut made = Cookie::builder(&url, text("name"), text("value")).secure(secure);
        if let Some(domain) = domain.strip_prefix('.') {
            made = made.domain(domain);
        }
        if !text("path").is_empty() {
            made = made.path(text("path"));
        }
        jar.insert(made.build().map_err(|error| error.to_string())?);
    }
    Ok(jar)
}

/// A body that does not say how long it is.
struct Unsized(Body);

impl http_body::Body for Unsized {
    type Data = Bytes;
    type Error = treq::error::BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, treq::error::BoxError>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx)
    }
}
