//! `WWW-Authenticate`, and files of passwords.

use std::sync::{Arc, Mutex};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use treq_auth::{AuthLayer, Challenges, Digest, Netrc};
use treq_core::{Body, BoxError, Origin};

use super::{block_on, lines, with_secret};
use crate::oracle::{SECRET, keeps_secret, shows_nothing, tells_nothing};

/// Each line is a field's value.
pub(super) fn challenge(input: &[u8]) {
    let values: Vec<_> =
        input.split(|byte| *byte == b'\n').take(50).filter_map(|it| HeaderValue::from_bytes(it).ok()).collect();
    let mut headers = HeaderMap::new();
    for value in &values {
        headers.append(WWW_AUTHENTICATE, value.clone());
    }
    let challenges = Challenges::parse(&headers, &WWW_AUTHENTICATE);
    for challenge in challenges.iter() {
        assert!(!challenge.scheme().is_empty());
        for (name, _) in challenge.params() {
            assert!(challenge.param(name).is_some() && !name.is_empty());
        }
    }
    let origin = Origin::from_uri(&"http://a.test/".parse().expect("a URL")).expect("an origin");
    let layer = AuthLayer::new().credentials(origin, Digest::new("u", SECRET));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = tower::service_fn(move |request: Request<Body>| {
        log.lock().expect("no panic").extend(request.headers().get_all(AUTHORIZATION).iter().cloned());
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        *response.headers_mut() = headers.clone();
        std::future::ready(Ok::<_, BoxError>(response))
    });
    let request = Request::get("http://a.test/x?y").body(Body::empty()).expect("a request");
    if let Err(error) = block_on(layer.layer(server).oneshot(request)) {
        tells_nothing(&error);
    }
    let seen = seen.lock().expect("no panic");
    assert!(seen.len() <= 2, "{} attempts", seen.len());
    for value in &*seen {
        assert!(value.is_sensitive());
        keeps_secret(&String::from_utf8_lossy(value.as_bytes()));
    }
}

/// The input is a file; then it stands around one with a password.
pub(super) fn netrc(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let [host, login] = lines::<2>(text.split('\n').next().unwrap_or_default().as_bytes());
    let (host, login) = (String::from_utf8_lossy(host), String::from_utf8_lossy(login));
    let around = format!("machine a.test login u password {SECRET}\n{text}\nmachine b.test password {SECRET}");
    let quoted = format!("machine {host} login {login} password \"{}\"", with_secret("", "x"));
    for text in [&*text, &around, &quoted] {
        match Netrc::parse(text) {
            Ok(netrc) => {
                shows_nothing(&netrc);
                for entry in netrc.entries() {
                    shows_nothing(&entry.login().len());
                    if let Some(host) = entry.host() {
                        assert!(netrc.find(host, None).is_some(), "{host:?}");
                    }
                }
            }
            Err(error) => tells_nothing(&error),
        }
    }
}
