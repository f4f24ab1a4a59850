//! Stubs, matchers and sequences: each form is told apart by the keys that are given.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use treq::testing::{
    ANY, Expected, HasHeaders, Params, RequestSequence, StringStubbing, StubReply, StubRequest, StubTreq,
};
use treq::{Client, RequestBuilder};

use crate::call::{self, Refusal};
use crate::case::{Case, Compared, Mismatch};
use crate::json::Json;

/// Plays a case whose keys are those of one of these forms.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let mut compared = Compared::default();
    let known = if let Some(matcher) = case.given.get("matcher") {
        matched(case, matcher, &mut compared)?
    } else if let Some(bodies) = case.given.get("sync_body").and_then(Json::list) {
        lengths(case, bodies, &mut compared).await?
    } else if case.given.get("sequence").is_some() {
        sequence(case, &mut compared).await?
    } else if let Some(handler) = case.given.get("handler").and_then(Json::text) {
        handler_alone(case, handler, &mut compared).await?
    } else {
        stub(case, &mut compared).await?
    };
    Ok(known.then_some(compared.0))
}

/// `HasHeaders` of a map beside one map or several.
fn matched(case: &Case, matcher: &Json, compared: &mut Compared) -> Result<bool, String> {
    if matcher.map().is_none() {
        return Ok(false);
    }
    let matcher = HasHeaders::new(fields(matcher)?);
    for (key, want) in case.expect.map().unwrap_or_default() {
        match key.as_str() {
            "note" => {}
            "repr" => compared.same("matcher.repr", want.text().unwrap_or_default(), format!("{matcher:?}")),
            "equal" => {
                let against = case.given.get("against").ok_or("nothing is compared")?;
                let one = |map: &Json| Ok::<_, String>(Json::Bool(matcher == header_map(map)?));
                let seen = match against.list() {
                    Some(maps) => Json::List(maps.iter().map(one).collect::<Result<_, _>>()?),
                    None if against.map().is_some() => one(against)?,
                    None => return Ok(false),
                };
                compared.same("matcher.equal", want, seen);
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A map of names to values or lists of them, as pairs.
fn fields(map: &Json) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (name, values) in map.map().ok_or_else(|| format!("{map} is no map"))? {
        for value in values.list().unwrap_or(std::slice::from_ref(values)) {
            pairs.push((name.clone(), value.text().ok_or_else(|| format!("{value} is no text"))?.to_owned()));
        }
    }
    Ok(pairs)
}

fn header_map(map: &Json) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields(map)? {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        headers.append(name, HeaderValue::from_str(&value).map_err(|error| error.to_string())?);
    }
    Ok(headers)
}

/// How long the body is that a stub makes of `ü text` or `abc bytes`.
async fn lengths(case: &Case, bodies: &[Json], compared: &mut Compared) -> Result<bool, String> {
    let mut seen = Vec::new();
    for body in bodies {
        let body = body.text().and_then(|it| it.strip_suffix(" bytes").or_else(|| it.strip_suffix(" text")));
        let Some(body) = body.map(str::to_owned) else { return Ok(false) };
        let stub = StubTreq::new(StringStubbing::new(move |_| (200, (), body.clone())));
        let response = stub.get("http://example.com/").await.map_err(|error| error.to_string())?;
        let length = response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        seen.push(length.map_or(Json::Null, |length: u64| Json::Number(length.into())));
    }
    let want = case.expect.get("length").ok_or("lengths are expected")?;
    compared.same("length", want, Json::List(seen));
    Ok(true)
}

/// A handler that is told in words.
async fn handler_alone(case: &Case, handler: &str, compared: &mut Compared) -> Result<bool, String> {
    if handler != "returns a header value that is a list" {
        return Ok(false);
    }
    let stub = StubTreq::new(StringStubbing::new(|_| (200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], "")));
    let response = stub.get("http://example.com/").await.map_err(|error| error.to_string())?;
    let want = case.expect.get("status").ok_or("a status is expected")?;
    compared.same("stub.status_of_lists", want, response.status().as_u16());
    compared.same("stub.lines", 2, response.headers().get_all("set-cookie").iter().count());
    Ok(true)
}

/// One call or several, `stub.get` and the like.
async fn stub(case: &Case, compared: &mut Compared) -> Result<bool, String> {
    let given = case.given.map().unwrap_or_default();
    let call = given.iter().find_map(|(key, value)| Some((key.strip_prefix("stub.")?, value)));
    let Some((verb, call)) = call else { return Ok(false) };
    if given.iter().any(|(key, _)| !key.starts_with("stub.") && key != "handler_returns") {
        return Ok(false);
    }
    let verb = verb.to_ascii_uppercase();
    match call {
        Json::List(urls) if urls.iter().all(|url| url.text().is_some()) => several(case, &verb, urls, compared).await,
        Json::Text(text) => {
            let (url, length) = match text.split_once(" where handler returns ") {
                Some((url, rest)) => (url, rest.strip_suffix("-byte body").and_then(|count| count.parse().ok())),
                None => (text.as_str(), Some(0)),
            };
            let Some(length) = length else { return Ok(false) };
            let call = Json::Map(vec![("url".to_owned(), Json::Text(url.to_owned()))]);
            let reply = StubReply::new(200, (), vec![b'x'; length]);
            one(case, &verb, &call, reply, compared).await
        }
        Json::Map(_) if call.get("url").is_some() => {
            let Some(reply) = reply(case)? else { return Ok(false) };
            one(case, &verb, call, reply, compared).await
        }
        _ => Ok(false),
    }
}

fn reply(case: &Case) -> Result<Option<StubReply>, String> {
    match case.given.get("handler_returns").map(Json::list) {
        None => Ok(Some(StubReply::new(200, (), ""))),
        Some(Some([code, headers, Json::Text(body)])) => {
            let code = code.number().and_then(|code| u16::try_from(code).ok()).ok_or("a code is a number")?;
            Ok(Some(StubReply::new(code, fields(headers)?, body.clone())))
        }
        Some(_) => Ok(None),
    }
}

async fn several(case: &Case, verb: &str, urls: &[Json], compared: &mut Compared) -> Result<bool, String> {
    let Some(want) = case.expect.get("results").and_then(Json::list) else { return Ok(false) };
    let stub = StubTreq::new(StringStubbing::new(|_| (200, (), "")));
    for (at, (url, want)) in urls.iter().zip(want).enumerate() {
        let outcome = stub.request(verb, url.text().unwrap_or_default()).await;
        let field = format!("results.{at}");
        match (want.text().unwrap_or_default(), outcome) {
            ("success", Ok(_)) => {}
            (want, Ok(_)) => compared.0.push(Mismatch::new(field, want, "success")),
            (want, Err(error)) if crate::errors::stands_for(want, error.kind()) => {}
            (want, Err(error)) => compared.0.push(Mismatch::new(field, want, format!("{:?}: {error}", error.kind()))),
        }
    }
    compared.same("results.length", want.len(), urls.len());
    Ok(true)
}

async fn one(case: &Case, verb: &str, call: &Json, reply: StubReply, compared: &mut Compared) -> Result<bool, String> {
    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let stub = StubTreq::new(StringStubbing::new(move |request| {
        *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
        reply.clone()
    }));
    let Some(request) = made(stub.client(), verb, call)? else { return Ok(false) };
    let mut response = request.await.map_err(|error| error.to_string())?;
    let body = response.text().await.map_err(|error| error.to_string())?;
    let request = seen.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or("the handler was not asked")?;
    for (key, want) in case.expect.map().unwrap_or_default() {
        match key.as_str() {
            "note" => {}
            "handler_sees" => sees(want, &request, compared)?,
            "handler_params" => params(want, &request.params, compared)?,
            "handler_body" => compared.same("handler.body", want.text().unwrap_or_default(), request.text()),
            "body" => compared.same("stub.body", want.text().unwrap_or_default(), &body),
            "headers_include" => {
                let line = want.text().unwrap_or_default();
                let (name, value) = line.split_once(": ").ok_or_else(|| format!("{line:?} is no field"))?;
                compared.same("stub.header", value, values(response.headers(), name));
            }
            "response" => {
                // The value of the one header that the handler gives stands between code and body.
                let given = case.given.get("handler_returns").and_then(Json::list).unwrap_or_default();
                let name = given.get(1).and_then(Json::map).and_then(|map| Some(map.first()?.0.as_str()));
                let header = Json::Text(values(response.headers(), name.unwrap_or_default()));
                let code = Json::Number(response.status().as_u16().into());
                compared.same("stub.response", want, Json::List(vec![code, header, Json::Text(body.clone())]));
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn values(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(", ")
}

/// The call of a case; `None` where it has an argument that the methods of a stub have not.
fn made(client: &Client, verb: &str, call: &Json) -> Result<Option<RequestBuilder>, String> {
    let mut map = call.map().unwrap_or_default().to_vec();
    map.push(("method".to_owned(), Json::Text(verb.to_owned())));
    match call::make(client, &Json::Map(map)) {
        Ok(made) => Ok(Some(made.request)),
        Err(Refusal::NoCounterpart(_)) => Ok(None),
        Err(Refusal::Unknown(why)) => Err(why),
    }
}

/// Method, URL, params, headers, data: as many of them as are said.
fn sees(want: &Json, request: &StubRequest, compared: &mut Compared) -> Result<(), String> {
    for (at, want) in want.list().unwrap_or_default().iter().enumerate() {
        let text = want.text().unwrap_or_default();
        match at {
            0 => compared.same("handler.method", text, &request.method),
            1 => compared.same("handler.url", text, &request.url),
            2 => params(want, &request.params, compared)?,
            3 => {
                let field = text.strip_prefix("headers include ").and_then(|field| field.split_once(": "));
                let (name, value) = field.ok_or_else(|| format!("{want} says nothing of headers"))?;
                compared.same("handler.headers", value, values(&request.headers, name));
            }
            _ => compared.same("handler.data", text, request.text()),
        }
    }
    Ok(())
}

fn params(want: &Json, seen: &Params, compared: &mut Compared) -> Result<(), String> {
    let want: Params = fields(want)?.into_iter().collect();
    compared.same("handler.params", format!("{want:?}"), format!("{seen:?}"));
    Ok(())
}

/// An entry as the cases tell it: `GET https://anything/ params 1=2 headers has 1:1 body what -> 418 body`, or `anything -> 418 body`.
struct Entry {
    /// Method and URL, unless anything will do.
    line: Option<(String, String)>,
    params: Option<Vec<(String, String)>>,
    headers: Option<Vec<(String, String)>>,
    data: Option<String>,
    code: u16,
    body: String,
}

impl Entry {
    fn parse(text: &str) -> Option<Entry> {
        let (request, reply) = text.split_once(" -> ")?;
        let (code, body) = reply.split_once(' ').unwrap_or((reply, ""));
        let mut entry =
            Entry { line: None, params: None, headers: None, data: None, code: code.parse().ok()?, body: body.into() };
        if request == "anything" {
            return Some(entry);
        }
        let mut words = request.split(' ');
        entry.line = Some((words.next()?.to_owned(), words.next()?.to_owned()));
        let pair = |text: &str, by: char| text.split_once(by).map(|(name, value)| vec![(name.into(), value.into())]);
        while let Some(word) = words.next() {
            match word {
                "params" => entry.params = Some(pair(words.next()?, '=')?),
                "headers" if words.next()? == "has" => entry.headers = Some(pair(words.next()?, ':')?),
                "body" => entry.data = Some(words.next()?.to_owned()),
                // The rest is not about this request.
                "..." => {}
                _ => return None,
            }
        }
        Some(entry)
    }

    fn expected(&self) -> Expected {
        let Some((method, url)) = self.line.clone() else { return Expected::from(ANY) };
        let method = http::Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let params: Params = self.params.clone().unwrap_or_default().into_iter().collect();
        let headers = HasHeaders::new(self.headers.clone().unwrap_or_default());
        Expected::from((method, url, params, headers, self.data.clone().unwrap_or_default()))
    }

    /// The request that it is about.
    fn request(&self, stub: &StubTreq) -> RequestBuilder {
        let (method, url) = self.line.clone().unwrap_or_else(|| ("GET".into(), "http://example.com/".into()));
        let request = stub.request(method.as_str(), url).params(self.params.clone().unwrap_or_default());
        let request = request.headers(self.headers.clone().unwrap_or_default());
        match &self.data {
            Some(data) => request.body(data.clone()),
            None => request,
        }
    }
}

async fn sequence(case: &Case, compared: &mut Compared) -> Result<bool, String> {
    let texts = |key: &str| -> Option<Vec<&str>> { case.given.get(key)?.list()?.iter().map(Json::text).collect() };
    let (Some(entries), Some(calls)) = (texts("sequence"), texts("calls")) else { return Ok(false) };
    let entries: Option<Vec<_>> = entries.into_iter().map(Entry::parse).collect();
    let Some(entries) = entries else { return Ok(false) };
    let silent = case.given.get("no_reporter") == Some(&Json::Bool(true));
    let told = Arc::new(Mutex::new(Vec::new()));
    let reporter = Arc::clone(&told);
    let empty = if silent {
        RequestSequence::new()
    } else {
        RequestSequence::reporting(move |said| reporter.lock().unwrap_or_else(PoisonError::into_inner).push(said))
    };
    let sequence = entries
        .iter()
        .fold(empty, |sequence, entry| sequence.expect(entry.expected(), (entry.code, (), entry.body.clone())));
    let stub = StubTreq::new(sequence.stub());
    let mut results = Vec::new();
    for call in &calls {
        let request = match (*call, entries.first()) {
            ("matching" | "the same again", Some(entry)) => entry.request(&stub),
            ("GET", _) => stub.get("http://example.com/"),
            _ => return Ok(false),
        };
        let status = request.await.map_err(|error| error.to_string())?.status();
        results.push(Json::Number(status.as_u16().into()));
    }
    let said = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let consumed = sequence.consumed();
    let left = Arc::new(Mutex::new(false));
    let guard = Arc::clone(&left);
    let fails = catch_unwind(AssertUnwindSafe(|| {
        let note = move |_| *guard.lock().unwrap_or_else(PoisonError::into_inner) = true;
        sequence.consume_with(note).finish();
    }));
    for (key, want) in case.expect.map().unwrap_or_default() {
        match key.as_str() {
            "note" => {}
            "results" => compared.same("sequence.results", want, Json::List(results.clone())),
            "status" => compared.same("sequence.status", want, results.first().unwrap_or(&Json::Null)),
            "async_failures" => compared.same("sequence.failures", want, said.len()),
            "message_contains" => {
                let words = want.text().unwrap_or_default();
                if !said.iter().any(|said| said.contains(words)) {
                    compared.0.push(Mismatch::new("sequence.message", words, said.join("\n")));
                }
            }
            "consumed" => compared.same("sequence.consumed", want, Json::Bool(consumed)),
            "consume_guard" => {
                let left = *left.lock().unwrap_or_else(PoisonError::into_inner);
                let seen = if fails.is_ok() && !left { "passes" } else { "fails" };
                compared.same("sequence.guard", want.text().unwrap_or_default(), seen);
            }
            "effect" => {
                let seen = if fails.is_err() { "the test fails" } else { "nothing" };
                compared.0.push(Mismatch::new("sequence.effect", want, seen));
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}
