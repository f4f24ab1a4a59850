use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_cookies::{CookiesFuture, CookiesLayer, Jar, RequestCookies, Store, StoreContext, UseJar, set_cookies_at};
use treq_core::Origin;

use crate::support::{at, set, url};

/// Answers with the fields that were last set; writes down what it is asked.
#[derive(Clone, Default)]
struct Site {
    sets: Arc<Mutex<HeaderMap>>,
    status: StatusCode,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Site {
    fn setting(fields: &[&str]) -> Site {
        Site { sets: Arc::new(Mutex::new(crate::support::headers(fields))), ..Site::default() }
    }

    /// The `Cookie` fields of the last request.
    fn got(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let fields = seen.last().unwrap().get_all("cookie");
        fields.iter().map(|field| String::from_utf8_lossy(field.as_bytes()).into_owned()).collect()
    }
}

impl Service<Request<()>> for Site {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.seen.lock().unwrap().push(request.headers().clone());
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.sets.lock().unwrap().clone();
        ready(Ok(response))
    }
}

fn get(to: &str) -> Request<()> {
    Request::get(url(to)).body(()).unwrap()
}

async fn ask(layer: &CookiesLayer, site: &Site, request: Request<()>) -> Vec<String> {
    layer.layer(site.clone()).oneshot(request).await.unwrap();
    site.got()
}

#[tokio::test]
async fn keeps_cookies_of_any_status_and_sends_them() {
    for status in [200, 204, 302, 307, 401, 404, 500] {
        let site = Site { status: StatusCode::from_u16(status).unwrap(), ..Site::setting(&["a=1", "b=2; Path=/"]) };
        let layer = CookiesLayer::new();
        assert_eq!(ask(&layer, &site, get("http://a.test/x/y")).await, [""; 0]);
        assert_eq!(ask(&layer, &site, get("http://a.test/x/y")).await, ["a=1; b=2"]);
        assert_eq!(ask(&layer, &site, get("http://b.test/x/y")).await, [""; 0]);
        assert_eq!(layer.store().len(), 4);
    }
}

#[tokio::test]
async fn reads_the_clock_that_it_was_given() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let layer = CookiesLayer::new().clock(move || at(clock.load(Ordering::Relaxed)));
    let site = Site::setting(&["a=1; Max-Age=10"]);
    ask(&layer, &site, get("http://a.test/")).await;
    site.sets.lock().unwrap().clear();
    seconds.store(9, Ordering::Relaxed);
    assert_eq!(ask(&layer, &site, get("http://a.test/")).await, ["a=1"]);
    seconds.store(10, Ordering::Relaxed);
    assert_eq!(ask(&layer, &site, get("http://a.test/")).await, [""; 0]);
}

#[tokio::test]
async fn does_nothing_for_an_empty_jar_and_answers_without_cookies() {
    let layer = CookiesLayer::new().clock(|| panic!("nobody needs the time"));
    let site = Site::default();
    assert_eq!(ask(&layer, &site, get("http://a.test/")).await, [""; 0]);
    set(layer.store(), "http://b.test/", &["b=1"]);
    layer.store().clear();
    assert_eq!(ask(&layer, &site, get("http://a.test/")).await, [""; 0]);
}

#[tokio::test]
async fn the_callers_own_field_switches_the_jar_off_for_sending() {
    let layer = CookiesLayer::new();
    set(layer.store(), "http://a.test/", &["a=jar"]);
    let site = Site::setting(&["b=set"]);
    let mut request = get("http://a.test/");
    request.headers_mut().insert("cookie", HeaderValue::from_static("own=1"));
    assert_eq!(ask(&layer, &site, request.clone()).await, ["own=1"]);
    assert!(layer.store().get("b").unwrap().is_some());
    // Its names win over those that go with the request.
    let origin = Origin::from_uri(request.uri()).unwrap();
    let extra = RequestCookies::new(origin).with("own", "2").unwrap().with("more", "3").unwrap();
    request.extensions_mut().insert(extra);
    assert_eq!(ask(&layer, &site, request).await, ["own=1; more=3"]);
}

#[tokio::test]
async fn extra_cookies_go_to_their_origin_and_are_not_kept() {
    let layer = CookiesLayer::new();
    let site = Site::default();
    let extra = RequestCookies::new(Origin::from_uri(&url("http://a.test/")).unwrap()).with("sid", "s3cret").unwrap();
    assert_eq!(extra.origin().host(), "a.test");
    for (to, expected) in [
        ("http://a.test/", Some("sid=s3cret")),
        ("http://a.test/deep", Some("sid=s3cret")),
        ("http://A.test:80/", Some("sid=s3cret")),
        ("http://a.test:81/", None),
        ("https://a.test/", None),
        ("http://b.a.test/", None),
        ("http://a.test./", None),
        ("http://b.test/", None),
    ] {
        let mut request = get(to);
        request.extensions_mut().insert(extra.clone());
        assert_eq!(ask(&layer, &site, request).await, Vec::from_iter(expected), "{to}");
    }
    assert!(layer.store().is_empty());
    assert!(!format!("{extra:?} {:?}", site.seen.lock().unwrap()).contains("s3cret"));
}

