//! No secret is in a cassette, and what is masked still matches.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, Response};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;
use treq_core::Body;
use treq_testing::{Cassette, Masks, Matching, Mode};

use super::{Shelf, get, gone, httpbin, post, send};

/// With all that other encodings change.
const CANARY: &str = "ca\"na/ry+\u{e9}\\ &1f3a<7";

/// In a field it cannot stand as it is.
pub(super) const PLAIN: &str = "canary-9d41e7";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Everything that is in a cassette, bodies unpacked.
fn contents(har: &str) -> Vec<u8> {
    fn texts(value: &serde_json::Value, all: &mut Vec<u8>) {
        match value {
            serde_json::Value::String(text) => {
                all.extend_from_slice(text.as_bytes());
                all.push(b'\n');
                if let Ok(bytes) = STANDARD.decode(text) {
                    let mut plain = Vec::new();
                    _ = std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut plain);
                    all.extend(bytes);
                    all.extend(plain);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
            serde_json::Value::Object(members) => members.values().for_each(|member| texts(member, all)),
            _ => {}
        }
    }
    let mut all = har.as_bytes().to_vec();
    texts(&serde_json::from_str(har).unwrap(), &mut all);
    all
}

#[track_caller]
pub(super) fn is_clean(har: &str, secret: &str) {
    let all = String::from_utf8_lossy(&contents(har)).to_lowercase();
    let twice = serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap();
    let ascii: String = secret
        .chars()
        .map(|char| if char.is_ascii() { char.to_string() } else { format!("\\u{:04x}", char as u32) })
        .collect();
    let core = |before: &str| {
        let text = STANDARD_NO_PAD.encode(format!("{before}{secret}"));
        text[4..text.len() - 2].to_owned()
    };
    let spellings = [
        secret.to_owned(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        twice.trim_matches(['"', '\\']).to_owned(),
        ascii,
        encoded(secret),
        encoded(&encoded(secret)),
        secret.replace(' ', "+"),
        core(""),
        core("x"),
        core("xx"),
        URL_SAFE.encode(secret).trim_end_matches('=').to_owned(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for spelling in spellings {
        let at = all.find(&spelling.to_lowercase());
        assert!(
            at.is_none(),
            "{spelling} in {}",
            at.map_or("", |at| &all[at.saturating_sub(200)..at + spelling.len()])
        );
    }
    // Nor what is peculiar of it.
    for part in ["1f3a", "9d41"] {
        assert!(!all.contains(part), "{part} in {all}");
    }
}

/// Requests with the secret at each place where one may be.
fn requests(secret: &str, plain: &str) -> Vec<Request<Body>> {
    let at = |path: &str| format!("http://bin.test{path}");
    let with = |name: &'static str, value: &str| {
        let mut request = get(&at("/headers"));
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        request
    };
    let basic = STANDARD.encode(format!("user:{secret}"));
    let mut sensitive = HeaderValue::from_str(plain).unwrap();
    sensitive.set_sensitive(true);
    let mut marked = get(&at("/headers"));
    marked.headers_mut().insert("x-mine", sensitive);
    let json =
        serde_json::json!({ "user": "a", "password": secret, "nested": [{ "access_token": { "value": secret } }] });
    let form = format!("a=1&client_secret={}", encoded(secret));
    let within = format!(
        "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: application/json\r\n\r\n{json}\r\n--b--\r\n"
    );
    let part = format!("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{secret}\r\n--b--\r\n");
    vec![
        with("authorization", &format!("Bearer {plain}")),
        with("authorization", &format!("Basic {basic}")),
        with("proxy-authorization", &format!("Basic {basic}")),
        with("x-api-key", secret),
        with("x-auth-user", plain),
        with("cookie", &format!("a={plain}; b=\"{plain}\";")),
        marked,
        get(&at(&format!("/get?page=1&token={}", encoded(secret)))),
        get(&at(&format!("/get?key={plain}"))),
        // As the user, where there is no password.
        with("authorization", &format!("Basic {}", STANDARD.encode(format!("{secret}:")))),
        get(&format!("http://{plain}:@bin.test/get")),
        // Told back by the server in a header of its own.
        get(&at(&format!("/response-headers?x-token={}&x-echo={}", encoded(plain), encoded(plain)))),
        get(&at(&format!("/redirect-to?url={}", encoded(&format!("http://u:{plain}@b.test/?sig={plain}"))))),
        get(&at(&format!("/cookies/set/session/{plain}"))),
        get(&format!("http://user:{plain}@bin.test/get")),
        post(&at("/post"), "application/json", serde_json::to_string(&json).unwrap()),
        post(&at("/post"), "application/x-www-form-urlencoded", form),
        post(&at("/post"), "multipart/form-data; boundary=b", part),
        post(&at("/post"), "multipart/form-data; boundary=b", within),
        get(&at(&format!("/response-headers?link={}", encoded(&format!("</a?token={plain}>; rel=next"))))),
        get(&at(&format!("/response-headers?refresh={}", encoded(&format!("0; url=/a?token={plain}"))))),
        // Where no name says so: known from elsewhere by now.
        post(&at("/post"), "text/plain", format!("it is {secret} and {plain}")),
        post(
            &at("/post"),
            "application/octet-stream",
            [b"\0\xff", secret.as_bytes(), b"\0", plain.as_bytes()].concat(),
        ),
        post(&at("/anything/late"), "text/plain", STANDARD.encode(format!("xy{secret}z"))),
    ]
}

#[tokio::test]
async fn a_canary_is_in_no_cassette_and_what_is_masked_is_played() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    let mut recorded = Vec::new();
    for request in requests(CANARY, PLAIN) {
        recorded.push(send(&cassette, httpbin(), request).await.unwrap());
    }
    // The server did see it.
    assert!(String::from_utf8_lossy(&recorded[0].body).contains(PLAIN));
    assert_eq!(cassette.len(), recorded.len());
    cassette.finish().unwrap();
    let har = shelf.text();
    is_clean(&har, CANARY);
    is_clean(&har, PLAIN);
    assert!(!har.contains(r#"{ "name": "", "value": "" }"#), "{har}");
    assert!(har.contains("Bearer treq-masked") && har.contains("a=treq-masked; b=treq-masked"), "{har}");

    // By whoever has another secret, and by whoever has the same.
    for (secret, plain) in [(CANARY, PLAIN), ("another one", "another")] {
        let options = Cassette::options()
            .mode(Mode::Replay)
            .matching(Matching::strict().header(AUTHORIZATION).header(COOKIE).header(PROXY_AUTHORIZATION));
        let cassette = options.open(shelf.path()).unwrap();
        for (request, recorded) in requests(secret, plain).into_iter().zip(&recorded) {
            let url = request.uri().to_string();
            let played = send(&cassette, gone(), request).await.unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(played.status, recorded.status, "{url}");
            let length = played.headers.iter().find(|(name, _)| name == "content-length");
            assert_eq!(length.map(|(_, value)| &value[..]), Some(played.body.len().to_string().as_bytes()), "{url}");
        }
        cassette.assert_played();
    }
}

#[tokio::test]
async fn an_error_shows_no_secret_either() {
    let cassette = Cassette::options().parse("{\"log\":{\"entries\":[]}}").unwrap();
    for request in requests(CANARY, PLAIN) {
        let error = send(&cassette, gone(), request).await.unwrap_err();
        assert!(!error.to_string().contains("1f3a") && !error.to_string().contains("9d41"), "{error}");
    }
    let shown = format!("{cassette:?} {:?} {:?}", cassette.layer(), Masks::new().literal(CANARY));
    assert!(!shown.contains("1f3a"), "{shown}");
}

type Frame = Result<http_body::Frame<Bytes>, Infallible>;

/// A body in pieces of three bytes, so that nothing is in one of them.
pub(super) struct Pieces(std::vec::IntoIter<Frame>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Frame>> {
        Poll::Ready(self.0.next())
    }
}

fn pieces(body: &[u8]) -> Pieces {
    let frames = body.chunks(3).map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece))));
    Pieces(frames.collect::<Vec<_>>().into_iter())
}

