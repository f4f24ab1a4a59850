//! Random chains of redirects, and random Locations.

use http::{HeaderValue, Request, Response};
use treq_core::{Body, Kind};
use treq_redirect::{LeftOrigin, RedirectErrorReason, RedirectLayer, TooManyRedirects};
use treq_testing::Random;

use crate::support::{Seen, World, get, reason, redirect};

const ORIGINS: [&str; 5] =
    ["http://a.test", "https://a.test", "http://a.test:8080", "http://b.test", "http://sub.a.test"];
const SECRETS: [&str; 6] =
    ["authorization", "cookie", "x-rapidapi-key", "cf-access-jwt-assertion", "x-session-id", "x-auth-user"];
const CONTENT: [&str; 3] = ["content-type", "content-language", "digest"];
const CONDITIONS: [&str; 5] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if"];
const OTHERS: [&str; 5] = ["accept", "user-agent", "idempotency-key", "x-request-id", "traceparent"];

/// What each request of a chain must be, told anew from what came before.
struct Expected {
    method: String,
    origin: &'static str,
    left: bool,
    changed: bool,
    /// The method that changed was neither GET nor HEAD.
    written: bool,
}

impl Expected {
    fn follow(&mut self, status: u16, origin: &'static str) {
        let method = match (status, self.method.as_str()) {
            (301 | 302, "POST") => "GET",
            (303, "HEAD") => "HEAD",
            (303, _) => "GET",
            (_, method) => method,
        };
        if method != self.method {
            self.changed = true;
            self.written |= !["GET", "HEAD"].contains(&self.method.as_str());
            self.method = method.to_owned();
        }
        self.left |= origin != self.origin;
        self.origin = origin;
    }

    fn check(&self, first: &Seen, seen: &Seen) {
        assert_eq!(seen.method.as_str(), self.method);
        let kept = |names: &[&str], keeps: bool| {
            for name in names {
                let had = first.headers.contains_key(*name);
                assert_eq!(seen.headers.contains_key(*name), had && keeps, "{name} at {}", seen.url);
            }
        };
        kept(&SECRETS, !self.left);
        kept(&CONTENT, !self.changed);
        kept(&CONDITIONS, !self.written);
        kept(&OTHERS, true);
        let is_conditional = first.headers.contains_key("if-range");
        kept(&["range", "if-range"], !(is_conditional && self.written));
        let has_userinfo = |seen: &Seen| seen.url.authority().unwrap().as_str().contains('@');
        assert_eq!(has_userinfo(seen), has_userinfo(first) && !self.left, "{}", seen.url);
        assert_eq!(seen.extensions.get::<LeftOrigin>().is_some(), self.left);
    }
}

#[tokio::test]
async fn random_chains_drop_and_keep_by_the_rules() {
    for seed in 1..=2000 {
        let mut random = Random::new(seed);
        let method = *random.pick(&["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]);
        let origin = *random.pick(&ORIGINS);
        let userinfo = *random.pick(&["", "user:secret@", "u%40@"]);
        let url = format!("{}/0", origin.replace("//", &format!("//{userinfo}")));
        let mut request = Request::builder().method(method).uri(url);
        for name in [&SECRETS[..], &CONTENT, &CONDITIONS, &OTHERS, &["range", "if-range"]].concat() {
            if random.below(3) > 0 {
                request = request.header(name, "1");
            }
        }
        let mut hops = Vec::new();
        for _ in 0..random.below(6) {
            hops.push((*random.pick(&[301, 302, 303, 307, 308]), *random.pick(&ORIGINS)));
        }
        let told = hops.clone();
        let world = World::new(move |seen| {
            let at: usize = seen.url.path()[1..].parse().unwrap();
            match told.get(at) {
                Some((status, origin)) => redirect(*status, &format!("{origin}/{}", at + 1)),
                None => Response::new(Body::empty()),
            }
        });
        world.ask(RedirectLayer::new(), request.body(Body::empty()).unwrap()).await.unwrap();
        let seen = world.seen();
        assert_eq!(seen.len(), hops.len() + 1, "seed {seed}");
        let mut expected = Expected { method: method.to_owned(), origin, left: false, changed: false, written: false };
        for (at, (status, origin)) in hops.into_iter().enumerate() {
            expected.follow(status, origin);
            expected.check(&seen[0], &seen[at + 1]);
        }
    }
}

#[tokio::test]
async fn any_bytes_are_a_location_or_a_clear_error() {
    const PARTS: [&[u8]; 29] = [
        b"http:",
        b"https:",
        b"HTTP:",
        b"ftp:",
        b"mailto:",
        b"/",
        b"//",
        b"\\",
        b"?",
        b"#",
        b"@",
        b"b.test",
        b":",
        b"81",
        b"0",
        b"[",
        b"]",
        b"::1",
        b"%",
        b"%2e",
        b"..",
        b"\xff",
        b"\xc3\xa9",
        b"\xe2\x82",
        b"\t",
        b" ",
        b"\"",
        b"xn--",
        b"\xf0\x9f\x8d\xb5",
    ];
    for seed in 1..=20_000 {
        let mut random = Random::new(seed);
        let parts: Vec<&[u8]> = (0..random.below(9)).map(|_| *random.pick(&PARTS)).collect();
        let location = HeaderValue::from_bytes(&parts.concat()).unwrap();
        let first = location.clone();
        let world = World::new(move |seen| {
            let mut response = redirect(302, "/");
            response.headers_mut().insert("location", first.clone());
            if seen.url == "http://a.test/first" { response } else { Response::new(Body::empty()) }
        });
        if let Err(error) = world.ask(RedirectLayer::new().limit(1), get("http://a.test/first")).await {
            // A Location may lead to the same URL again.
            let again = error.find::<TooManyRedirects>().is_some();
            assert!(again || reason(&error) == Some(RedirectErrorReason::Location), "{location:?}: {error}");
            assert_eq!(error.kind(), Kind::Redirect);
        }
        for seen in world.seen() {
            assert!(matches!(seen.url.scheme_str(), Some("http" | "https")), "{location:?}");
            assert!(!seen.url.authority().unwrap().as_str().contains('@'), "{location:?}");
        }
    }
}
