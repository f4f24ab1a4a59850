use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_core::{Body, BoxError, Error, HttpVersion, Kind, Route};
use treq_proxy::{Proxies, ProxyChoice, RouteLayer};

use crate::support::{Echo, get, proxy};

/// A request as the service below saw it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    method: Method,
    route: Option<String>,
    authorization: Option<String>,
    body: Option<Vec<u8>>,
}

type Answer = dyn Fn(usize) -> Response<Body> + Send + Sync;

/// An agent that only notes what it is asked.
#[derive(Clone)]
struct World {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    fn new(answer: impl Fn(usize) -> Response<Body> + Send + Sync + 'static) -> World {
        World { answer: Arc::new(answer), seen: Arc::default() }
    }

    fn open() -> World {
        World::new(|_| Response::new(Body::empty()))
    }

    /// So many challenges, then 200.
    fn challenging(times: usize) -> World {
        World::new(
            move |before| if before < times { challenge(Body::from("sorry")) } else { Response::new("ok".into()) },
        )
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn fields(&self) -> Vec<Option<String>> {
        self.seen().into_iter().map(|seen| seen.authorization).collect()
    }

    async fn ask(&self, layer: &RouteLayer, request: Request<Body>) -> Result<Response<Body>, Error> {
        layer.layer(self.clone()).oneshot(request).await
    }

    async fn route(&self, layer: &RouteLayer, request: Request<Body>) -> Option<String> {
        let _ = self.ask(layer, request).await.unwrap();
        self.seen().pop().unwrap().route
    }
}

fn challenge(body: Body) -> Response<Body> {
    Response::builder().status(407).header("proxy-authenticate", "Own").body(body).unwrap()
}

impl Service<Request<Body>> for World {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let seen = Seen {
            method: request.method().clone(),
            route: request.extensions().get::<Arc<dyn Route>>().map(|route| format!("{route:?}")),
            authorization: request.headers().get(PROXY_AUTHORIZATION).map(|value| {
                assert!(value.is_sensitive() || value.to_str().unwrap().starts_with("own "), "{value:?}");
                value.to_str().unwrap().to_owned()
            }),
            body: request.body().as_bytes().map(<[u8]>::to_vec),
        };
        let mut all = self.seen.lock().unwrap();
        let answer = (self.answer)(all.len());
        all.push(seen);
        ready(Ok(answer))
    }
}

fn layer(url: &str) -> RouteLayer {
    RouteLayer::new(Proxies::all(proxy(url)))
}

fn scheme() -> RouteLayer {
    RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default())))
}

#[tokio::test]
async fn each_request_gets_its_route() {
    let world = World::open();
    let none = RouteLayer::new(Proxies::none());
    let all = RouteLayer::new(Proxies::all(proxy("http://u:p@all.test")).no_proxy("b.test"));
    let way = |name: &str| Some(format!("Proxy(http://{name}:80)"));
    assert_eq!(world.route(&none, get("http://a.test/")).await, None);
    assert_eq!(world.route(&all, get("http://a.test/")).await, way("…@all.test"));
    assert_eq!(world.route(&all, get("https://b.test/")).await, None);
    for layer in [&none, &all] {
        let mut own = get("http://b.test/");
        own.extensions_mut().insert(ProxyChoice::proxy(proxy("own.test")));
        assert_eq!(world.route(layer, own).await, way("own.test"));
        let mut direct = get("http://a.test/");
        direct.extensions_mut().insert(ProxyChoice::direct());
        assert_eq!(world.route(layer, direct).await.as_deref(), Some("Direct"));
    }
}

#[derive(Debug)]
struct Foreign;

impl Route for Foreign {
    fn same(&self, _: &dyn Route) -> bool {
        false
    }

    fn digest(&self, _: &mut dyn std::hash::Hasher) {}
}

#[tokio::test]
async fn a_choice_that_was_made_above_stays() {
    let (world, outer) = (World::open(), layer("outer.test"));
    let request = get("http://a.test/");
    let _ = outer.layer(layer("inner.test").layer(world.clone())).oneshot(request).await.unwrap();
    assert_eq!(world.seen()[0].route.as_deref(), Some("Proxy(http://outer.test:80)"));
}

