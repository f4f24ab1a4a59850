//! What a hostile server or a careless caller could do, each by its number in the table of threats.

use std::time::Instant;

use http::{Response, StatusCode};
use treq_auth::{AuthErrorReason, AuthLayer, Basic, Bearer, Challenges, Credentials, Digest, Netrc};
use treq_core::options::LeftOrigin;
use treq_core::{Body, Kind};

use crate::support::{World, get, origin, unauthorized, why};

fn netrc(text: &str) -> AuthLayer {
    AuthLayer::new().netrc(Netrc::parse(text).unwrap())
}

#[tokio::test]
async fn threat_au_01_credentials_go_to_their_origin_only() {
    let layer = AuthLayer::new().credentials(origin("https://a.test/"), Basic::new("u", "p").unwrap());
    for (url, sent) in [
        ("https://a.test/x", true),
        ("https://A.TEST:443/x", true),
        ("http://a.test/", false),
        ("https://a.test:8443/", false),
        ("https://b.test/", false),
        ("https://sub.a.test/", false),
        ("https://a.test./", false),
        ("https://a.test.evil.test/", false),
        ("https://evil.test/?https://a.test/", false),
    ] {
        assert_eq!(!World::open().get(&layer, url).await.is_empty(), sent, "{url}");
        let mut request = get(url);
        request.extensions_mut().insert(Credentials::new(origin("https://a.test/"), Bearer::new("t").unwrap()));
        let world = World::open();
        let _ = world.ask(&AuthLayer::new(), request).await.unwrap();
        assert_eq!(world.fields() == ["Bearer t"], sent, "{url}");
    }
}

