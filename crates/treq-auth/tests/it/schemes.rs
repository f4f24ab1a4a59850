use http::header::PROXY_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use treq_auth::{
    AuthErrorReason, AuthLayer, Bearer, BodyHash, Challenges, Content, Credentials, Digest, Outgoing, Scheme, SentHead,
    Step,
};
use treq_core::{Body, BoxError, Kind};

use crate::support::{World, get, one_shot, origin, post, unauthorized, why};

/// Adds up the bytes of the body, and does not go without.
struct Summing;

struct Sum(u64);

impl BodyHash for Sum {
    fn update(&mut self, bytes: &[u8]) {
        self.0 += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

impl Scheme for Summing {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let Content::Hashed(sum) = request.content() else { return Ok(Step::Hash(Box::new(Sum(0)))) };
        let value = [request.method().as_str().as_bytes(), b" ", request.target().as_bytes(), b" ", sum].concat();
        assert!(!request.headers().contains_key("authorization"));
        request.headers_mut().insert("x-date", HeaderValue::from_static("today"));
        request.authorize(HeaderValue::from_bytes(&value)?);
        Ok(Step::Send)
    }
}

#[tokio::test]
async fn a_signer_covers_the_body() {
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Summing);
    let world = World::open();
    let made = || Body::from_fn(|| Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"\x01\x02"))));
    for request in [post("http://a.test/x?y", vec![1, 2, 3]), post("http://a.test/", made()), get("http://a.test")] {
        assert_eq!(world.ask(&layer, request).await.unwrap().status(), 200);
    }
    assert_eq!(world.fields(), ["POST /x?y 6", "POST / 3", "GET / 0"]);
    assert!(world.seen().iter().all(|seen| seen.headers["x-date"] == "today"));
    assert_eq!(world.seen()[0].body.as_deref(), Some(&[1, 2, 3][..]));

    let error = world.ask(&layer, post("http://a.test/", one_shot())).await.unwrap_err();
    assert_eq!((error.kind(), why(&error), world.seen().len()), (Kind::Auth, Some(AuthErrorReason::BodyOnce), 3));
}

/// Waits, hashes and waits again, and writes fields each time, as careless schemes do.
struct Careless {
    listens: bool,
}

impl Scheme for Careless {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        request.authorize(HeaderValue::from_static("first"));
        request.headers_mut().append("content-type", HeaderValue::from_static("second"));
        let wait = || {
            Step::wait(async {
                tokio::task::yield_now().await;
                Ok(())
            })
        };
        match (request.content(), request.waits()) {
            (_, 0) => Ok(wait()),
            (Content::Unread, 1) => Ok(Step::Hash(Box::new(Sum(0)))),
            (Content::Hashed(_), 1) => Ok(wait()),
            (Content::Hashed(sum), waits) => {
                let value = [waits.to_string().as_bytes(), b" ", sum].concat();
                request.authorize(HeaderValue::from_bytes(&value)?);
                Ok(Step::Send)
            }
            other => panic!("{other:?}"),
        }
    }

    fn listens(&self) -> bool {
        self.listens
    }

    fn answer(&self, _: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        assert_eq!(request.refused().unwrap(), "2 6");
        self.authorize(request)
    }
}

#[tokio::test]
async fn each_call_of_a_scheme_starts_from_the_request_as_given() {
    for listens in [false, true] {
        let world = World::new(|_, _| unauthorized("Own"));
        let layer = AuthLayer::new().credentials(origin("http://a.test/"), Careless { listens });
        assert_eq!(world.ask(&layer, post("http://a.test/", vec![1, 2, 3])).await.unwrap().status(), 401);
        let seen = world.seen();
        assert_eq!(seen.len(), if listens { 2 } else { 1 });
        for seen in seen {
            assert_eq!(seen.field(), "2 6");
            let types: Vec<_> = seen.headers.get_all("content-type").iter().collect();
            assert_eq!(types, ["text/plain", "second"]);
            assert_eq!(seen.body.unwrap(), [1, 2, 3]);
        }
    }
}

/// Buys a token with each challenge.
struct Buyer;

impl Scheme for Buyer {
    fn authorize(&self, _: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        Ok(Step::Send)
    }

    fn listens(&self) -> bool {
        true
    }

    fn answer(&self, challenges: &Challenges, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        let Some(offer) = challenges.by_scheme("shop").find_map(|challenge| challenge.token68()) else {
            return Err("no shop".into());
        };
        request.authorize(format!("Shop {offer}").parse()?);
        Ok(Step::Send)
    }

    fn accept(&self, sent: &SentHead<'_>, status: StatusCode, _: &HeaderMap) -> Result<(), BoxError> {
        let paid = sent.authorization().is_some_and(|value| value == "Shop b2Zm");
        match (status, sent.uri().path()) {
            (StatusCode::OK, "/") if paid && !sent.is_to_proxy() => Ok(()),
            _ => Err("not what was paid for".into()),
        }
    }
}