#[tokio::test]
async fn a_route_of_another_kind_is_not_lost_in_silence() {
    let foreign = |via: Option<ProxyChoice>| {
        let mut request = get("http://a.test/");
        request.extensions_mut().insert(Arc::new(Foreign) as Arc<dyn Route>);
        if let Some(via) = via {
            request.extensions_mut().insert(via);
        }
        request
    };
    let none = RouteLayer::new(Proxies::none());
    for (layer, via) in [
        (layer("p.test"), None),
        (none.clone(), Some(ProxyChoice::proxy(proxy("p.test")))),
        (none.clone(), Some(ProxyChoice::direct())),
    ] {
        let world = World::open();
        let error = world.ask(&layer, foreign(via)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder);
        assert!(world.seen().is_empty());
    }
    let past = RouteLayer::new(Proxies::all(proxy("p.test")).no_proxy("a.test"));
    for layer in [none, past] {
        assert_eq!(World::open().route(&layer, foreign(None)).await.as_deref(), Some("Foreign"));
    }
}

#[tokio::test]
async fn a_callers_proxy_authorization_goes_to_no_origin() {
    for (url, layer, http_version, want) in [
        ("http://a.test/", RouteLayer::new(Proxies::none()), HttpVersion::Any, true),
        ("http://a.test/", layer("p.test"), HttpVersion::Any, true),
        ("http://a.test/", scheme(), HttpVersion::Any, true),
        ("http://a.test/", layer("https://p.test"), HttpVersion::Http1, true),
        ("https://a.test/", layer("p.test"), HttpVersion::Any, false),
        ("http://a.test/", layer("p.test"), HttpVersion::Http2, false),
        ("http://a.test/", layer("socks5h://p.test"), HttpVersion::Any, false),
        ("http://a.test/", RouteLayer::new(Proxies::all(proxy("p.test").always_tunnel(true))), HttpVersion::Any, false),
        ("http://a.test/", RouteLayer::new(Proxies::all(proxy("p.test")).no_proxy("*")), HttpVersion::Any, false),
    ] {
        let world = World::challenging(1);
        let mut request = get(url);
        request.headers_mut().insert(PROXY_AUTHORIZATION, "own secret".parse().unwrap());
        request.extensions_mut().insert(http_version);
        // The answer to a challenge is the caller's then too.
        assert_eq!(world.ask(&layer, request).await.unwrap().status(), 407);
        assert_eq!(world.fields(), [want.then(|| "own secret".to_owned())], "{url} {layer:?}");
    }
}

#[tokio::test]
async fn a_forward_proxys_challenge_is_answered_once_with_the_body_again() {
    let echo = Arc::new(Echo::default());
    let layer = RouteLayer::new(Proxies::all(proxy("p.test").auth(Arc::clone(&echo))));
    for (challenges, status) in [(0, 200), (1, 200), (2, 407), (3, 407)] {
        let world = World::challenging(challenges);
        let mut request = Request::post("http://a.test:81/x?q=1").body(Body::from("tea")).unwrap();
        request.headers_mut().insert("x-own", "1".parse().unwrap());
        let response = world.ask(&layer, request).await.unwrap();
        assert_eq!(response.status(), status);
        let seen = world.seen();
        assert_eq!(seen.len(), 1 + challenges.min(1));
        assert!(seen.iter().all(|seen| seen.body.as_deref() == Some(b"tea") && seen.method == Method::POST));
        assert!(seen.iter().all(|seen| seen.route.as_deref() == Some("Proxy(http://…@p.test:80)")));
        if challenges > 0 {
            assert_eq!(seen[1].authorization.as_deref(), Some("own POST http://a.test:81/x?q=1"));
        }
    }
    let answer = "own POST http://a.test:81/x?q=1";
    let want = ["200 -".to_owned(), format!("200 {answer}"), format!("407 {answer}"), format!("407 {answer}")];
    assert_eq!(*echo.accepted.lock().unwrap(), want);
}

#[tokio::test]
async fn credentials_that_are_known_go_out_at_once() {
    let layer = RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo { first: true, ..Echo::default() })));
    let world = World::challenging(1);
    assert_eq!(world.ask(&layer, get("http://a.test")).await.unwrap().status(), 200);
    assert_eq!(world.fields(), [Some("first".to_owned()), Some("own GET http://a.test/".to_owned())]);
    let tunnel = World::open();
    let _ = tunnel.ask(&layer, get("https://a.test")).await.unwrap();
    assert_eq!(tunnel.fields(), [None], "within a tunnel nothing is meant for the proxy");
}