#[tokio::test]
async fn threat_au_02_a_nonce_of_one_host_is_not_answered_to_another() {
    let world = World::new(|seen, _| match (seen.url.host(), seen.field().is_empty()) {
        (Some("a.test"), true) => unauthorized(r#"Digest realm="r", nonce="n", domain="/ http://b.test/""#),
        _ => Response::new(Body::empty()),
    });
    let layer = AuthLayer::new()
        .credentials(origin("http://a.test/"), Digest::new("u", "p"))
        .credentials(origin("http://c.test/"), Digest::new("u", "p"));
    for url in ["http://a.test/", "http://b.test/", "http://c.test/"] {
        let _ = world.ask(&layer, get(url)).await.unwrap();
    }
    let sent: Vec<bool> = world.fields().iter().map(|field| !field.is_empty()).collect();
    assert_eq!(sent, [false, true, false, false]);
}

#[tokio::test]
async fn threat_au_03_a_long_challenge_costs_little_and_is_not_answered() {
    let lots = |piece: &str| piece.repeat(64 * 1024 / piece.len());
    let begin = Instant::now();
    for tail in [
        lots("\u{a0}"),
        lots(","),
        lots("a=\"\\"),
        lots("a "),
        lots("Digest "),
        lots("\\"),
        lots("a=b,"),
        lots("=="),
        lots("\""),
        lots("a\t=\t\t\t"),
    ] {
        let bytes: Vec<u8> = tail.chars().map(|char| char as u8).collect();
        for len in [bytes.len(), 8000] {
            let challenge = [&b"Digest realm=r, nonce=n, x"[..], &bytes[..len]].concat();
            let value = http::HeaderValue::from_bytes(&challenge).unwrap();
            let mut headers = http::HeaderMap::new();
            for _ in 0..16 {
                headers.append("www-authenticate", value.clone());
            }
            let parsed = Challenges::parse(&headers, &http::header::WWW_AUTHENTICATE);
            assert_eq!(parsed.iter().next().is_none(), len > 8192);
            if len > 8192 {
                let world = World::new(move |_, _| {
                    let mut response = unauthorized("");
                    response.headers_mut().insert("www-authenticate", value.clone());
                    response
                });
                let layer = AuthLayer::new().credentials(origin("http://a.test/"), Digest::new("u", "p"));
                let answer = world.ask(&layer, get("http://a.test/")).await.unwrap();
                assert_eq!((answer.status().as_u16(), world.seen().len()), (401, 1));
            }
        }
    }
    // In a build without optimisation; it takes some milliseconds.
    assert!(begin.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn threat_au_04_a_server_that_always_says_401_is_heard_three_times_at_most() {
    for (challenge, requests) in [
        ("Basic realm=\"r\"", 1),
        ("Digest realm=\"r\", nonce=\"n\"", 2),
        ("Digest realm=\"r\", nonce=\"n\", stale=true", 3),
    ] {
        let world = World::new(move |_, _| unauthorized(challenge));
        let layer = AuthLayer::new()
            .credentials(origin("http://a.test/"), Digest::new("u", "p"))
            .credentials(origin("http://b.test/"), Basic::new("u", "p").unwrap());
        assert_eq!(world.ask(&layer, get("http://a.test/")).await.unwrap().status(), 401);
        assert_eq!(world.seen().len(), requests);
        assert_eq!(world.ask(&layer, get("http://b.test/")).await.unwrap().status(), 401);
        assert_eq!(world.seen().len(), requests + 1);
    }
}

#[tokio::test]
async fn threat_au_06_a_rebuilt_layer_shares_no_state() {
    let world = World::digest("Digest realm=\"r\", nonce=\"n\"");
    let with = || AuthLayer::new().credentials(origin("http://a.test/"), Digest::new("u", "p"));
    let _ = world.ask(&with(), get("http://a.test/")).await.unwrap();
    assert_eq!(world.get(&AuthLayer::new(), "http://a.test/").await, "");
    let _ = world.ask(&with(), get("http://a.test/")).await.unwrap();
    assert_eq!(world.fields().iter().filter(|field| field.is_empty()).count(), 3);
}

#[tokio::test]
async fn threat_au_07_the_netrc_is_asked_for_the_host_that_is_dialled() {
    let layer = netrc("machine good.com login a password b");
    for url in ["http://good.com:@evil.com/", "http://good.com@evil.com/", "http://evil.com/@good.com/"] {
        let field = World::open().get(&layer, url).await;
        assert!(!field.contains(&Basic64::of("a:b")), "{url} {field}");
    }
}

/// Base64 as [`Basic`] writes it.
struct Basic64;

impl Basic64 {
    fn of(pair: &str) -> String {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(pair)
    }
}

#[tokio::test]
async fn threat_au_08_an_entry_without_password_gives_nothing() {
    let layer = netrc("machine a.test login alice password s3\nmachine c.test login carol\ndefault login bob");
    for (url, sent) in [("http://a.test/", true), ("http://b.test/", false), ("http://c.test/", false)] {
        assert_eq!(!World::open().get(&layer, url).await.is_empty(), sent, "{url}");
    }
    let layer = netrc("machine c.test login carol\ndefault login bob password p");
    assert_eq!(World::open().get(&layer, "http://c.test/").await, "");
}

#[tokio::test]
async fn threat_au_09_nothing_is_added_to_a_chain_that_left_its_origin() {
    let layer = netrc("machine b.test login x password y\nmachine a.test login v password w")
        .credentials(origin("http://c.test/"), Basic::new("u", "p").unwrap());
    let own = Credentials::new(origin("http://a.test/"), Bearer::new("t").unwrap());
    let world = World::open();
    for url in ["http://b.test/", "http://a.test/", "http://c.test/", "http://x:y@a.test/"] {
        let mut request = get(url);
        request.extensions_mut().insert(own.clone());
        request.extensions_mut().insert(LeftOrigin::new());
        let _ = world.ask(&layer, request).await.unwrap();
    }
    assert_eq!(world.fields(), [""; 4]);
    // A caller's own field stays, and is the only one.
    let mut request = get("http://b.test/");
    request.headers_mut().insert("authorization", "Bearer s3".parse().unwrap());
    let _ = world.ask(&layer, request).await.unwrap();
    assert_eq!(world.fields()[4], "Bearer s3");
}

#[tokio::test]
async fn threat_au_10_a_user_of_the_url_gets_no_other_users_password() {
    let text = "machine a.test login alice password s3\nmachine a.test login bob";
    assert!(Netrc::parse(text).unwrap().find("a.test", Some(b"eve")).is_none());
    for (url, pair) in [
        ("http://alice@a.test/", "alice:s3"),
        ("http://bob@a.test/", "bob:"),
        ("http://eve@a.test/", "eve:"),
        ("http://alice:own@a.test/", "alice:own"),
    ] {
        assert_eq!(World::open().get(&netrc(text), url).await, format!("Basic {}", Basic64::of(pair)), "{url}");
    }
}

#[cfg(unix)]
#[test]
fn threat_au_11_a_netrc_that_others_may_read_or_that_is_huge_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("netrc");
    let load = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Netrc::load(&path)
    };
    let secret = "machine a.test login u password s3cret";
    for (mode, good) in [(0o600, true), (0o400, true), (0o644, false), (0o640, false), (0o602, false), (0o610, false)] {
        let outcome = load(secret, mode);
        assert_eq!(outcome.is_ok(), good, "{mode:o}");
        let Err(error) = outcome else { continue };
        assert_eq!((error.kind(), why(&error)), (Kind::Auth, Some(AuthErrorReason::File)));
        assert!(error.to_string().contains("0600") && !error.to_string().contains("s3cret"), "{error}");
    }
    assert!(load("machine a.test login u", 0o644).is_ok());
    for text in [format!("# {}", "x".repeat(4096)), "\n".repeat(65_537), "machine a.test s3cret".to_owned()] {
        let error = load(&text, 0o600).unwrap_err();
        assert_eq!(why(&error), Some(AuthErrorReason::Syntax));
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    assert_eq!(why(&Netrc::load(dir.path().join("none")).unwrap_err()), Some(AuthErrorReason::File));
}

#[tokio::test]
async fn threat_au_12_userinfo_is_sent_as_basic_and_nowhere_else() {
    let world = World::open();
    let field = world.get(&AuthLayer::new(), "http://u:s3cret@a.test:81/x?y").await;
    assert_eq!(field, format!("Basic {}", Basic64::of("u:s3cret")));
    assert_eq!(world.seen()[0].url, "http://a.test:81/x?y");
    // Where the caller has a field of their own, it goes all the same.
    let mut request = get("http://u:s3cret@a.test/");
    request.headers_mut().insert("authorization", "Bearer t".parse().unwrap());
    let _ = world.ask(&AuthLayer::new(), request).await.unwrap();
    assert_eq!((world.seen()[1].url.to_string().as_str(), world.fields()[1].as_str()), ("http://a.test/", "Bearer t"));
}

#[tokio::test]
async fn threat_au_13_credentials_in_clear_are_an_error_where_that_is_asked_for() {
    let all = |layer: AuthLayer| {
        let urls = ["http://a.test/", "https://a.test/", "http://localhost:81/", "http://127.8.0.1/", "http://[::1]/"];
        urls.iter().fold(layer, |layer, url| layer.credentials(origin(url), Basic::new("u", "s3cret").unwrap()))
    };
    let layer = all(AuthLayer::new()).https_only(true);
    let world = World::open();
    for url in ["https://a.test/", "http://localhost:81/", "http://127.8.0.1/", "http://[::1]/", "http://b.test/"] {
        let _ = world.ask(&layer, get(url)).await.unwrap();
    }
    assert_eq!(world.seen().len(), 5);
    let mut own = get("http://b.test/");
    own.headers_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
    for request in [get("http://a.test/?key=s3cret"), get("http://u:s3cret@b.test/"), own] {
        let error = world.ask(&layer, request).await.unwrap_err();
        assert_eq!((error.kind(), why(&error)), (Kind::Auth, Some(AuthErrorReason::InClear)));
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    assert_eq!(world.seen().len(), 5);
    assert_eq!(world.ask(&all(AuthLayer::new()), get("http://a.test/")).await.unwrap().status(), StatusCode::OK);
}
