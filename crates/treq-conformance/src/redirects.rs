//! Redirects, each played by the whole client with its defaults: where it goes, and what it takes along.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use treq::auth::{AuthLayer, Basic, Bearer, Digest, Netrc};
use treq::redirect::{FinalUrl, RedirectLayer, ReferrerPolicy};
use treq::{Client, ClientBuilder, Jar, Origin, RequestBuilder};

use crate::row::bytes;
use crate::world::{Played, Seen, answer};
use crate::{Row, block_on, world};

/// A client that follows longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    block_on(async { tokio::time::timeout(PATIENCE, group(row)).await.map_err(|_| "the client hangs".to_owned())? })?
}

async fn group(row: &Row) -> Result<(), String> {
    match row.text("group") {
        Some("fragment") => fragment(row).await,
        Some("count") => count(row).await,
        Some("referrer-policy") => referrer(row).await,
        _ if row.get("first").is_some() => security(row).await,
        _ => one_hop(row).await,
    }
}

/// The first request is answered as the row says, the second with 200.
async fn hop(builder: ClientBuilder, row: &Row, url: &str) -> Result<Played, String> {
    let location = location(row)?;
    let mut fields = Vec::new();
    fields.extend(location.iter().map(|location| ("Location", &**location)));
    let policy = row.text("policy").filter(|_| row.text("policy_from") == Some("response"));
    fields.extend(policy.map(|policy| ("Referrer-Policy", policy.as_bytes())));
    fields.extend(row.text("set_cookie_on_redirect").map(|cookie| ("Set-Cookie", cookie.as_bytes())));
    let status = row.get("status").and_then(Value::as_u64).unwrap_or(302);
    world::play(builder, [answer(status, &fields), answer(200, &[])], |client| request(client, row, url)).await
}

/// A `Location` is absent only where the row says so.
fn location(row: &Row) -> Result<Option<Bytes>, String> {
    match row.get("location_bytes").or(row.get("location")) {
        None => Ok(Some(Bytes::from_static(b"/next"))),
        Some(Value::Null) => Ok(None),
        Some(location) => bytes(location).map(Some),
    }
}

fn request(client: &Client, row: &Row, url: &str) -> RequestBuilder {
    let mut request = client.request(row.text("method").unwrap_or("GET"), url);
    for (name, value) in row.get("request_headers").and_then(Value::as_object).into_iter().flatten() {
        request = request.header(name.as_str(), value.as_str().unwrap_or_default());
    }
    if let (Some(name), Some(value)) = (row.text("header"), row.text("value")) {
        request = request.header(name, value);
    }
    match row.text("body") {
        Some(body) => request.body(body.to_owned()),
        None => request,
    }
}

/// The URL that gave the answer, with its fragment.
fn final_url(played: &Played) -> Result<String, String> {
    let response = played.outcome.as_ref().map_err(ToString::to_string)?;
    let found = response.extensions().get::<FinalUrl>().map(ToString::to_string);
    Ok(found.unwrap_or_else(|| response.url().to_string()))
}

fn last(played: &Played) -> Result<&Seen, String> {
    match (played.seen.get(1..), &played.outcome) {
        (Some([.., last]), _) => Ok(last),
        (_, Err(error)) => Err(format!("not followed: {error}")),
        (_, Ok(response)) => Err(format!("not followed: {}", response.status())),
    }
}

fn refused(played: &Played) -> Result<(), String> {
    match (&played.outcome, played.seen.len()) {
        (Err(_), 1) => Ok(()),
        (Ok(response), _) => Err(format!("no error but {}", response.status())),
        (Err(_), sent) => Err(format!("{sent} requests were sent")),
    }
}

/// Groups method, not-a-redirect, location, location-bytes, resolve.
async fn one_hop(row: &Row) -> Result<(), String> {
    let played = hop(Client::builder(), row, row.text("base").unwrap_or("http://h.test/d/first")).await?;
    let expect = row.get("expect").ok_or("no expectation")?;
    if expect["error"] == true {
        return refused(&played);
    }
    let response = played.outcome.as_ref().map_err(|error| format!("failed: {error}"))?;
    if expect["final_status"].as_u64().is_some_and(|status| status != u64::from(response.status().as_u16())) {
        return Err(format!("ends with {}", response.status()));
    }
    if expect["followed"] == false {
        return if played.seen.len() == 1 { Ok(()) } else { Err("followed".to_owned()) };
    }
    let last = last(&played)?;
    if expect["final_path"].as_str().is_some_and(|path| path != last.url.path()) {
        return Err(format!("went to {}", last.url));
    }
    let went = final_url(&played)?;
    if expect["target"].as_str().is_some_and(|target| target != went) {
        return Err(format!("went to {went}"));
    }
    match expect["method"].as_str() {
        Some(method) => carried(expect, method, last),
        None => Ok(()),
    }
}

