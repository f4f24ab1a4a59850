//! The rows of `tests/data`, each against the parser, the schemes or the layer with its defaults.

use http::header::{AUTHORIZATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use serde_json::Value;
use treq_auth::{
    AuthErrorReason, AuthLayer, Basic, Challenges, Content, Credentials, Digest, Netrc, Outgoing, Scheme, SentHead,
    Step,
};
use treq_core::{Body, Error, uri};

use crate::support::{World, get, one_shot, origin, param, post, text, why};

fn rows(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All rows of a file pass.
fn all(file: &str, faults: Vec<(Value, String)>) {
    let faults: Vec<String> = faults.into_iter().map(|(row, fault)| format!("{}: {fault}", row["id"])).collect();
    assert!(faults.is_empty(), "{file}\n{}", faults.join("\n"));
}

/// A field as it stands on the wire: in JSON it is the Latin-1 view of its bytes. A folded line is one line to those who
/// allow it (RFC 9112, section 5.2).
fn wire(text: &Value) -> HeaderValue {
    let text = text.as_str().unwrap().replace("\r\n ", "   ");
    let bytes: Vec<u8> = text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
    HeaderValue::from_bytes(&bytes).unwrap()
}

#[test]
fn challenges() {
    let mut faults = Vec::new();
    for row in rows("www-authenticate.jsonl") {
        let mut headers = HeaderMap::new();
        for field in row["headers"].as_array().unwrap() {
            headers.append(WWW_AUTHENTICATE, wire(field));
        }
        let parsed = Challenges::parse(&headers, &WWW_AUTHENTICATE);
        let seen: Vec<Value> = parsed
            .iter()
            .map(|challenge| match challenge.token68() {
                Some(token68) => serde_json::json!({"scheme": challenge.scheme(), "token68": token68}),
                None => {
                    // The first of two counts.
                    let params = challenge.params().map(|(name, _)| {
                        let value: String =
                            challenge.param(name).unwrap().iter().map(|&byte| char::from(byte)).collect();
                        (name.to_owned(), Value::from(value))
                    });
                    let params: serde_json::Map<String, Value> = params.collect();
                    serde_json::json!({"scheme": challenge.scheme(), "params": params})
                }
            })
            .collect();
        if Value::from(seen.clone()) != row["expect"] {
            faults.push((row, format!("{seen:?}")));
        }
    }
    all("www-authenticate.jsonl", faults);
}

#[tokio::test]
async fn basic_and_digest() {
    let mut faults = Vec::new();
    for row in rows("basic-digest.jsonl") {
        let fault = match row["group"].as_str().unwrap() {
            "basic" => basic(&row),
            "digest-behaviour" => behaviour(&row).await,
            _ => digest(&row).await,
        };
        faults.extend(fault.map(|fault| (row, fault)));
    }
    all("basic-digest.jsonl", faults);
}

fn basic(row: &Value) -> Option<String> {
    let field = Basic::new(row["user"].as_str().unwrap(), row["password"].as_str().unwrap_or_default()).map(|basic| {
        let (method, uri, mut headers) = (Method::GET, Uri::from_static("http://a.test/"), HeaderMap::new());
        basic.authorize(&mut Outgoing::new(&method, &uri, &mut headers)).unwrap();
        text(headers[AUTHORIZATION].as_bytes())
    });
    (field.as_deref().ok() != row["expect_header"].as_str()).then(|| format!("{field:?}"))
}

fn digest_of(row: &Value) -> Digest {
    let cnonce = row["cnonce"].as_str().unwrap_or("c").to_owned();
    let text = |name: &str| row[name].as_str().unwrap_or("x").to_owned();
    Digest::new(text("user"), text("password")).cnonce(move || cnonce.clone())
}

/// The answer to a challenge, asked for as often as the count says, first without and then with a service in between.
async fn digest(row: &Value) -> Option<String> {
    let str = |name: &str| row[name].as_str().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_bytes(str("challenge").as_bytes()).unwrap());
    let challenges = Challenges::parse(&headers, &WWW_AUTHENTICATE);
    let (digest, method) = (digest_of(row), Method::from_bytes(str("method").as_bytes()).unwrap());
    // Some of the targets are none to `http::Uri`.
    let (uri, target) = (Uri::from_static("http://a.test/"), str("uri"));
    let count = row["nc"].as_u64().unwrap();
    let mut field = String::new();
    for _ in 0..count {
        let mut headers = HeaderMap::new();
        let step =
            digest.answer(&challenges, &mut Outgoing::new(&method, &uri, &mut headers).with_target(target)).unwrap();
        if let Step::Hash(mut hash) = step {
            hash.update(row["body"].as_str().unwrap_or_default().as_bytes());
            let hash = hash.finish();
            let outgoing = Outgoing::new(&method, &uri, &mut headers).with_target(target);
            digest.answer(&challenges, &mut outgoing.with_content(Content::Hashed(&hash))).unwrap();
        }
        field = text(headers[AUTHORIZATION].as_bytes());
    }
    let challenge = challenges.iter().next().unwrap();
    let mut faults: Vec<String> = ["realm", "nonce", "opaque", "algorithm"]
        .into_iter()
        .filter(|name| challenge.text(name).as_deref() != param(&field, name).as_deref())
        .map(|name| format!("{name} is not echoed"))
        .collect();
    let mut expect = vec![("response", row["expect_response"].clone()), ("uri", row["uri"].clone())];
    if row.get("expect_username").is_some() {
        expect.push(("username", row["expect_username"].clone()));
    }
    if challenge.param("qop").is_some() {
        expect.push(("nc", format!("{count:08x}").into()));
        expect.push(("cnonce", row["cnonce"].clone()));
    }
    faults.extend(
        expect
            .into_iter()
            .filter(|(name, want)| param(&field, name).as_deref() != want.as_str())
            .map(|(name, _)| format!("{name} differs")),
    );
    if count == 1 && target != "*" {
        let again = through_a_service(row, &method).await;
        if again != field {
            faults.push(format!("the layer sends {again}"));
        }
    }
    (!faults.is_empty()).then(|| format!("{}: {field}", faults.join(", ")))
}

async fn through_a_service(row: &Value, method: &Method) -> String {
    let world = World::digest(row["challenge"].as_str().unwrap());
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), digest_of(row));
    let url = format!("http://a.test{}", row["uri"].as_str().unwrap());
    let body = Body::from(row["body"].as_str().unwrap_or_default().to_owned());
    let request = Request::builder().method(method).uri(url).body(body).unwrap();
    let status = world.ask(&layer, request).await.unwrap().status();
    if status == 200 { world.fields()[1].clone() } else { status.to_string() }
}