#[tokio::test]
async fn cookies_of_a_request_stay_behind_once_its_chain_has_left_the_origin() {
    let layer = CookiesLayer::new().clock(|| at(0));
    set(layer.store(), "http://a.test/", &["jar=1"]);
    let mut request = get("http://a.test/");
    let origin = Origin::from_uri(request.uri()).unwrap();
    request.extensions_mut().insert(RequestCookies::new(origin).with("a", "1").unwrap());
    assert_eq!(ask(&layer, &Site::default(), request.clone()).await, ["jar=1; a=1"]);
    request.extensions_mut().insert(treq_core::options::LeftOrigin::new());
    assert_eq!(ask(&layer, &Site::default(), request).await, ["jar=1"]);
}

#[tokio::test]
async fn extra_cookies_and_the_jars_are_one_field() {
    let layer = CookiesLayer::new();
    set(layer.store(), "http://a.test/", &["a=1", "b=2", "c=3", "=nameless"]);
    let mut extra = RequestCookies::new(Origin::from_uri(&url("http://a.test/")).unwrap());
    let none = extra.clone();
    for (name, value) in [("b", "old"), ("d", "x y=\"z\""), ("b", "new")] {
        extra = extra.with(name, value).unwrap();
    }
    for (name, value) in [("", "v"), ("a=b", "v"), ("a", "b;c"), ("a", "b\r\nc"), ("a\0", "b"), ("a", " b")] {
        assert!(extra.clone().with(name, value).is_err(), "{name:?}={value:?}");
    }
    let mut request = get("http://a.test/");
    request.extensions_mut().insert(extra);
    assert_eq!(ask(&layer, &Site::default(), request.clone()).await, ["a=1; c=3; nameless; d=x y=\"z\"; b=new"]);
    request.extensions_mut().insert(none);
    assert_eq!(ask(&layer, &Site::default(), request).await, ["a=1; b=2; c=3; nameless"]);
}

#[tokio::test]
async fn a_request_may_bring_its_own_jar() {
    let layer = CookiesLayer::new();
    set(layer.store(), "http://a.test/", &["a=layers"]);
    let own = Jar::new();
    let site = Site::setting(&["b=set"]);
    let mut request = get("http://a.test/");
    request.extensions_mut().insert(UseJar::new(own.clone()));
    assert_eq!(ask(&layer, &site, request.clone()).await, [""; 0]);
    assert_eq!(ask(&layer, &site, request).await, ["b=set"]);
    assert_eq!((own.len(), layer.store().len()), (1, 1));
}

#[tokio::test]
async fn the_host_field_decides_nothing() {
    let layer = CookiesLayer::new();
    set(layer.store(), "http://a.test/", &["a=1"]);
    set(layer.store(), "http://b.test/", &["b=1"]);
    let mut request = get("http://b.test/");
    request.headers_mut().insert("host", HeaderValue::from_static("a.test"));
    assert_eq!(ask(&layer, &Site::setting(&["c=1"]), request).await, ["b=1"]);
    assert_eq!(layer.store().search("b.test", None).len(), 2);
}

#[tokio::test]
async fn a_bad_cookie_fails_nothing() {
    let layer = CookiesLayer::new();
    let site = Site::default();
    for bytes in [&b"a=\xff\xfe"[..], b"\xe9", b"=", b"", b"a=1; Expires=\xff", b"ok=1"] {
        site.sets.lock().unwrap().append("set-cookie", HeaderValue::from_bytes(bytes).unwrap());
    }
    let response = layer.layer(site).oneshot(get("http://a.test/")).await.unwrap();
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 6);
    let from = url("http://a.test/");
    let set = set_cookies_at(response.headers(), &from, at(0));
    let names: Vec<_> = set.map(|cookie| cookie.name().to_vec()).collect();
    assert_eq!(names, [&b"a"[..], b"", b"a", b"ok"]);
    assert_eq!(layer.store().len(), 3);
}

#[tokio::test]
async fn any_store_serves() {
    struct Fixed;

    impl Store for Fixed {
        fn cookie_field(&self, context: &StoreContext<'_>) -> Option<HeaderValue> {
            HeaderValue::from_str(&format!("host={}", context.url().host()?)).ok()
        }
        fn set_cookies(&self, _: &StoreContext<'_>, headers: &HeaderMap) {
            assert!(headers.contains_key("set-cookie"));
        }
    }

    async fn check(store: impl Store) {
        let site = Site::setting(&["a=1"]);
        assert!(!store.is_empty());
        let client = CookiesLayer::with(store).layer(site.clone());
        client.oneshot(get("http://a.test/")).await.unwrap();
        assert_eq!(site.got(), ["host=a.test"]);
    }
    check(Fixed).await;
    let shared: Arc<dyn Store> = Arc::new(Fixed);
    check(shared).await;
    let boxed: Box<dyn Store> = Box::new(Fixed);
    check(boxed).await;
    check(Arc::new(Fixed)).await;
}

#[test]
fn the_future_is_small_and_debug_shows_no_value() {
    assert!(size_of::<CookiesFuture<(), Jar>>() <= size_of::<Uri>() + 16);
    let layer = CookiesLayer::default();
    set(layer.store(), "http://a.test/", &["a=s3cret"]);
    let shown = format!("{:?} {:?}", layer, layer.layer(()));
    assert!(shown.contains("len: 1") && !shown.contains("s3cret"), "{shown}");
}
