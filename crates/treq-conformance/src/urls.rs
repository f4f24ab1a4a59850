//! URLs and host names as the client reads them.

use http::Uri;
use serde_json::Value;
use treq::options::Credentials;
use treq::{Client, Origin};
use treq_core::uri;

use crate::{Row, cookies};

/// A URL by itself, as a caller gives it, or the reference of a `Location` that came from `base`.
pub(crate) fn play(row: &Row) -> Result<(), String> {
    let found = taken(row);
    if row.get("failure").and_then(Value::as_bool) == Some(true) {
        return found.map_or(Ok(()), |url| Err(format!("it is taken for {url}")));
    }
    let part = |key: &str| row.text(key).ok_or_else(|| format!("no {key}"));
    let want = format!("{}//{}{}{}", part("protocol")?, part("host")?, part("pathname")?, part("search")?);
    let found = found?;
    // An empty query is none among the parts.
    let query = found.query().filter(|query| !query.is_empty()).map_or_else(String::new, |query| format!("?{query}"));
    // As it stands in `Host`, which a default port never does.
    let origin = Origin::from_uri(&found).map_err(|error| error.to_string())?;
    let scheme = found.scheme_str().unwrap_or_default();
    let seen = format!("{scheme}://{}{}{query}", origin.authority(), found.path());
    if seen == want { Ok(()) } else { Err(format!("{seen}, not {want}")) }
}

/// What the client makes of it.
pub(crate) fn taken(row: &Row) -> Result<Uri, String> {
    let input = row.text("input").ok_or("no input")?;
    match row.get("base").ok_or("no base")? {
        Value::Null => given(row, input),
        base => located(base.as_str().ok_or("the base is no text")?, input),
    }
}

fn given(row: &Row, input: &str) -> Result<Uri, String> {
    let request = Client::new().get(input).build().map_err(|error| error.to_string())?;
    let has_user = ["username", "password"].iter().any(|key| row.text(key).is_some_and(|text| !text.is_empty()));
    if request.extensions().get::<Credentials>().is_some() == has_user {
        Ok(request.uri().clone())
    } else {
        Err(format!("there are credentials: {}", !has_user))
    }
}

fn located(base: &str, input: &str) -> Result<Uri, String> {
    let base = cookies::url(base)?;
    uri::resolve(&base, input.as_bytes()).map(|found| found.uri).map_err(|error| error.to_string())
}

/// A host name in ASCII, none where no URL may have it.
pub(crate) fn play_host(row: &Row) -> Result<(), String> {
    let found = cookies::url(&format!("https://{}/x", row.text("input").ok_or("no input")?));
    match (row.get("output").ok_or("no output")?, found) {
        (Value::Null, Err(_)) => Ok(()),
        (Value::Null, Ok(found)) => Err(format!("{found} is a URL")),
        (_, Err(error)) => Err(error),
        (want, Ok(found)) if found.host() == want.as_str() && found.path() == "/x" => Ok(()),
        (want, Ok(found)) => Err(format!("{found}, not {want}")),
    }
}
