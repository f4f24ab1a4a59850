//! `Set-Cookie` to `Cookie`, each row in a jar of its own, and the dates in between.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri};
use serde_json::Value;
use treq::cookies::{Store, StoreContext};
use treq::{Client, Cookie, Jar};

use crate::row::bytes;
use crate::{Row, time};

/// `dates` are read by themselves; the rows of all other files are those of a jar.
pub(crate) fn play_http_state(file: &str, row: &Row) -> Result<(), String> {
    if file == "dates" { date(row) } else { play(file, row) }
}

/// What the jar sends after the responses of the row.
pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    match compare(row) {
        Err(_) if row.is_optional() => Ok(()),
        outcome => outcome,
    }
}

fn compare(row: &Row) -> Result<(), String> {
    let (jar, now) = (Jar::new(), time::now(row)?);
    fill(&jar, row, now)?;
    let url = url(row.text("request_url").ok_or("no request_url")?)?;
    if let Some(least) = row.get("expect_at_least").and_then(Value::as_u64) {
        let sent = jar.cookies_for_at(&url, now).len() as u64;
        return if sent >= least { Ok(()) } else { Err(format!("{sent} cookies are sent")) };
    }
    // The newer standard overrules the older.
    let want = row.get("expect_cookie_6265bis").or(row.get("expect_cookie")).ok_or("no expectation")?;
    let want = (!want.is_null()).then(|| bytes(want)).transpose()?;
    let sent = jar.cookie_field(&StoreContext::new(&url, now)).map(|field| Bytes::copy_from_slice(field.as_bytes()));
    if sent == want { Ok(()) } else { Err(format!("{sent:?} is sent, not {want:?}")) }
}

/// Whether the jar sends nothing but cookies that have no name.
pub(crate) fn sends_nameless_only(row: &Row) -> Result<bool, String> {
    let (jar, now) = (Jar::new(), time::now(row)?);
    fill(&jar, row, now)?;
    let sent = jar.cookies_for_at(&url(row.text("request_url").ok_or("no request_url")?)?, now);
    Ok(!sent.is_empty() && sent.iter().all(|cookie| cookie.name().is_empty()))
}

/// Plays the row's `steps`, or the one that it is itself.
fn fill(jar: &Jar, row: &Row, now: SystemTime) -> Result<(), String> {
    match row.get("steps").and_then(Value::as_array) {
        Some(steps) => steps.iter().try_for_each(|step| respond(jar, |key| step.get(key), now)),
        None => respond(jar, |key| row.get(key), now),
    }
}

/// One response.
fn respond<'a>(jar: &Jar, part: impl Fn(&str) -> Option<&'a Value>, now: SystemTime) -> Result<(), String> {
    let from = url(part("set_url").and_then(Value::as_str).ok_or("no set_url")?)?;
    let mut headers = HeaderMap::new();
    for field in fields(&part)? {
        match HeaderValue::from_bytes(&field) {
            Ok(value) => headers.append("set-cookie", value),
            // Bytes that no head can hold; the parser is asked all the same.
            Err(_) => jar.set_cookie_at(&field, &from, now),
        };
    }
    jar.set_cookies(&StoreContext::new(&from, now), &headers);
    Ok(())
}

fn fields<'a>(part: impl Fn(&str) -> Option<&'a Value>) -> Result<Vec<Bytes>, String> {
    if let Some(fields) = part("set_cookie").and_then(Value::as_array) {
        return fields.iter().map(bytes).collect();
    }
    let generated = part("set_cookie_generated").ok_or("no set_cookie")?;
    let pattern = generated["pattern"].as_str().ok_or("no pattern")?;
    let count = generated["count"].as_u64().ok_or("no count")?;
    Ok((0..count).map(|at| Bytes::from(pattern.replace("{i}", &at.to_string()))).collect())
}

/// When a cookie ends that has the date in its `Expires`. The verdicts are in the form that any reader of dates knows.
fn date(row: &Row) -> Result<(), String> {
    let field = [b"a=1; Expires=", &row.bytes("input")?[..]].concat();
    // Later than any date, so that none is cut to the longest life of a cookie.
    let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 38);
    let cookie = Cookie::parse_at(&field, &url("http://a.test/")?, late).ok_or("the cookie is ignored")?;
    let found = cookie.expires();
    let want = row.text("expect").map(time::imf).transpose()?;
    if found == want { Ok(()) } else { Err(format!("{found:?}, not {want:?}")) }
}

/// The URL as the client reads it.
pub(crate) fn url(text: &str) -> Result<Uri, String> {
    let request = Client::new().get(text).build();
    Ok(request.map_err(|error| format!("{text}: {error}"))?.uri().clone())
}
