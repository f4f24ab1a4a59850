//! The rows of `treq-conformance/data/redirects`, each against the layer with its defaults.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use serde_json::Value;
use treq_core::{Body, Error, Origin};
use treq_redirect::{FinalUrl, Fragment, RedirectLayer, ReferrerPolicy};

use crate::support::{Seen, World};

/// How a row went.
enum Outcome {
    Passed,
    Open(String),
    /// The row asks for what this layer does otherwise, by the rule named.
    Listed(&'static str),
    /// The row is about another layer.
    Skipped(&'static str),
}

#[tokio::test]
async fn behaviour() {
    run("behaviour.jsonl", 118, 0, 0).await;
}

#[tokio::test]
async fn security() {
    run("security.jsonl", 51, 1, 11).await;
}

async fn run(file: &str, rows: usize, listed: usize, skipped: usize) {
    let path = format!("{}/../treq-conformance/data/redirects/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut counts = [0; 4];
    let mut notes = Vec::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let (at, note) = match outcome(&row).await {
            Outcome::Passed => (0, None),
            Outcome::Open(fault) => (1, Some(format!("open: {fault}"))),
            Outcome::Listed(rule) => (2, Some(format!("listed: {rule}"))),
            Outcome::Skipped(layer) => (3, Some(format!("skipped: {layer}"))),
        };
        counts[at] += 1;
        notes.extend(note.map(|note| format!("{}: {note}", row["id"].as_str().unwrap_or("?"))));
    }
    let [passed, open, ..] = counts;
    let summary = format!("{file}: {passed} passed, {open} open, {} listed, {} skipped", counts[2], counts[3]);
    tell(&format!("{summary}\n{}", notes.join("\n")));
    assert_eq!(counts, [rows - listed - skipped, 0, listed, skipped], "{summary}\n{}", notes.join("\n"));
}

/// Shown with `--nocapture`.
fn tell(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

async fn outcome(row: &Value) -> Outcome {
    if !row["client_auth"].is_null() || !row["netrc"].is_null() {
        return Outcome::Skipped("credentials are another layer's");
    }
    if row["group"] == "cookies" {
        return Outcome::Skipped("the jar is another layer's");
    }
    let fault = match row["group"].as_str().unwrap() {
        "fragment" => fragment(row).await,
        "count" => count(row).await,
        "referrer-policy" => referrer(row).await,
        _ if !row["first"].is_null() => security_row(row).await,
        _ => one_hop(row).await,
    };
    match fault {
        None => Outcome::Passed,
        Some(_) if same_origin_stripped(row) => {
            Outcome::Listed("a default port that is written out is the same origin, and key fields stay within it")
        }
        Some(fault) => Outcome::Open(fault),
    }
}

/// RFC 9110, section 4.2.3: the default port and none are the same, as the row on `Cookie` has it too.
fn same_origin_stripped(row: &Value) -> bool {
    let origin = |field: &str| Origin::of(&row[field].as_str()?.parse::<Uri>().ok()?).ok();
    row["expect"] == "stripped" && origin("first").is_some() && origin("first") == origin("location")
}

/// What is left of a row once it has been played.
struct Played {
    outcome: Result<Response<Body>, Error>,
    seen: Vec<Seen>,
}

impl Played {
    fn final_url(&self) -> Option<String> {
        Some(self.outcome.as_ref().ok()?.extensions().get::<FinalUrl>()?.to_string())
    }
}

/// The first request is answered with `status` and `location`, all others with 200.
async fn play(layer: RedirectLayer, row: &Value, url: &str) -> Played {
    let status = row["status"].as_u64().unwrap_or(302);
    let location = location(row);
    let referrer_policy = (row["policy_from"] == "response").then(|| row["policy"].as_str().unwrap().to_owned());
    let asked = std::sync::atomic::AtomicBool::new(false);
    let world = World::new(move |_| {
        if asked.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return Response::new(Body::empty());
        }
        let mut response = Response::builder().status(u16::try_from(status).unwrap());
        if let Some(location) = &location {
            response = response.header("location", location);
        }
        if let Some(policy) = &referrer_policy {
            response = response.header("referrer-policy", policy);
        }
        response.body(Body::empty()).unwrap()
    });
    let mut request = Request::builder().method(row["method"].as_str().unwrap_or("GET")).uri(url);
    for (name, value) in row["request_headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    if let (Some(name), Some(value)) = (row["header"].as_str(), row["value"].as_str()) {
        request = request.header(name, value);
    }
    let body = row["body"].as_str().map_or_else(Body::empty, |text| Body::from(text.to_owned()));
    let outcome = world.ask(layer, request.body(body).unwrap()).await;
    Played { outcome, seen: world.seen() }
}

fn location(row: &Value) -> Option<HeaderValue> {
    let bytes = &row["location_bytes"];
    if let Some(text) = bytes["b64"].as_str() {
        return Some(HeaderValue::from_bytes(&BASE64_STANDARD.decode(text).unwrap()).unwrap());
    }
    let absent_by_name = row.get("location").is_some_and(Value::is_null);
    let text = bytes["text"].as_str().or(row["location"].as_str());
    let text = text.or((!absent_by_name).then_some("/next"));
    text.map(|text| HeaderValue::from_bytes(text.as_bytes()).unwrap())
}

/// Groups method, not-a-redirect, location, location-bytes, resolve.
async fn one_hop(row: &Value) -> Option<String> {
    let played = play(RedirectLayer::new(), row, row["base"].as_str().unwrap_or("http://h.test/d/first")).await;
    let expect = &row["expect"];
    let mut faults = Vec::new();
    if expect["error"] == true {
        return (played.outcome.is_ok() || played.seen.len() != 1).then(|| "no error, or more was sent".to_owned());
    }
    let response = match &played.outcome {
        Ok(response) => response,
        Err(error) => return Some(format!("error: {error}")),
    };
    if expect["followed"] == false && played.seen.len() != 1 {
        faults.push("followed".to_owned());
    }
    if let Some(status) = expect["final_status"].as_u64() {
        if u64::from(response.status().as_u16()) != status {
            faults.push(format!("ends with {}", response.status()));
        }
    }
    if expect["followed"] != false {
        let Some(last) = played.seen.get(1) else { return Some("not followed".to_owned()) };
        if let Some(path) = expect["final_path"].as_str() {
            if last.url.path() != path {
                faults.push(format!("went to {}", last.url));
            }
        }
        if let Some(target) = expect["target"].as_str() {
            if played.final_url().as_deref() != Some(target) {
                faults.push(format!("went to {:?}", played.final_url()));
            }
        }
        if expect["method"].is_string() {
            faults.extend(method_faults(expect, last));
        }
    }
    (!faults.is_empty()).then(|| faults.join(", "))
}

fn method_faults(expect: &Value, last: &Seen) -> Vec<String> {
    let mut faults = Vec::new();
    if expect["method"] != last.method.as_str() {
        faults.push(format!("method {}", last.method));
    }
    if last.body.as_deref() != Some(expect["body"].as_str().unwrap_or_default().as_bytes()) {
        faults.push(format!("body {:?}", last.body));
    }
    let has = |name: &Value| last.headers.contains_key(name.as_str().unwrap());
    let names = |field: &str| expect[field].as_array().cloned().unwrap_or_default();
    faults.extend(names("dropped_headers").iter().filter(|name| has(name)).map(|name| format!("keeps {name}")));
    faults.extend(names("kept_headers").iter().filter(|name| !has(name)).map(|name| format!("drops {name}")));
    faults
}

async fn fragment(row: &Value) -> Option<String> {
    let cross = row["origin"] == "cross-origin";
    let chain: Vec<&str> = row["chain"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    let urls: Vec<String> = chain
        .iter()
        .enumerate()
        .map(|(at, path)| if cross { format!("http://h{at}.test{path}") } else { format!("http://h.test{path}") })
        .collect();
    let status = u16::try_from(row["status"].as_u64().unwrap()).unwrap();
    let locations = urls.clone();
    let world = World::new(move |seen| {
        let plain = |url: &String| url.split('#').next().unwrap().to_owned();
        let at = locations.iter().position(|url| plain(url) == seen.url.to_string()).unwrap();
        match locations.get(at + 1) {
            Some(next) => crate::support::redirect(status, next),
            None => Response::new(Body::empty()),
        }
    });
    // What stands behind the `#` comes beside the URL.
    let (first, fragment) = urls[0].split_once('#').unwrap();
    let request = Request::get(first).extension(Fragment(fragment.into())).body(Body::empty()).unwrap();
    let outcome = world.ask(RedirectLayer::new(), request).await;
    let seen = world.seen();
    let played = Played { outcome, seen };
    let url = played.final_url().unwrap_or_default();
    let good = url.ends_with(row["expect"]["final"].as_str().unwrap())
        && played.seen.iter().all(|seen| !seen.url.to_string().contains('#'));
    (!good).then(|| format!("ends at {url}"))
}

async fn count(row: &Value) -> Option<String> {
    let hops = row["hops"].as_u64().unwrap();
    let status = u16::try_from(row["status"].as_u64().unwrap()).unwrap();
    let world = World::new(move |seen| match seen.url.path()[1..].parse::<u64>().unwrap() {
        at if at < hops => crate::support::redirect(status, &format!("/{}", at + 1)),
        _ => Response::new(Body::empty()),
    });
    let outcome = world.ask(RedirectLayer::new(), crate::support::get("http://h.test/0")).await;
    (outcome.is_ok() != (row["expect"]["ok"] == true)).then(|| format!("{:?}", outcome.map(|answer| answer.status())))
}

async fn referrer(row: &Value) -> Option<String> {
    let first = "https://user:pw@a.test/from?q";
    let target = match row["redirect"].as_str().unwrap() {
        "same-origin" => "https://a.test/next",
        "cross-origin" => "https://b.test/next",
        _ => "http://a.test/next",
    };
    let mut row = row.clone();
    row["location"] = target.into();
    let policy = match row["policy"].as_str().filter(|_| row["policy_from"] == "request") {
        Some("no-referrer") => ReferrerPolicy::NoReferrer,
        Some("no-referrer-when-downgrade") => ReferrerPolicy::NoReferrerWhenDowngrade,
        Some("origin") => ReferrerPolicy::Origin,
        Some("strict-origin") => ReferrerPolicy::StrictOrigin,
        Some("origin-when-cross-origin") => ReferrerPolicy::OriginWhenCrossOrigin,
        Some("strict-origin-when-cross-origin") => ReferrerPolicy::StrictOriginWhenCrossOrigin,
        Some("unsafe-url") => ReferrerPolicy::UnsafeUrl,
        Some(other) => return Some(format!("unknown policy {other}")),
        // What the response says must overrule it.
        None if row["expect"]["referer"].is_null() => ReferrerPolicy::UnsafeUrl,
        None => ReferrerPolicy::NoReferrer,
    };
    let played = play(RedirectLayer::new().referer(policy), &row, first).await;
    let want = match row["expect"]["referer"].as_str() {
        Some("full") => Some("https://a.test/from?q"),
        Some("origin") => Some("https://a.test/"),
        _ => None,
    };
    let Some(last) = played.seen.get(1) else { return Some("not followed".to_owned()) };
    let sent = last.headers.get("referer").map(|value| value.to_str().unwrap());
    (sent != want).then(|| format!("sent {sent:?}"))
}

async fn security_row(row: &Value) -> Option<String> {
    let layer = RedirectLayer::new().https_only(row["option"] == "https_only");
    let played = play(layer, row, row["first"].as_str().unwrap()).await;
    let expect = row["expect"].as_str().unwrap();
    if expect == "error, nothing sent" {
        return (played.outcome.is_ok() || played.seen.len() != 1).then(|| "no error, or more was sent".to_owned());
    }
    let Some(last) = played.seen.get(1) else { return Some(format!("not followed: {:?}", played.outcome.err())) };
    let value = row["header"].as_str().map(|name| last.headers.get(HeaderName::try_from(name).unwrap()));
    let good = match expect {
        "sent" => value.flatten().map(HeaderValue::as_bytes) == row["value"].as_str().map(str::as_bytes),
        "stripped" => value == Some(None),
        "body resent" => last.body.as_deref() == row["body"].as_str().map(str::as_bytes),
        // Kept, or left to the agent: both are allowed.
        _ if row["id"] == "host-header-same" => value.flatten().is_none_or(|host| host == "virtual.test"),
        _ => return Some(format!("the test does not know {expect:?}")),
    };
    (!good).then(|| format!("sent {value:?}"))
}
