//! URLs: taken apart, joined, and handed to the client below its surface.

use http::Uri;
use tower_service::Service;
use treq_core::uri;

use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json};
use crate::response::Head;
use crate::world::{EMPTY, Step, World};
use crate::{errors, profile};

/// Plays `parse`, `base` with `reference`, and `call_below_treq`.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let given = |key: &str| case.given.get(key).and_then(Json::text);
    let mut compared = Compared::default();
    if let Some(text) = given("parse") {
        parse(case, text, &mut compared)?;
    } else if let (Some(base), Some(reference)) = (given("base"), given("reference")) {
        join(case, base, reference, &mut compared).await?;
    } else if let Some(call) = case.given.get("call_below_treq") {
        let Some(bytes) = call.get("uri_bytes").and_then(Json::text).filter(|text| text.contains("://")) else {
            return Ok(None);
        };
        below(case, call, &json::bytes(bytes)?, &mut compared).await?;
    } else {
        return Ok(None);
    }
    Ok(Some(compared.0))
}

fn parse(case: &Case, text: &str, compared: &mut Compared) -> Result<(), String> {
    let located = match uri::parse(text) {
        Ok(located) => located,
        Err(error) => {
            compared.0.push(Mismatch::new("url", "taken", error));
            return Ok(());
        }
    };
    let url = &located.uri;
    let scheme = url.scheme_str().unwrap_or_default();
    let fragment = located.fragment.as_deref().unwrap_or_default();
    let (path, params) = match url.path().rsplit_once('/') {
        Some((before, last)) => match last.split_once(';') {
            Some((last, params)) => (format!("{before}/{last}"), params),
            None => (url.path().to_owned(), ""),
        },
        None => (url.path().to_owned(), ""),
    };
    for (key, want) in case.expect.map().unwrap_or_default() {
        let text = want.text().map_or_else(|| want.to_string(), str::to_owned);
        let seen = match key.as_str() {
            "note" => continue,
            "scheme" => scheme.to_owned(),
            "netloc" => url.authority().map(ToString::to_string).unwrap_or_default(),
            "host" => url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            "port" => url.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 }).to_string(),
            "path" => path.clone(),
            "params" => params.to_owned(),
            "query" => url.query().unwrap_or_default().to_owned(),
            "fragment" => fragment.to_owned(),
            "request_target" => url.path_and_query().map(ToString::to_string).unwrap_or_default(),
            "back_to_text" if fragment.is_empty() => url.to_string(),
            "back_to_text" => format!("{url}#{fragment}"),
            other => return Err(format!("what {other:?} expects is not known")),
        };
        compared.same(&format!("url.{key}"), text, seen);
    }
    Ok(())
}

/// As a redirect joins them: the client follows `reference` from `base`.
async fn join(case: &Case, base: &str, reference: &str, compared: &mut Compared) -> Result<(), String> {
    let mut answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ".to_vec();
    answer.extend_from_slice(reference.as_bytes());
    answer.extend_from_slice(b"\r\n\r\n");
    let world = World::new([Step::Send(answer)]).otherwise(EMPTY);
    let seen = match profile::client(&world, None)?.get(base).await {
        Ok(response) => Head::of(&response).url,
        Err(error) => format!("{:?}: {error}", error.kind()),
    };
    compared.same("joined", case.expect.get("joined").and_then(Json::text).ok_or("a URL is expected")?, seen);
    Ok(())
}

/// The client as a service of `http::Request`, whose URL is bytes that somebody else has put together.
async fn below(case: &Case, call: &Json, bytes: &[u8], compared: &mut Compared) -> Result<(), String> {
    let world = World::default().otherwise(EMPTY);
    let mut client = profile::client(&world, None)?;
    let method = call.get("method").and_then(Json::text).unwrap_or("GET");
    let outcome = match Uri::try_from(bytes) {
        Ok(uri) => {
            let request = http::Request::builder().method(method).uri(uri).body(treq::Body::empty());
            let request = request.map_err(|error| error.to_string())?;
            client.call(request).await.map(drop).map_err(|error| error.kind())
        }
        // Where a `Uri` cannot be made, the caller has the error before there is a request.
        Err(_) => Err(treq::Kind::Builder),
    };
    compared.same("requests", 0, world.requests().len());
    let want = case.expect.get("error").ok_or("an error is expected")?;
    match outcome {
        Err(kind) if errors::means(want, kind) == Some(true) => {}
        Err(kind) => compared.0.push(Mismatch::new("outcome.kind", want, format!("{kind:?}"))),
        Ok(()) => compared.0.push(Mismatch::new("outcome", want, "an answer")),
    }
    Ok(())
}