async fn behaviour(row: &Value) -> Option<String> {
    let challenge = row["challenge"].as_str().unwrap();
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Digest::new("u", "p"));
    let world = World::digest(challenge);
    let fields = match row["expect"].as_str().unwrap() {
        // The first of the alternatives; the second is an answer without the parameter.
        "no Authorization sent, or legacy no-qop answer"
        | "no Authorization sent; 401 returned"
        | "no Authorization sent, or empty realm" => {
            let status = world.ask(&layer, get("http://a.test/")).await.unwrap().status();
            return (status != 401 || world.fields() != [""]).then(|| format!("{:?}", world.fields()));
        }
        "next request uses nonce n3 with nc=00000001" => return next_nonce(challenge),
        "pre-emptive only under /a and /b" => {
            for path in ["/a", "/a/x", "/b?q", "/", "/c", "/ab"] {
                let _ = world.ask(&layer, get(&format!("http://a.test{path}"))).await.unwrap();
            }
            let sent: Vec<String> =
                world.seen().iter().map(|seen| format!("{}{}", seen.url.path(), sign(seen))).collect();
            let want = ["/a-", "/a+", "/a/x+", "/b+", "/-", "/+", "/c-", "/c+", "/ab-", "/ab+"];
            return (sent != want).then(|| format!("{sent:?}"));
        }
        "error or 401 returned, never a request with an empty body" => {
            let status = world.ask(&layer, post("http://a.test/", one_shot())).await.unwrap().status();
            return (status != 401 || world.seen().len() != 1).then(|| format!("{status}"));
        }
        "Proxy-Authorization: Digest with uri of CONNECT authority or absolute-form" => return proxy(challenge),
        _ => {
            let _ = world.ask(&layer, get("http://a.test/")).await.unwrap();
            world.fields()
        }
    };
    let want = row["expect"].as_str().unwrap().strip_suffix(" echoed");
    (!want.is_some_and(|want| fields[1].contains(want))).then(|| format!("{fields:?}"))
}

fn sign(seen: &crate::support::Seen) -> char {
    if seen.field().is_empty() { '-' } else { '+' }
}