#[tokio::test]
async fn a_407_of_an_origin_or_one_that_has_no_answer_is_the_callers() {
    let once = || Request::post("http://a.test/").body(Body::new(Full::new(Bytes::from_static(b"once")))).unwrap();
    let direct = || {
        let mut request = get("http://a.test/");
        request.extensions_mut().insert(ProxyChoice::direct());
        request
    };
    for (layer, request) in [
        (scheme(), get("https://a.test/")),
        (scheme(), direct()),
        (scheme(), once()),
        (RouteLayer::new(Proxies::none()), get("http://a.test/")),
        (
            RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default())).no_proxy("a.test")),
            get("http://a.test/"),
        ),
        (layer("http://u:p@p.test"), get("http://a.test/")),
        (layer("socks5h://u:p@p.test"), get("http://a.test/")),
    ] {
        let world = World::challenging(1);
        let response = world.ask(&layer, request).await.unwrap();
        assert_eq!(response.status(), 407);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "sorry");
        assert_eq!(world.fields(), [None]);
    }
    let world = World::new(|_| Response::builder().status(407).body(Body::from("no challenge")).unwrap());
    assert_eq!(world.ask(&scheme(), get("http://a.test/")).await.unwrap().status(), 407);
}

#[tokio::test]
async fn bodies_that_go_out_once_are_not_copied() {
    let world = World::challenging(1);
    let layer = scheme().without_replay();
    let request = Request::post("http://a.test/").body(Body::from("tea")).unwrap();
    assert_eq!(layer.layer(world.clone()).oneshot(request).await.unwrap().status(), 407);
    let world = World::challenging(1);
    let layer = scheme().replay(|_: &Body| Some(Body::from("made again")));
    let request = Request::post("http://a.test/").body(Body::from("tea")).unwrap();
    assert_eq!(layer.layer(world.clone()).oneshot(request).await.unwrap().status(), 200);
    assert_eq!(world.seen()[1].body.as_deref(), Some(&b"made again"[..]));
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_challenge_is_waited_for_within_limits() {
    let endless = || Body::new(Endless);
    let world = World::new(move |before| if before == 0 { challenge(endless()) } else { Response::new(Body::empty()) });
    assert_eq!(world.ask(&scheme(), get("http://a.test")).await.unwrap().status(), 200);
    let world = World::new(|before| match before {
        0 => challenge(Body::new(Never)),
        _ => Response::new(Body::empty()),
    });
    let begin = tokio::time::Instant::now();
    assert_eq!(world.ask(&scheme(), get("http://a.test")).await.unwrap().status(), 200);
    assert_eq!(begin.elapsed(), Duration::from_millis(50));
}

/// The service's own limits end the body.
#[test]
fn a_late_body_is_waited_for_without_a_runtime_too() {
    let world = World::new(|_| challenge(Body::new(Never)));
    let layer = scheme();
    let mut sending = Box::pin(world.ask(&layer, get("http://a.test")));
    assert!(sending.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
}

/// A body that never comes.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A body that never ends.
struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(&[0; 1024])))))
    }
}

#[tokio::test]
async fn an_error_of_the_credentials_is_one_of_the_proxy() {
    struct Broken;
    impl treq_core::auth::Scheme for Broken {
        fn authorize(&self, _: &mut treq_core::auth::Outgoing<'_>) -> Result<treq_core::auth::Step, BoxError> {
            Err("no random bytes".into())
        }
    }
    let world = World::open();
    let layer = RouteLayer::new(Proxies::all(proxy("p.test").auth(Broken)));
    assert_eq!(world.ask(&layer, get("http://a.test")).await.unwrap_err().kind(), Kind::Proxy);
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn each_hop_has_its_own_proxy_and_no_others_credentials() {
    let layer = RouteLayer::new(Proxies::custom(|url| match url.host() {
        Some("a.test") => Some(proxy("p.test").auth(Echo { first: true, ..Echo::default() })),
        Some("b.test") => Some(proxy("q.test")),
        _ => None,
    }));
    let world = World::open();
    for url in ["http://a.test/", "http://b.test/", "http://c.test/"] {
        let _ = world.ask(&layer, get(url)).await.unwrap();
    }
    assert_eq!(world.fields(), [Some("first".to_owned()), None, None]);
}
