//! Secrets that are known by one place only, and what their masks do to a replay.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use tower::service_fn;
use treq_core::Body;
use treq_testing::{Cassette, Matching, Mode};

use super::secrets::{PLAIN, answers, is_clean};
use super::{Shelf, get, gone, post, send};

/// Each place alone, so that no other one has told the secret.
#[tokio::test]
async fn each_secret_is_known_for_one_where_it_stands_and_wherever_it_is_told_back() {
    let basic = |pair: &str| {
        let mut request = get("http://a.test/");
        let value = format!("Basic {}", STANDARD.encode(pair));
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        request
    };
    let form = |name: &str| post("http://a.test/", "application/x-www-form-urlencoded", format!("a=1&{name}={PLAIN}"));
    let json = format!("{{\"password\": \"{PLAIN}\"}}");
    let part = format!("--b\r\nContent-Type: application/json\r\n\r\n{json}\r\n--b--\r\n");
    let mut requests = vec![
        basic(&format!("{PLAIN}:")),
        basic(&format!("{PLAIN}:x-oauth-basic")),
        basic(&format!("user:{PLAIN}")),
        get(&format!("http://{PLAIN}:@a.test/")),
        get(&format!("http://{PLAIN}@a.test/")),
        post("http://a.test/", "multipart/mixed; boundary=b", part),
    ];
    requests.extend(["pass", "password1", "password2", "password_confirmation", "PHPSESSID"].map(form));
    for request in requests {
        let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
        let asked = format!("{request:?}");
        send(&cassette, answers(format!("it is {PLAIN}").into_bytes(), ""), request).await.unwrap();
        assert!(cassette.to_har().contains("it is treq-masked"), "{asked}");
        is_clean(&cassette.to_har(), PLAIN);
    }
}

#[tokio::test]
async fn a_coding_in_a_field_of_its_own_is_seen() {
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let server = service_fn(|_: Request<Body>| async {
        let mut response = Response::new(Body::from(&b"\x0b\x02\x80canary-9d41e7\x03"[..]));
        for coding in ["identity", "br"] {
            response.headers_mut().append("content-encoding", HeaderValue::from_static(coding));
        }
        Ok::<_, Infallible>(response)
    });
    send(&cassette, server, get("http://a.test/")).await.unwrap();
    assert!(cassette.is_empty());
    let error = cassette.finish().unwrap_err().to_string();
    assert!(error.contains("coded as \"identity,br\""), "{error}");
}

/// Where the secret of the replay is a common word, it also stands where it is none.
#[tokio::test]
async fn what_is_played_does_not_hang_on_the_secret_that_the_replay_has() {
    let asks = |key: &str| {
        let mut request =
            post("http://a.test/v1/secret/data?of=secrets", "application/json", "{\"a\": \"the secret\"}");
        request.headers_mut().insert("x-api-key", HeaderValue::from_str(key).unwrap());
        request
    };
    for matching in [Matching::strict(), Matching::lenient()] {
        let shelf = Shelf::new();
        let open = || Cassette::options().mode(Mode::Once).matching(matching.clone()).repeat(true).open(shelf.path());
        let cassette = open().unwrap();
        send(&cassette, answers(b"[1]".to_vec(), ""), asks("canary-9d41e7")).await.unwrap();
        cassette.finish().unwrap();
        let cassette = open().unwrap();
        for key in ["canary-9d41e7", "another", "secret", "secrets", ""] {
            assert_eq!(send(&cassette, gone(), asks(key)).await.unwrap().body, "[1]", "{key}");
        }
        cassette.finish().unwrap();
    }
    // The other way round: what was masked in the recording matches anything.
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    send(&cassette, answers(b"[1]".to_vec(), ""), asks("secret")).await.unwrap();
    cassette.finish().unwrap();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    assert_eq!(send(&cassette, gone(), asks("another")).await.unwrap().body, "[1]");
}
