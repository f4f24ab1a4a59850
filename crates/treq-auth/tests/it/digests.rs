use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Response, StatusCode};
use http_body::Frame;
use treq_auth::{AuthErrorReason, AuthLayer, Digest};
use treq_core::{Body, Kind};

use crate::support::{World, get, one_shot, origin, param, post, unauthorized, why};

fn layer() -> AuthLayer {
    layer_of(Digest::new("user", "pass"))
}

fn layer_of(digest: Digest) -> AuthLayer {
    AuthLayer::new().credentials(origin("http://a.test/"), digest)
}

fn informed(info: &str) -> Response<Body> {
    Response::builder().header("authentication-info", info).body(Body::empty()).unwrap()
}

async fn status<Y: treq_core::Replay<Body> + Clone>(world: &World, layer: &AuthLayer<Y>) -> u16 {
    world.ask(layer, post("http://a.test/x?y", "tea")).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_challenge_is_answered_with_the_same_request_and_remembered() {
    let world = World::digest(r#"Digest realm="r", nonce="n", qop="auth, auth-int", opaque="o\"p""#);
    let layer = layer();
    for _ in 0..2 {
        assert_eq!(status(&world, &layer).await, 200);
    }
    let seen = world.seen();
    assert_eq!(seen.iter().map(|seen| seen.field().is_empty()).collect::<Vec<_>>(), [true, false, false]);
    for (seen, count) in seen[1..].iter().zip(1..) {
        let field = seen.field();
        assert_eq!(param(&field, "nc"), Some(format!("{count:08x}")));
        assert_eq!(param(&field, "uri").as_deref(), Some("/x?y"));
        assert_eq!(param(&field, "opaque").as_deref(), Some("o\"p"));
        // RFC 7616, section 3.4: these are not quoted.
        assert!(field.contains("qop=auth, ") && field.contains("nc=0000"), "{field}");
        assert_eq!((seen.method.as_str(), seen.body.as_deref()), ("POST", Some(&b"tea"[..])));
        assert_eq!(seen.headers["content-type"], "text/plain");
        assert!(seen.headers["authorization"].is_sensitive());
    }
    assert_ne!(param(&seen[1].field(), "cnonce"), param(&seen[2].field(), "cnonce"));
}

#[tokio::test]
async fn the_strongest_algorithm_wins_wherever_it_stands() {
    let challenge =
        |algorithm: &str| format!(r#"Digest realm="r", nonce="{algorithm}", algorithm={algorithm}, qop="auth""#);
    for (algorithms, want) in [
        (&["MD5", "SHA-256"][..], "SHA-256"),
        (&["SHA-256", "MD5"], "SHA-256"),
        (&["SHA-256", "SHA-512-256", "MD5"], "SHA-512-256"),
        (&["SHA-1024", "md5-sess", "MD5"], "md5-sess"),
        (&["\"sha-256-SESS\"", "token"], "sha-256-SESS"),
    ] {
        let challenges: Vec<String> = algorithms.iter().map(|name| challenge(&name.replace('"', ""))).collect();
        let joined = World::digest(format!("Basic realm=\"b\", {}", challenges.join(", ")));
        let apart = World::new(move |seen, _| match seen.field().is_empty() {
            true => {
                let mut response = unauthorized("Negotiate");
                for challenge in &challenges {
                    response.headers_mut().append("www-authenticate", challenge.parse().unwrap());
                }
                response
            }
            false => Response::new(Body::empty()),
        });
        for world in [joined, apart] {
            assert_eq!(status(&world, &layer()).await, 200, "{algorithms:?}");
            assert_eq!(param(&world.fields()[1], "algorithm").as_deref(), Some(want));
            assert_eq!(param(&world.fields()[1], "nonce").as_deref(), Some(want));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_returned() {
    for challenge in [
        r#"Digest realm="r", nonce="n", algorithm=SHA-3"#,
        r#"Digest realm="r", nonce="n", algorithm="""#,
        r#"Digest realm="r", nonce="n", qop="auth-conf, token""#,
        r#"Digest realm="r""#,
        "Digest",
        "Digest nonce",
        r#"Basic realm="r""#,
        "Digest =,=\"",
        "",
    ] {
        let world = World::digest(challenge);
        assert_eq!((status(&world, &layer()).await, world.seen().len()), (401, 1), "{challenge}");
    }
}

#[tokio::test]
async fn a_second_401_is_returned_unless_it_is_stale() {
    for (stale, requests) in [("", 2), (", stale=false", 2), (", stale=TRUE", 3), (", stale=\"true\"", 3)] {
        let world =
            World::new(move |_, at| unauthorized(&format!(r#"Digest realm="r", nonce="n{at}", qop="auth"{stale}"#)));
        assert_eq!((status(&world, &layer()).await, world.seen().len()), (401, requests), "{stale}");
    }
}

#[tokio::test]
async fn an_old_nonce_is_renewed_and_a_refused_password_is_not_offered_again() {
    let world = World::new(|seen, at| match at {
        0 => unauthorized(r#"Digest realm="r", nonce="old", qop="auth""#),
        2 => unauthorized(r#"Digest realm="r", nonce="new", qop="auth", stale=true"#),
        4 => {
            assert!(seen.field().contains("nc=00000002"));
            unauthorized(r#"Digest realm="r", nonce="newest", qop="auth""#)
        }
        5 => unauthorized(r#"Digest realm="r", nonce="newest", qop="auth""#),
        _ => Response::new(Body::empty()),
    });
    let layer = layer();
    assert_eq!(status(&world, &layer).await, 200);
    assert_eq!(status(&world, &layer).await, 200);
    assert_eq!(status(&world, &layer).await, 401);
    assert_eq!(status(&world, &layer).await, 200);
    let nonces: Vec<_> = world.fields().iter().map(|field| param(field, "nonce").unwrap_or_default()).collect();
    assert_eq!(nonces, ["", "old", "old", "new", "new", "newest", "new"]);
}

#[tokio::test]
async fn a_body_that_goes_out_once_leaves_the_401_but_the_nonce_is_learnt() {
    let world = World::digest(r#"Digest realm="r", nonce="n", qop="auth""#);
    let layer = layer();
    let upload = || post("http://a.test/", one_shot());
    assert_eq!(world.ask(&layer, upload()).await.unwrap().status(), 401);
    assert_eq!(world.ask(&layer, upload()).await.unwrap().status(), 200);
    assert_eq!(world.seen().len(), 2);
    // An empty body needs no copy.
    let without = self::layer().without_replay();
    assert_eq!(world.ask(&without, get("http://a.test/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn auth_int_covers_the_body() {
    let world = World::digest(r#"Digest realm="r", nonce="n", qop=auth-int, algorithm=SHA-256"#);
    let layer = layer_of(Digest::new("user", "pass").cnonce(|| "c".to_owned()));
    let response = |body: &'static str| {
        let (world, layer) = (world.clone(), layer.clone());
        async move {
            let whole =
                Body::from_fn(move || Body::new(http_body_util::Full::new(bytes::Bytes::from_static(body.as_bytes()))));
            let status = world.ask(&layer, post("http://a.test/", whole)).await.unwrap().status();
            assert_eq!(status, 200);
            param(world.fields().last().unwrap(), "response").unwrap()
        }
    };
    // Both with a count of their own, so the hashes below are of the same count.
    let first = response("tea").await;
    let second = response("tea").await;
    assert_ne!(first, second);
    assert_eq!(world.seen().len(), 3);
    // Python: H = sha256, H(f"{H('user:r:pass')}:n:00000001:c:auth-int:{H('POST:/:' + H('tea'))}")
    assert_eq!(first, AUTH_INT_OF_TEA);
    // Not to be hashed, so it goes out as it is and the 401 is returned.
    assert_eq!(world.ask(&layer, post("http://a.test/", one_shot())).await.unwrap().status(), 401);
    assert_eq!(world.fields().last().unwrap(), "");
}

const AUTH_INT_OF_TEA: &str = "5f749c8a066c9ad80f0fe8550d11c3ae93d7ad390cc88565be668c99d055cbdd";

#[tokio::test]
async fn a_body_that_cannot_be_read_for_its_hash_is_an_error() {
    let world = World::digest(r#"Digest realm="r", nonce="n", qop="auth-int""#);
    let broken = Body::from_fn(|| Body::new(Broken));
    let error = world.ask(&layer(), post("http://a.test/", broken)).await.unwrap_err();
    assert_eq!((error.kind(), world.seen().len()), (Kind::Body, 1));
    assert!(error.find::<std::io::Error>().is_some());
}

struct Broken;

impl http_body::Body for Broken {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("cut"))))
    }
}

#[tokio::test]
async fn the_servers_proof_is_checked() {
    let world = |info: &str| {
        let info = info.to_owned();
        World::new(move |seen, _| match seen.field().is_empty() {
            true => unauthorized(r#"Digest realm="r", nonce="n", qop="auth""#),
            false => informed(&info),
        })
    };
    let digest = || Digest::new("user", "pass").cnonce(|| "c".to_owned());
    let good = format!(r#"rspauth="{PROOF}", qop=auth, cnonce="c", nc=00000001"#);
    assert_eq!(status(&world(&good), &layer_of(digest())).await, 200);
    assert_eq!(status(&world(&good.to_uppercase().replace("RSPAUTH", "rspauth")), &layer_of(digest())).await, 200);
    assert_eq!(status(&world("qop=auth"), &layer_of(digest())).await, 200);
    let bad = r#"rspauth="00000000000000000000000000000000", qop=auth, cnonce="c", nc=00000001"#;
    let error = world(bad).ask(&layer_of(digest()), post("http://a.test/x?y", "tea")).await.unwrap_err();
    assert_eq!((error.kind(), why(&error)), (Kind::Auth, Some(AuthErrorReason::Proof)));
    assert_eq!(status(&world(bad), &layer_of(digest().check_proof(false))).await, 200);
}

/// Python: H = md5, H(f"{H('user:r:pass')}:n:00000001:c:auth:{H(':/x?y')}")
const PROOF: &str = "919356775b72aa5893e24654c5aabc17";

#[tokio::test]
async fn a_session_key_outlives_its_nonce() {
    let world = World::new(|seen, _| match seen.field().is_empty() {
        true => unauthorized(r#"Digest realm="r", nonce="n1", qop="auth", algorithm=MD5-sess"#),
        false => informed(r#"nextnonce="n2""#),
    });
    let layer = layer();
    for _ in 0..3 {
        assert_eq!(status(&world, &layer).await, 200);
    }
    let fields = world.fields();
    let nonces: Vec<_> = fields[1..].iter().map(|field| (param(field, "nonce"), param(field, "nc"))).collect();
    let want = [("n1", "00000001"), ("n2", "00000001"), ("n2", "00000002")];
    assert_eq!(nonces, want.map(|(nonce, count)| (Some(nonce.to_owned()), Some(count.to_owned()))));
    // The client nonce went into the key, so it stays.
    assert_eq!(param(&fields[1], "cnonce"), param(&fields[3], "cnonce"));
}

#[tokio::test]
async fn names_go_out_in_the_form_that_the_server_asks_for() {
    for (name, params, want) in [
        ("Jäsøn Doe", ", charset=UTF-8", "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "),
        ("Jason Doe", ", charset=UTF-8", "username=\"Jason Doe\", "),
        ("Jäsøn", "", "username=\"Jäsøn\", "),
        ("a\"b\\c", "", "username=\"a\\\"b\\\\c\", "),
        ("a\nb", "", "username*=UTF-8''a%0Ab, "),
        ("Jäsøn", ", userhash=true, charset=UTF-8", "userhash=true"),
    ] {
        let world = World::digest(format!(r#"Digest realm="r", nonce="n", qop="auth"{params}"#));
        assert_eq!(status(&world, &layer_of(Digest::new(name, "pass"))).await, 200);
        assert!(world.fields()[1].contains(want), "{} {want}", world.fields()[1]);
    }
    let world = World::digest(r#"Digest realm="r", nonce="n""#);
    let layer = layer_of(Digest::new(b"\xff\n".to_vec(), "pass"));
    let error = world.ask(&layer, get("http://a.test/")).await.unwrap_err();
    assert_eq!((error.kind(), why(&error)), (Kind::Auth, Some(AuthErrorReason::Name)));
}

#[tokio::test]
async fn the_domain_counts_for_this_origin_only() {
    let world = World::digest(r#"Digest realm="r", nonce="n", domain="http://b.test/b http://a.test:80/a/ c""#);
    let layer = layer();
    let mut asked = Vec::new();
    for path in ["/a/1", "/a/2", "/b", "/c", "/a"] {
        let before = world.seen().len();
        assert_eq!(world.ask(&layer, get(&format!("http://a.test{path}"))).await.unwrap().status(), StatusCode::OK);
        asked.push(world.seen().len() - before);
    }
    assert_eq!(asked, [2, 1, 2, 2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_are_unique_across_requests_at_once() {
    // Three nonces in turns, so that late challenges come back to an earlier one.
    let world = World::new(|seen, at| match seen.field().is_empty() {
        true => unauthorized(&format!(r#"Digest realm="r", nonce="n{}", qop="auth""#, at % 3)),
        false => Response::new(Body::empty()),
    });
    let layer = Arc::new(layer_of(Digest::new("user", "pass").cnonce(|| "c".to_owned())));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (world, layer) = (world.clone(), Arc::clone(&layer));
            tokio::spawn(async move {
                for _ in 0..8 {
                    assert_eq!(status(&world, &layer).await, 200);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let fields: Vec<String> = world.fields().into_iter().filter(|field| !field.is_empty()).collect();
    let counts: HashSet<_> = fields.iter().map(|field| (param(field, "nonce"), param(field, "nc"))).collect();
    assert_eq!((fields.len(), counts.len()), (64 * 8, 64 * 8));
}
