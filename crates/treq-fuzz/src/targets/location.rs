//! `Location`, through the redirect layer.

use std::sync::{Arc, Mutex};

use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderValue, Method, Request, Response};
use tower::{Layer as _, ServiceExt as _};
use treq_core::{Body, BoxError, Kind, Origin};
use treq_redirect::RedirectLayer;

use super::{block_on, lines, with_secret};
use crate::oracle::tells_nothing;

const STATUS: [u16; 5] = [301, 302, 303, 307, 308];

/// The lines are Locations, one after the other. The first byte chooses the status, the method and where it begins.
pub(super) fn run(input: &[u8]) {
    let Some((&choice, input)) = input.split_first() else { return };
    let locations: Vec<_> = input.split(|byte| *byte == b'\n').take(12).map(<[u8]>::to_vec).collect();
    follow(choice, locations);
    let [before, after] = lines::<2>(input).map(String::from_utf8_lossy);
    if !before.contains(['?', '#']) && !after.contains(['?', '#', '@']) {
        let secret = with_secret(&before, "");
        follow(choice, vec![format!("//{secret}@{after}").into_bytes()]);
        follow(choice, vec![format!("http://u:{secret}@{after}").into_bytes()]);
    }
    follow(choice, vec![format!("{before}?{}", with_secret("", &after)).into_bytes()]);
}

fn follow(choice: u8, locations: Vec<Vec<u8>>) {
    let choice = usize::from(choice);
    let method = [Method::GET, Method::POST, Method::HEAD, Method::PUT][choice / 5 % 4].clone();
    let scheme = ["http", "https"][choice / 20 % 2];
    let url = format!("{scheme}://{}@a.test:8080/b/c?q", with_secret("u:", ""));
    let first = Origin::from_uri(&url.parse().expect("a URL")).expect("an origin");
    let request = Request::builder().method(method).uri(url);
    let request = request.header(AUTHORIZATION, "Bearer 1").body(Body::from("b")).expect("a request");
    let left = Arc::new(Mutex::new(locations.into_iter()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = tower::service_fn(move |request: Request<Body>| {
        log.lock().expect("no panic").push(request.map(drop));
        let mut response = Response::new(Body::empty());
        if let Some(location) = left.lock().expect("no panic").next() {
            *response.status_mut() = http::StatusCode::from_u16(STATUS[choice % 5]).expect("a status");
            if let Ok(value) = HeaderValue::from_bytes(&location) {
                response.headers_mut().append(LOCATION, value);
            }
        }
        std::future::ready(Ok::<_, BoxError>(response))
    });
    if let Err(error) = block_on(RedirectLayer::new().limit(10).layer(server).oneshot(request)) {
        assert_eq!(error.kind(), Kind::Redirect, "{error}");
        tells_nothing(&error);
    }
    let seen = seen.lock().expect("no panic");
    assert!(seen.len() <= 11, "{} requests", seen.len());
    let mut gone = false;
    for request in &*seen {
        gone |= Origin::from_uri(request.uri()).expect("an origin") != first;
        let has_credentials = request.headers().contains_key(AUTHORIZATION)
            || request.uri().authority().is_some_and(|authority| authority.as_str().contains('@'));
        assert!(!gone || !has_credentials, "credentials go to {}", request.uri());
    }
}