#[tokio::test]
async fn a_scheme_of_ones_own_answers_and_judges() {
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Buyer);
    let shop = |challenge: &'static str| {
        World::new(move |seen, _| match seen.field().is_empty() {
            true => unauthorized(challenge),
            false => Response::new(Body::empty()),
        })
    };
    assert_eq!(shop("Shop b2Zm").ask(&layer, get("http://a.test/")).await.unwrap().status(), 200);
    for (challenge, url, message) in
        [("Basic", "http://a.test/", "no shop"), ("Shop b2Zm", "http://a.test/x", "not what was paid for")]
    {
        let error = shop(challenge).ask(&layer, get(url)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Auth);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), message);
    }
}

#[tokio::test]
async fn credentials_of_the_request_go_before_those_of_the_layer() {
    let world = World::open();
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Bearer::new("layer").unwrap());
    for (url, own, want) in [
        ("http://a.test/", "http://a.test/", "Bearer own"),
        ("http://a.test/", "http://b.test/", "Bearer layer"),
        ("http://u:p@a.test/", "http://a.test/", "Bearer own"),
        ("http://u:p@a.test/", "http://b.test/", "Basic dTpw"),
        ("http://c.test/", "http://b.test/", ""),
    ] {
        let mut request = get(url);
        request.extensions_mut().insert(Credentials::new(origin(own), Bearer::new("own").unwrap()));
        let _ = world.ask(&layer, request).await.unwrap();
        assert_eq!(world.fields().last().unwrap(), want, "{url} {own}");
    }
    // Neither is relative, nor is CONNECT's authority, an origin.
    for uri in ["/relative", "a.test:443", "*"] {
        let request = Request::builder().method(Method::CONNECT).uri(uri).body(Body::empty()).unwrap();
        let _ = world.ask(&layer, request).await.unwrap();
        assert_eq!(world.fields().last().unwrap(), "");
    }
}

#[tokio::test]
async fn a_callers_own_field_is_alone_and_its_401_is_returned() {
    let world = World::new(|_, _| unauthorized(r#"Digest realm="r", nonce="n""#));
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Digest::new("u", "p"));
    let mut request = get("http://a.test/");
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer own"));
    assert_eq!(world.ask(&layer, request).await.unwrap().status(), 401);
    assert_eq!(world.fields(), ["Bearer own"]);
}

#[test]
fn a_digest_serves_a_proxy_without_any_service() {
    let digest = Digest::new("u", "p");
    let (method, uri) = (Method::CONNECT, Uri::from_static("a.test:443"));
    let ask = |answer: Option<&HeaderMap>| {
        let mut headers = HeaderMap::new();
        let mut connect = Outgoing::for_proxy(&method, &uri, "a.test:443", &mut headers);
        match answer {
            Some(answer) => digest.answer(&Challenges::parse(answer, &PROXY_AUTHENTICATE), &mut connect),
            None => digest.authorize(&mut connect),
        }
        .unwrap();
        headers.remove("proxy-authorization")
    };
    assert!(ask(None).is_none());
    let mut answer = HeaderMap::new();
    answer.insert(
        PROXY_AUTHENTICATE,
        HeaderValue::from_static(r#"Digest realm="r", nonce="n", qop="auth", domain="/x""#),
    );
    let first = ask(Some(&answer)).unwrap();
    answer.insert("proxy-authentication-info", HeaderValue::from_static(r#"nextnonce="n2""#));
    digest.accept(&SentHead::for_proxy(&uri, Some(&first)), StatusCode::OK, &answer).unwrap();
    let second = ask(None).unwrap();
    assert!(second.to_str().unwrap().contains(r#"nonce="n2""#) && second.is_sensitive());
    digest
        .accept(&SentHead::for_proxy(&uri, Some(&second)), StatusCode::PROXY_AUTHENTICATION_REQUIRED, &answer)
        .unwrap();
    assert!(ask(None).is_none());
}

#[test]
fn nothing_secret_is_shown() {
    let layer = AuthLayer::new()
        .credentials(origin("http://a.test/"), Digest::new("u", "s3cret"))
        .netrc(treq_auth::Netrc::parse("machine a.test login u password s3cret").unwrap());
    let credentials = Credentials::new(origin("http://a.test/"), Bearer::new("s3cret").unwrap());
    let shown = format!(
        "{layer:?} {credentials:?} {:?} {:?} {:?} {:?}",
        Digest::new("u", "s3cret"),
        Bearer::new("s3cret"),
        treq_auth::Basic::new("u", "s3cret"),
        treq_auth::Netrc::parse("machine a.test login u password s3cret"),
    );
    assert!(!shown.contains("s3cret") && !shown.contains("dTpz"), "{shown}");
    for error in [Bearer::new("s3cret \n").unwrap_err(), treq_auth::Basic::new("s3cret:", "s3cret").unwrap_err()] {
        assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
    }
    assert_eq!(why(&Bearer::new("").unwrap_err()), Some(AuthErrorReason::Token));
}

#[test]
fn futures_may_cross_threads_and_are_small() {
    fn is_send<T: Send>(_: &T) {}
    use tower::{Layer, Service};
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Digest::new("u", "p"));
    let mut client = layer.layer(World::open());
    let future = client.call(get("http://a.test/"));
    is_send(&future);
    let inner = size_of::<std::future::Ready<Result<Response<Body>, std::convert::Infallible>>>();
    assert!(size_of_val(&future) <= inner + 3 * size_of::<usize>(), "{} {inner}", size_of_val(&future));
}