fn next_nonce(field: &str) -> Option<String> {
    let digest = Digest::new("u", "p");
    let (method, uri, mut headers) = (Method::GET, Uri::from_static("http://a.test/"), HeaderMap::new());
    let mut response = HeaderMap::new();
    response.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Digest realm="r", nonce="n", qop="auth""#));
    let challenges = Challenges::parse(&response, &WWW_AUTHENTICATE);
    digest.answer(&challenges, &mut Outgoing::new(&method, &uri, &mut headers)).unwrap();
    let (name, value) = field.split_once(": ").unwrap();
    response.insert(http::HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
    digest.accept(&SentHead::new(&uri, headers.get(AUTHORIZATION)), StatusCode::OK, &response).unwrap();
    digest.authorize(&mut Outgoing::new(&method, &uri, &mut headers)).unwrap();
    let next = text(headers[AUTHORIZATION].as_bytes());
    let good = next.contains(r#"nonce="n3""#) && next.contains("nc=00000001");
    (!good).then_some(next)
}

fn proxy(field: &str) -> Option<String> {
    let mut response = HeaderMap::new();
    let value = field.strip_prefix("Proxy-Authenticate: ").unwrap();
    response.insert(PROXY_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
    let challenges = Challenges::parse(&response, &PROXY_AUTHENTICATE);
    let digest = Digest::new("u", "p");
    for (method, uri, target) in
        [(Method::CONNECT, "a.test:443", "a.test:443"), (Method::GET, "http://a.test/x", "http://a.test/x")]
    {
        let mut headers = HeaderMap::new();
        let uri = uri.parse().unwrap();
        digest.answer(&challenges, &mut Outgoing::for_proxy(&method, &uri, target, &mut headers)).unwrap();
        let field = text(headers[PROXY_AUTHORIZATION].as_bytes());
        if param(&field, "uri").as_deref() != Some(target) || headers.contains_key(AUTHORIZATION) {
            return Some(field);
        }
    }
    None
}

#[tokio::test]
async fn netrc() {
    let mut faults = Vec::new();
    for row in rows("netrc.jsonl") {
        let netrc = Netrc::parse(row["netrc"].as_str().unwrap());
        let fault = match (row["expect"]["hosts"].as_object(), netrc) {
            (_, netrc) if row["expect"]["error"] == true => netrc.is_ok().then(|| "no error".to_owned()),
            (_, Err(error)) => Some(error.to_string()),
            (Some(hosts), Ok(netrc)) => entries(hosts, &netrc),
            (None, Ok(netrc)) => looked_up(&row, netrc).await,
        };
        faults.extend(fault.map(|fault| (row, fault)));
    }
    all("netrc.jsonl", faults);
}

fn entries(hosts: &serde_json::Map<String, Value>, netrc: &Netrc) -> Option<String> {
    let good = netrc.entries().len() == hosts.len()
        && netrc.entries().iter().all(|entry| {
            let want = &hosts[entry.host().unwrap_or("default")];
            want["login"] == entry.login()
                && want["account"] == entry.account()
                && want["password"] == entry.password().unwrap_or_default()
        });
    (!good).then(|| format!("{netrc:?}"))
}

/// The URL as a user's is taken apart, and as it is in the hands of `http`.
async fn looked_up(row: &Value, netrc: Netrc) -> Option<String> {
    let url = row["url"].as_str().unwrap();
    let want = match row["expect_auth"].as_array() {
        Some(pair) => basic_value(pair),
        None => String::new(),
    };
    let layer = AuthLayer::new().netrc(netrc);
    let whole = World::open().get(&layer, url).await;
    let apart = World::open();
    let _ = apart.ask(&layer, located(url).unwrap()).await.unwrap();
    (whole != want || apart.fields() != [want]).then(|| format!("{whole} and {:?}", apart.fields()))
}

fn basic_value(pair: &[Value]) -> String {
    let row = serde_json::json!({"user": pair[0], "password": pair[1]});
    let (method, uri, mut headers) = (Method::GET, Uri::from_static("http://a.test/"), HeaderMap::new());
    let basic = Basic::new(row["user"].as_str().unwrap(), row["password"].as_str().unwrap()).unwrap();
    basic.authorize(&mut Outgoing::new(&method, &uri, &mut headers)).unwrap();
    text(headers[AUTHORIZATION].as_bytes())
}

/// A request for a URL whose userinfo is made into credentials beforehand.
fn located(url: &str) -> Result<Request<Body>, Error> {
    let located = uri::parse(url)?;
    let mut request = get(&located.uri.to_string());
    if let Some(userinfo) = &located.userinfo {
        request.extensions_mut().insert(Credentials::from_userinfo(origin(url), userinfo)?);
    }
    Ok(request)
}

#[tokio::test]
async fn userinfo() {
    let mut faults = Vec::new();
    for row in rows("userinfo.jsonl") {
        let url = row["url"].as_str().unwrap();
        let pair = row["expect_basic_credentials"].as_array();
        // Such a name cannot be sent by Basic (RFC 7617, section 2; row basic-colon-user), so no server has meant it.
        let refused = pair.is_some_and(|pair| pair[0].as_str().unwrap().contains(':'));
        let want = pair.filter(|_| !refused).map(|pair| basic_value(pair)).unwrap_or_default();
        let world = World::open();
        // A fragment has no place in `http::Uri`.
        let plain = Request::get(url.split('#').next().unwrap()).body(Body::empty()).unwrap();
        for request in [located(url), Ok(plain)] {
            let outcome = match request {
                Ok(request) => world.ask(&AuthLayer::new(), request).await.map(drop),
                Err(error) => Err(error),
            };
            if outcome.as_ref().err().and_then(why) != refused.then_some(AuthErrorReason::Colon) {
                faults.push((row.clone(), format!("{outcome:?}")));
            }
        }
        for seen in world.seen() {
            if seen.field() != want || seen.url.to_string().contains('@') {
                faults.push((row.clone(), format!("{} {}", seen.url, seen.field())));
            }
        }
    }
    all("userinfo.jsonl", faults);
}