pub(super) fn answers(
    body: Vec<u8>,
    coding: &'static str,
) -> impl Service<Request<Body>, Response = Response<Pieces>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
    service_fn(move |_: Request<Body>| {
        let mut response = Response::new(pieces(&body));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        response.headers_mut().insert("content-length", HeaderValue::from(body.len()));
        if !coding.is_empty() {
            response.headers_mut().insert("content-encoding", HeaderValue::from_static(coding));
        }
        async move { Ok(response) }
    })
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn answers_are_masked_where_they_stand_and_otherwise_kept() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let text =
        r#"{ "access_token" : "canary-9d41e7", "expires": 3.60e3,"pin_token":123456789, "token_type":"bearer" }"#;
    let dull = r#"{ "nothing": "secret" }"#;
    for (body, coding) in [(text.into(), ""), (gzip(text), "gzip"), (gzip(dull), "gzip")] {
        send(&cassette, answers(body, coding), get("http://a.test/")).await.unwrap();
    }
    // In pieces, both ways.
    let body = Body::new(pieces(b"token=canary-9d41e7&x=canary-9d41e7"));
    let request = Request::post("http://a.test/").header("content-type", "application/x-www-form-urlencoded");
    send(&cassette, answers(text.into(), ""), request.body(body).unwrap()).await.unwrap();
    cassette.finish().unwrap();
    is_clean(&shelf.text(), PLAIN);

    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    let masked = r#"{ "access_token" : "treq-masked", "expires": 3.60e3,"pin_token":0, "token_type":"bearer" }"#;
    for (body, coded) in [(masked.into(), false), (masked.into(), false), (gzip(dull), true)] {
        let played = send(&cassette, gone(), get("http://a.test/")).await.unwrap();
        assert_eq!(played.body, body);
        assert_eq!(played.headers.iter().any(|(name, _)| name == "content-encoding"), coded);
        let length = played.headers.iter().find(|(name, _)| name == "content-length").unwrap();
        assert_eq!(length.1, body.len().to_string().as_bytes());
    }
    let form = post("http://a.test/", "application/x-www-form-urlencoded", "token=x&x=y");
    assert_eq!(send(&cassette, gone(), form).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_secret_that_shows_late_is_masked_from_the_beginning() {
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    send(&cassette, httpbin(), get(&format!("http://bin.test/anything/{PLAIN}"))).await.unwrap();
    assert!(cassette.to_har().contains(PLAIN));
    let mut login = get("http://bin.test/get");
    login.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {PLAIN}")).unwrap());
    send(&cassette, httpbin(), login).await.unwrap();
    is_clean(&cassette.to_har(), PLAIN);
}

#[tokio::test]
async fn half_a_secret_is_none_either() {
    let cassette = Cassette::options().masks(Masks::new().literal("nowhere-seen-5c0")).mode(Mode::Always);
    let cassette = cassette.open(Shelf::new().path()).unwrap();
    for text in ["{\"token\": \"canary-9d41e7\"}", "it is canary-9d41e7", "it is nowhere-seen-5c0"] {
        // Two frames less than it has.
        let mut body = Box::pin(answer_body(&cassette, text).await);
        for _ in 0..text.len().div_ceil(3) - 2 {
            std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await.unwrap().unwrap();
        }
    }
    let har = cassette.to_har();
    assert_eq!(har.matches("\"_treqCut\": \"dropped\"").count(), 3, "{har}");
    assert!(har.contains("\"it is treq-masked\""), "{har}");
    assert!(!har.contains("cana") && !har.contains("nowh"), "{har}");
}

async fn answer_body(cassette: &Cassette, text: &str) -> treq_testing::CassetteBody<Pieces> {
    let service = cassette.layer().layer(answers(text.into(), ""));
    let mut request = get("http://a.test/");
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {PLAIN}")).unwrap());
    service.oneshot(request).await.unwrap().into_body()
}

#[tokio::test]
async fn a_cookie_that_is_told_back_decoded_is_masked() {
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let mut request = get("http://bin.test/anything/canary%2F9d41");
    request.headers_mut().insert(COOKIE, HeaderValue::from_static("id=%63anary%2F9d41"));
    send(&cassette, answers(b"you are canary/9d41".to_vec(), ""), request).await.unwrap();
    is_clean(&cassette.to_har(), "canary/9d41");
}

#[tokio::test]
async fn numbers_stay_numbers() {
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let text = r#"{"otp":"314159","pin":314159,"at":13141590,"text":"pin 314159"}"#;
    send(&cassette, answers(text.into(), ""), get("http://a.test/")).await.unwrap();
    let har: serde_json::Value = serde_json::from_str(&cassette.to_har()).unwrap();
    let masked = r#"{"otp":"treq-masked","pin":0,"at":13141590,"text":"pin treq-masked"}"#;
    assert_eq!(har["log"]["entries"][0]["response"]["content"]["text"], masked);
}

#[tokio::test]
async fn names_and_values_can_be_added_and_masks_switched_off() {
    let ask = |options: treq_testing::CassetteOptions| async move {
        let cassette = options.mode(Mode::Always).open(Shelf::new().path()).unwrap();
        let mut request = post(
            "http://bin.test/post?membership=one-of-us&token=token-value",
            "application/json",
            r#"{"membership":"two-of-us"}"#,
        );
        request.headers_mut().insert("x-member", HeaderValue::from_static("three-of-us"));
        request.headers_mut().insert("x-four", HeaderValue::from_static("four"));
        send(&cassette, httpbin(), request).await.unwrap();
        cassette.to_har()
    };
    let has =
        |har: &str| ["one-of-us", "two-of-us", "three-of-us", "four", "token-value"].map(|name| har.contains(name));
    assert_eq!(has(&ask(Cassette::options()).await), [true, true, true, true, false]);
    let masks = Masks::new().name("Member_Ship").header("x-member".parse().unwrap()).literal("four").literal("");
    let har = ask(Cassette::options().masks(masks)).await;
    assert_eq!(has(&har), [false; 5], "{har}");
    assert_eq!(has(&ask(Cassette::options().masks(Masks::off())).await), [true; 5]);
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_not_asked_for_and_not_kept() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let asks = |url: &str| {
        let mut request = get(url);
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"));
        request
    };
    let seen = send(&cassette, httpbin(), asks("http://bin.test/headers")).await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(told["headers"]["Accept-Encoding"], "gzip, deflate");
    let seen = send(&cassette, httpbin(), asks("http://bin.test/brotli")).await.unwrap();
    assert!(seen.headers.contains(&("content-encoding".to_owned(), b"br".to_vec())));
    let error = cassette.finish().unwrap_err().to_string();
    assert!(
        error.contains("GET http://bin.test/brotli is not kept: the body of its answer is coded as \"br\""),
        "{error}"
    );
    assert_eq!(Cassette::open(shelf.path(), Mode::Replay).unwrap().len(), 1);

    let cassette =
        Cassette::options().mode(Mode::Always).masks(Masks::new().unread_codings(true)).open(shelf.path()).unwrap();
    let recorded = send(&cassette, httpbin(), asks("http://bin.test/brotli")).await.unwrap();
    cassette.finish().unwrap();
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    assert_eq!(send(&cassette, gone(), asks("http://bin.test/brotli")).await.unwrap().body, recorded.body);
}

/// A cookie's value may be any word, and a word that is masked in a path stands for all others there.
#[tokio::test]
async fn an_entry_without_a_mask_goes_before_one_whose_mask_would_fit() {
    let shop = || {
        service_fn(|request: Request<Body>| async move {
            let answer = Response::builder().header("set-cookie", "section=products");
            answer.body(Body::from(request.uri().path().len().to_string()))
        })
    };
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    for path in ["login", "products", "orders"] {
        send(&cassette, shop(), get(&format!("http://a.test/{path}"))).await.unwrap();
    }
    cassette.finish().unwrap();
    assert!(shelf.text().contains("http://a.test/treq-masked"));
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    for path in ["orders", "login", "products"] {
        let seen = send(&cassette, gone(), get(&format!("http://a.test/{path}"))).await.unwrap();
        assert_eq!(seen.body, (path.len() + 1).to_string(), "{path}");
    }
}