fn carried(expect: &Value, method: &str, last: &Seen) -> Result<(), String> {
    let Seen { wire, .. } = last;
    if wire.method() != method {
        return Err(format!("the method is {}", wire.method()));
    }
    if wire.body != expect["body"].as_str().unwrap_or_default() {
        return Err(format!("the body is {:?}", wire.body));
    }
    let names = |key: &str| expect[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = names("dropped_headers").find(|name| wire.header(name).is_some()) {
        return Err(format!("{name} is kept"));
    }
    match names("kept_headers").find(|name| wire.header(name).is_none()) {
        Some(name) => Err(format!("{name} is dropped")),
        None => Ok(()),
    }
}

async fn fragment(row: &Row) -> Result<(), String> {
    let cross = row.text("origin") == Some("cross-origin");
    let chain = row.get("chain").and_then(Value::as_array).ok_or("no chain")?;
    let url = |(at, path): (usize, &Value)| {
        let host = if cross { format!("h{at}.test") } else { "h.test".to_owned() };
        Some(format!("http://{host}{}", path.as_str()?))
    };
    let urls: Vec<String> = chain.iter().enumerate().filter_map(url).collect();
    let (first, next) = urls.split_first().ok_or("an empty chain")?;
    let status = row.get("status").and_then(Value::as_u64).ok_or("no status")?;
    let mut answers: Vec<_> = next.iter().map(|url| answer(status, &[("Location", url.as_bytes())])).collect();
    answers.push(answer(200, &[]));
    let played = world::play(Client::builder(), answers, |client| client.get(first)).await?;
    let want = row.get("expect").and_then(|expect| expect["final"].as_str()).ok_or("no final URL")?;
    let went = final_url(&played)?;
    if !went.ends_with(want) || played.seen.len() != urls.len() {
        return Err(format!("{} requests, the last for {went}", played.seen.len()));
    }
    match played.seen.iter().find(|seen| seen.wire.head.contains(&b'#')) {
        Some(seen) => Err(format!("on the wire: {}", seen.wire.line)),
        None => Ok(()),
    }
}

async fn count(row: &Row) -> Result<(), String> {
    let number = |key: &str| row.get(key).and_then(Value::as_u64).ok_or_else(|| format!("no {key}"));
    let (hops, status) = (number("hops")?, number("status")?);
    let hop = |at: u64| answer(status, &[("Location", format!("/{at}").as_bytes())]);
    let answers = (1..=hops).map(hop).chain([answer(200, &[])]);
    let played = world::play(Client::builder(), answers, |client| client.get("http://h.test/0")).await?;
    let want = row.get("expect").is_some_and(|expect| expect["ok"] == true);
    match played.outcome {
        Ok(response) if want && response.status() == 200 => Ok(()),
        Err(_) if !want => Ok(()),
        Ok(response) => Err(format!("ends with {}", response.status())),
        Err(error) => Err(format!("failed: {error}")),
    }
}

async fn referrer(row: &Row) -> Result<(), String> {
    let to = match row.text("redirect") {
        Some("same-origin") => "https://a.test/next",
        Some("cross-origin") => "https://b.test/next",
        _ => "http://a.test/next",
    };
    let row = row.with("location", to);
    let want = row.get("expect").and_then(|expect| expect["referer"].as_str());
    let policy = match row.text("policy").filter(|_| row.text("policy_from") == Some("request")) {
        Some(name) => policy(name)?,
        // What the response says must overrule it.
        None if want.is_none() => ReferrerPolicy::UnsafeUrl,
        None => ReferrerPolicy::NoReferrer,
    };
    let builder = Client::builder().redirect_layer(RedirectLayer::new().referer(policy));
    let played = hop(builder, &row, "https://user:pw@a.test/from?q").await?;
    let want = match want {
        Some("full") => Some("https://a.test/from?q"),
        Some("origin") => Some("https://a.test/"),
        _ => None,
    };
    let sent = last(&played)?.wire.header("referer");
    if sent == want { Ok(()) } else { Err(format!("Referer is {sent:?}")) }
}

fn policy(name: &str) -> Result<ReferrerPolicy, String> {
    Ok(match name {
        "no-referrer" => ReferrerPolicy::NoReferrer,
        "no-referrer-when-downgrade" => ReferrerPolicy::NoReferrerWhenDowngrade,
        "same-origin" => ReferrerPolicy::SameOrigin,
        "origin" => ReferrerPolicy::Origin,
        "strict-origin" => ReferrerPolicy::StrictOrigin,
        "origin-when-cross-origin" => ReferrerPolicy::OriginWhenCrossOrigin,
        "strict-origin-when-cross-origin" => ReferrerPolicy::StrictOriginWhenCrossOrigin,
        "unsafe-url" => ReferrerPolicy::UnsafeUrl,
        other => return Err(format!("there is no policy {other:?}")),
    })
}

/// The client's own credentials, for the origin that the row begins with: `basic user:pass`, `bearer token`.
fn credentials(row: &Row, first: &str) -> Result<AuthLayer, String> {
    let auth = AuthLayer::new();
    if let Some(text) = row.text("netrc") {
        return Ok(auth.netrc(Netrc::parse(text).map_err(|error| error.to_string())?));
    }
    let Some(given) = row.text("client_auth") else { return Ok(auth) };
    let first = first.parse().map_err(|_| format!("{first:?} is no URL"))?;
    let origin = Origin::from_uri(&first).map_err(|error| error.to_string())?;
    let (scheme, secret) = given.split_once(' ').ok_or_else(|| format!("{given:?} is no scheme with a secret"))?;
    let pair = || secret.split_once(':').ok_or_else(|| format!("{secret:?} is no name with a password"));
    Ok(match scheme {
        "basic" => {
            let (name, password) = pair()?;
            auth.credentials(origin, Basic::new(name, password).map_err(|error| error.to_string())?)
        }
        "digest" => {
            let (name, password) = pair()?;
            auth.credentials(origin, Digest::new(name, password))
        }
        "bearer" => auth.credentials(origin, Bearer::new(secret).map_err(|error| error.to_string())?),
        other => return Err(format!("the runner does not know the scheme {other:?}")),
    })
}

/// What crosses an origin.
async fn security(row: &Row) -> Result<(), String> {
    // Ports that the row leaves open.
    let ports = |url: &str| url.replace(":P1/", ":8001/").replace(":P2/", ":8002/");
    let first = &*ports(row.text("first").ok_or("no first URL")?);
    let row = &match row.text("location") {
        Some(location) => row.with("location", &ports(location)),
        None => row.clone(),
    };
    let jar = Jar::new();
    for kept in row.get("jar").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let (url, cookie) = kept.split_once(' ').ok_or_else(|| format!("{kept:?} is no URL with a cookie"))?;
        let url = url.parse().map_err(|_| format!("{url:?} is no URL"))?;
        jar.set_cookie(cookie.as_bytes(), &url);
    }
    let redirect = RedirectLayer::new().https_only(row.text("option") == Some("https_only"));
    let builder = Client::builder().jar(jar).redirect_layer(redirect).auth_layer(credentials(row, first)?);
    let played = hop(builder, row, first).await?;
    let expect = row.text("expect").ok_or("no expectation")?;
    if expect == "error, nothing sent" {
        return refused(&played);
    }
    let wire = &last(&played)?.wire;
    let own = row.text("header").unwrap_or_default();
    let words: Vec<_> = expect.split_whitespace().collect();
    let (seen, good) = match words.as_slice() {
        ["sent"] => (wire.header(own), wire.header(own) == row.text("value")),
        ["stripped"] => (wire.header(own), wire.header(own).is_none()),
        ["body", "resent"] => (std::str::from_utf8(&wire.body).ok(), wire.body == row.text("body").unwrap_or_default()),
        // The only field that a scheme's response stands in.
        ["no", "Digest", ..] => (wire.header("authorization"), wire.header("authorization").is_none()),
        ["no", name, ..] => (wire.header(name), wire.header(name).is_none()),
        [name, "on", "second", "request"] => (wire.header(name), wire.header(name).is_some()),
        // `Host: virtual.test kept on a relative redirect (curl) or a.test`.
        [name, one, .., "or", other] if name.ends_with(':') => {
            let seen = wire.header(name.trim_end_matches(':'));
            (seen, seen == Some(*one) || seen == Some(*other))
        }
        [name, value, ..] if name.ends_with(':') => {
            let seen = wire.header(name.trim_end_matches(':'));
            (seen, seen == Some(*value))
        }
        _ => return Err(format!("the runner does not know {expect:?}")),
    };
    if good { Ok(()) } else { Err(format!("sent {seen:?}")) }
}
