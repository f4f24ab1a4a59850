use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Uri};
use treq::auth::AuthLayer;
use treq::{Client, Origin};
use treq_auth::{Content, Digest, Outgoing, Scheme, Step};

use super::{fields, param, parsed, text};
use crate::{Row, block_on, world};

/// The answer to a challenge, asked for as often as the count says, and by the whole client.
pub(super) fn play(row: &Row) -> Result<(), String> {
    let challenge = row.text("challenge").ok_or("no challenge")?;
    let method = row.text("method").ok_or("no method")?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let target = row.text("uri").ok_or("no uri")?;
    let count = row.get("nc").and_then(serde_json::Value::as_u64).ok_or("no nc")?;
    let field = answer(row, challenge, &method, target, count)?;
    check(row, challenge, target, count, &field)?;
    // The client sends what has a path that a URL may have, and counts from 1.
    if count == 1 && target.starts_with('/') && !target.contains('"') {
        let sent = through_the_client(row, challenge, &method, target)?;
        if sent != field {
            return Err(format!("the client sends {sent}, not {field}"));
        }
    }
    Ok(())
}

fn credentials(row: &Row) -> Result<Digest, String> {
    let cnonce = row.text("cnonce").ok_or("no cnonce")?.to_owned();
    let digest = Digest::new(row.text("user").ok_or("no user")?, row.text("password").ok_or("no password")?);
    Ok(digest.cnonce(move || cnonce.clone()))
}

fn answer(row: &Row, challenge: &str, method: &Method, target: &str, count: u64) -> Result<String, String> {
    let (challenges, digest) = (parsed(WWW_AUTHENTICATE, challenge)?, credentials(row)?);
    // Some targets are none to `http::Uri`.
    let uri = Uri::from_static("http://a.test/");
    let mut field = String::new();
    for _ in 0..count {
        let mut headers = HeaderMap::new();
        let mut outgoing = Outgoing::new(method, &uri, &mut headers).with_target(target);
        let step = digest.answer(&challenges, &mut outgoing).map_err(|error| error.to_string())?;
        if let Step::Hash(mut hash) = step {
            hash.update(row.text("body").unwrap_or_default().as_bytes());
            let hash = hash.finish();
            let outgoing = Outgoing::new(method, &uri, &mut headers).with_target(target);
            let hashed = digest.answer(&challenges, &mut outgoing.with_content(Content::Hashed(&hash)));
            hashed.map_err(|error| error.to_string())?;
        }
        field = text(headers.get(AUTHORIZATION));
    }
    Ok(field)
}

fn check(row: &Row, challenge: &str, target: &str, count: u64, field: &str) -> Result<(), String> {
    let challenges = parsed(WWW_AUTHENTICATE, challenge)?;
    let challenge = challenges.iter().next().ok_or("no challenge")?;
    let count = format!("{count:08x}");
    let mut want = vec![("response", row.text("expect_response").ok_or("no expect_response")?), ("uri", target)];
    if let Some(username) = row.text("expect_username") {
        want.push(("username", username));
    }
    if challenge.param("qop").is_some() {
        want.push(("nc", &count));
        want.push(("cnonce", row.text("cnonce").ok_or("no cnonce")?));
    }
    for (name, want) in want {
        let found = param(field, name);
        if found.as_deref() != Some(want) {
            return Err(format!("{name} is {found:?}, not {want:?}"));
        }
    }
    for name in ["realm", "nonce", "opaque", "algorithm"] {
        if challenge.text(name).as_deref() != param(field, name).as_deref() {
            return Err(format!("{name} is not echoed in {field}"));
        }
    }
    Ok(())
}

fn through_the_client(row: &Row, challenge: &str, method: &Method, target: &str) -> Result<String, String> {
    let origin = Origin::from_uri(&Uri::from_static("http://a.test/")).map_err(|error| error.to_string())?;
    let builder = Client::builder().auth_layer(AuthLayer::new().credentials(origin, credentials(row)?));
    let answers = [world::answer(401, &[("WWW-Authenticate", challenge.as_bytes())]), world::answer(200, &[])];
    let url = format!("http://a.test{target}");
    let played = block_on(world::play(builder, answers, |client| {
        let request = client.request(method.as_str(), &url);
        match row.text("body") {
            Some(body) => request.body(body.to_owned()),
            None => request,
        }
    }))??;
    played.outcome.map_err(|error| error.to_string())?;
    fields(&played.seen).pop().ok_or_else(|| "no request".to_owned())
}
