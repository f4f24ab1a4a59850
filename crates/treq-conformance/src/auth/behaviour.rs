use bytes::Bytes;
use http::header::{AUTHORIZATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Uri};
use treq::auth::AuthLayer;
use treq::{Body, Client, ClientBuilder, Origin};
use treq_auth::{Digest, Outgoing, Scheme};
use treq_testing::{RawServer, Step};

use super::{fields, param, parsed, text};
use crate::world::{self, Played};
use crate::{Row, block_on};

/// What a client does with a challenge; the rows say it in words.
pub(super) fn play(row: &Row) -> Result<(), String> {
    let challenge = row.text("challenge").ok_or("no challenge")?;
    let expect = row.text("expect").ok_or("no expectation")?;
    // Of alternatives the first; the second is an answer without the parameter that is missing.
    if expect.starts_with("no Authorization sent") {
        return match &fields(&exchange(challenge, |client| client.get("http://a.test/"))?.seen)[..] {
            [first] if first.is_empty() => Ok(()),
            sent => Err(format!("{sent:?} is sent")),
        };
    }
    if let Some(echo) = expect.strip_suffix(" echoed") {
        let sent = fields(&exchange(challenge, |client| client.get("http://a.test/"))?.seen);
        let is_echoed = sent.len() == 2 && sent[1].contains(echo);
        return if is_echoed { Ok(()) } else { Err(format!("{sent:?} is sent")) };
    }
    if let Some((nonce, count)) = expect.strip_prefix("next request uses nonce ").and_then(|rest| rest.split_once(' '))
    {
        return next_nonce(challenge, nonce, count.strip_prefix("with ").unwrap_or(count));
    }
    if let Some(paths) = expect.strip_prefix("pre-emptive only under ") {
        return protected(challenge, &paths.split(" and ").collect::<Vec<_>>());
    }
    match expect {
        "error or 401 returned, never a request with an empty body" => once(challenge),
        "Proxy-Authorization: Digest with uri of CONNECT authority or absolute-form" => by_a_proxy(challenge),
        _ => Err(format!("nobody knows how {expect:?} is played")),
    }
}

fn builder() -> Result<ClientBuilder, String> {
    let origin = Origin::from_uri(&Uri::from_static("http://a.test/")).map_err(|error| error.to_string())?;
    Ok(Client::builder().auth_layer(AuthLayer::new().credentials(origin, Digest::new("u", "p"))))
}

/// The challenge, then 200.
fn exchange(challenge: &str, request: impl FnOnce(&Client) -> treq::RequestBuilder) -> Result<Played, String> {
    let answers = [world::answer(401, &[("WWW-Authenticate", challenge.as_bytes())]), world::answer(200, &[])];
    block_on(world::play(builder()?, answers, request))?
}

fn once(challenge: &str) -> Result<(), String> {
    let body = Body::new(http_body_util::Full::new(Bytes::from_static(b"once")));
    let played = exchange(challenge, |client| client.post("http://a.test/").body(body))?;
    let returned = played.outcome.as_ref().map_or(true, |response| response.status() == 401);
    let whole = played.seen.iter().all(|seen| *seen.wire.body == *b"once");
    if returned && whole { Ok(()) } else { Err(format!("{} requests", played.seen.len())) }
}

fn next_nonce(field: &str, nonce: &str, count: &str) -> Result<(), String> {
    let (name, value) = field.split_once(": ").ok_or("no field")?;
    let challenge: &[u8] = br#"Digest realm="r", nonce="n", qop="auth""#;
    let answers = [
        world::answer(401, &[("WWW-Authenticate", challenge)]),
        world::answer(200, &[(name, value.as_bytes())]),
        world::answer(200, &[]),
    ];
    let sent = several(&answers, &["/", "/"])?;
    let good = sent.len() == 3 && param(&sent[2], "nonce").as_deref() == Some(nonce) && sent[2].contains(count);
    if good { Ok(()) } else { Err(format!("{sent:?} is sent")) }
}

/// Which requests, one after the other, come with credentials before they are asked for.
fn protected(challenge: &str, paths: &[&str]) -> Result<(), String> {
    let first = *paths.first().ok_or("no path")?;
    let within: Vec<String> = paths.iter().flat_map(|path| [format!("{path}/x"), format!("{path}?q")]).collect();
    let without: Vec<String> =
        paths.iter().map(|path| format!("{path}b")).chain(["/".to_owned(), "/zz".to_owned()]).collect();
    for path in within.iter().chain(&without) {
        let ok = world::answer(200, &[]);
        let answers = [world::answer(401, &[("WWW-Authenticate", challenge.as_bytes())]), ok.clone(), ok];
        let sent = several(&answers, &[first, path])?;
        let is_sent = sent.last().is_some_and(|field| !field.is_empty());
        if sent.len() != 3 || is_sent != within.contains(path) {
            return Err(format!("{path}: {sent:?} is sent"));
        }
    }
    Ok(())
}

/// What the requests for these paths by one client were authorized by.
fn several(answers: &[Vec<u8>], paths: &[&str]) -> Result<Vec<String>, String> {
    let mut server = RawServer::builder();
    for answer in answers {
        server = server.connection([Step::ReadRequest, Step::send(answer.clone()), Step::Close]);
    }
    block_on(async {
        let server = server.start_in_memory();
        let client = builder()?.connector(server.connector()).build().map_err(|error| error.to_string())?;
        for path in paths {
            let mut response = client.get(format!("http://a.test{path}")).await.map_err(|error| error.to_string())?;
            response.content().await.map_err(|error| error.to_string())?;
        }
        let sent =
            server.requests().into_iter().map(|wire| wire.header("authorization").unwrap_or_default().to_owned());
        Ok(sent.collect())
    })?
}

/// To a proxy the target is what its request line has: the authority of a CONNECT, else the whole URL.
fn by_a_proxy(field: &str) -> Result<(), String> {
    let (name, value) = field.split_once(": ").ok_or("no field")?;
    if !name.eq_ignore_ascii_case(PROXY_AUTHENTICATE.as_str()) {
        return Err(format!("{name} is no challenge of a proxy"));
    }
    let challenges = parsed(PROXY_AUTHENTICATE, value)?;
    let digest = Digest::new("u", "p");
    for (method, target) in [(Method::CONNECT, "a.test:443"), (Method::GET, "http://a.test/x")] {
        let mut headers = HeaderMap::new();
        let uri: Uri = target.parse().map_err(|_| "no target")?;
        let mut outgoing = Outgoing::for_proxy(&method, &uri, target, &mut headers);
        digest.answer(&challenges, &mut outgoing).map_err(|error| error.to_string())?;
        let sent = text(headers.get(PROXY_AUTHORIZATION));
        if param(&sent, "uri").as_deref() != Some(target) || headers.contains_key(AUTHORIZATION) {
            return Err(format!("{sent:?} is sent"));
        }
    }
    Ok(())
}
