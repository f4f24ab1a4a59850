//! Challenges to what they say, and credentials to what is sent.

mod behaviour;
mod digest;

use http::header::{AUTHORIZATION, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use treq::Client;
use treq_auth::Challenges;

use crate::outgoing_headers::latin1;
use crate::world::{self, Seen};
use crate::{Row, block_on};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    match row.text("group") {
        Some("challenge") => challenges(row),
        Some("basic") => basic(row),
        Some("digest-behaviour") => behaviour::play(row),
        Some("digest" | "digest-matrix") => digest::play(row),
        group => Err(format!("nobody knows how {group:?} is played")),
    }
}

fn challenges(row: &Row) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for field in row.get("headers").and_then(Value::as_array).ok_or("no headers")? {
        // A folded line is one line to those who allow it (RFC 9112, section 5.2).
        let line = field.as_str().ok_or("a header is no text")?.replace("\r\n ", "   ");
        let value = HeaderValue::from_bytes(&latin1(&line)?).map_err(|error| error.to_string())?;
        headers.append(WWW_AUTHENTICATE, value);
    }
    let found: Vec<Value> = Challenges::parse(&headers, &WWW_AUTHENTICATE)
        .iter()
        .map(|challenge| {
            let mut seen = Map::from_iter([("scheme".to_owned(), challenge.scheme().into())]);
            match challenge.token68() {
                Some(token68) => seen.insert("token68".to_owned(), token68.into()),
                None => {
                    // Of two parameters of a name the first counts.
                    let value = |name| challenge.param(name).unwrap_or_default().iter().map(|&byte| char::from(byte));
                    let params = challenge.params().map(|(name, _)| (name.to_owned(), value(name).collect::<String>()));
                    let params = params.map(|(name, value)| (name, Value::from(value)));
                    seen.insert("params".to_owned(), params.collect::<Map<_, _>>().into())
                }
            };
            seen.into()
        })
        .collect();
    let want = row.get("expect").and_then(Value::as_array).ok_or("no expectation")?;
    if found == *want { Ok(()) } else { Err(format!("{found:?}")) }
}

fn basic(row: &Row) -> Result<(), String> {
    let user = row.text("user").ok_or("no user")?;
    let password = match row.get("password").ok_or("no password")? {
        Value::Null => "",
        password => password.as_str().ok_or("the password is no text")?,
    };
    let want = match row.get("expect_header").ok_or("no expectation")? {
        Value::Null => None,
        header => Some(header.as_str().ok_or("the header is no text")?),
    };
    let played = block_on(world::play(Client::builder(), [world::answer(200, &[])], |client| {
        client.get("http://a.test/").basic_auth(user, password)
    }))??;
    match (played.outcome, want) {
        (Err(_), None) if played.seen.is_empty() => Ok(()),
        (Err(error), _) => Err(error.to_string()),
        (Ok(_), want) => {
            let found = fields(&played.seen);
            if found.first().map(String::as_str) == want { Ok(()) } else { Err(format!("{found:?}")) }
        }
    }
}

/// What each request was authorized by; empty for nothing.
fn fields(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|seen| seen.wire.header("authorization").unwrap_or_default().to_owned()).collect()
}

/// The value of a field of a head, as challenges have it.
fn parsed(name: HeaderName, value: &str) -> Result<Challenges, String> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| error.to_string())?;
    headers.insert(&name, value);
    Ok(Challenges::parse(&headers, &name))
}

/// A parameter of a field that was sent, without quotes and escapes.
fn param(field: &str, name: &str) -> Option<String> {
    parsed(AUTHORIZATION, field).ok()?.iter().next()?.text(name).map(std::borrow::Cow::into_owned)
}

fn text(value: Option<&HeaderValue>) -> String {
    value.map_or_else(String::new, |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
