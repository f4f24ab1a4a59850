//! The client as a service, over services, with layers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::{Layer, Service, ServiceExt as _};
use treq::{Body, Client, Kind};
use treq_httpbin::Server;

#[tokio::test]
async fn a_client_and_a_reference_to_one_are_services() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let request = || Request::post(server.url("/post")).body(Body::from("text")).unwrap();
    let response = client.clone().oneshot(request()).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("\"data\": \"text\""));
    let response = (&client).oneshot(request()).await.unwrap();
    assert!(response.extensions().get::<treq::connect::Facts>().unwrap().is_reused());
}

/// Counts the requests that go by.
#[derive(Clone)]
struct Count(Arc<AtomicUsize>);

#[derive(Clone)]
struct Counted<S>(S, Arc<AtomicUsize>);

impl<S> Layer<S> for Count {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner, Arc::clone(&self.0))
    }
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.call(request)
    }
}

#[tokio::test]
async fn layers_stand_around_everything_and_next_to_the_agent() {
    let server = Server::start().await.unwrap();
    let (outer, inner) = (Count(Arc::default()), Count(Arc::default()));
    let client = Client::builder().layer(outer.clone()).agent_layer(inner.clone()).build().unwrap();
    for _ in 0..3 {
        client.get(server.url("/get")).await.unwrap();
    }
    assert_eq!((outer.0.load(Ordering::Relaxed), inner.0.load(Ordering::Relaxed)), (3, 3));
}

#[tokio::test]
async fn the_stack_can_be_had_in_its_own_type() {
    let server = Server::start().await.unwrap();
    let stack = Client::builder().into_stack().unwrap().into_service();
    let request = Request::get(server.url("/get")).body(Body::empty()).unwrap();
    let response = stack.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    // And a client's surface put over it again.
    let client = Client::from_service(stack);
    assert_eq!(client.get(server.url("/get")).await.unwrap().status(), 200);
    assert!(client.pool().map(|pool| pool.stats()).is_none());
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for_and_its_error_adopted() {
    let canned = tower::service_fn(|request: Request<Body>| async move {
        match request.uri().path() {
            "/fails" => Err("a stranger's error"),
            path => Ok(Response::new(Body::from(path.to_owned()))),
        }
    });
    let limited = tower::ServiceBuilder::new().concurrency_limit(1).service(canned);
    let client = Client::from_service(limited);
    let (a, b) = tokio::join!(client.get("http://a.test/1"), client.get("http://a.test/2"));
    assert_eq!(a.unwrap().text().await.unwrap() + &b.unwrap().text().await.unwrap(), "/1/2");
    let error = client.get("http://a.test/fails").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Other);
    assert!(crate::chain(&error).contains("a stranger's error"));
}

#[tokio::test]
async fn an_infallible_service_with_a_body_of_its_own_will_do() {
    let canned = tower::service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(http_body_util::Full::new(bytes::Bytes::from_static(b"[1, 2]"))))
    });
    let numbers: Vec<u8> = Client::from_service(canned).get("http://a.test/").await.unwrap().json().await.unwrap();
    assert_eq!(numbers, [1, 2]);
}

/// Bodies of others: hyper's, axum's, tonic's; `Request<()>` aside, which has none.
#[tokio::test]
async fn a_client_takes_any_body() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let request = || Request::post(server.url("/post"));
    let full = http_body_util::Full::new(bytes::Bytes::from_static(b"text"));
    let whole = request().body(full.clone()).unwrap();
    let boxed = request().body(full.clone().map_err(|never| match never {}).boxed_unsync()).unwrap();
    let boxed: Request<http_body_util::combinators::UnsyncBoxBody<_, std::io::Error>> = boxed;
    let axum = request().body(axum::body::Body::from("text")).unwrap();
    let owned = request().body(String::from("text")).unwrap();
    async fn echoed<B>(client: &Client, request: Request<B>) -> String
    where
        for<'a> &'a Client: Service<Request<B>, Response = Response<treq::body::ResponseBody>, Error = treq::Error>,
    {
        let response = client.oneshot(request).await.unwrap();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&text).into_owned()
    }
    for text in [
        echoed(&client, whole).await,
        echoed(&client, boxed).await,
        echoed(&client, axum).await,
        echoed(&client, owned).await,
    ] {
        assert!(text.contains("\"data\": \"text\"") && text.contains("\"Content-Length\": \"4\""), "{text}");
    }
    let empty = request().body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    assert!(echoed(&client, empty).await.contains("\"Content-Length\": \"0\""));
}

/// Five lines of a reverse proxy: the body of the request and that of the answer go through as they come.
#[tokio::test]
async fn an_axum_handler_passes_requests_on() {
    use axum::extract::{Request, State};
    use axum::response::IntoResponse;

    async fn pass_on(State((client, to)): State<(Client, String)>, mut request: Request) -> axum::response::Response {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("{to}{path}").parse().unwrap();
        client.oneshot(request).await.map_or_else(
            |error| (http::StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            |response| response.map(axum::body::Body::new),
        )
    }
    let server = Server::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let to = server.url("/").trim_end_matches('/').to_owned();
    let app = axum::Router::new().fallback(pass_on).with_state((Client::new(), to));
    let proxy = tokio::spawn(async move { axum::serve(listener, app).await });
    let pieces = futures_util::stream::iter((0..64).map(|n| Ok::<_, std::io::Error>(vec![b'a' + n % 26; 16 * 1024])));
    let mut response = treq::post(format!("{url}/post")).data(Body::from_stream(pieces)).await.unwrap();
    assert!(response.text().await.unwrap().contains(&"b".repeat(16 * 1024)));
    let mut response = treq::get(format!("{url}/bytes/100000")).await.unwrap();
    assert_eq!(response.content().await.unwrap().len(), 100_000);
    proxy.abort();
}

/// tower-http's timeout makes a response with an empty body of the type below: over a client, and over a stack in its own type.
#[tokio::test]
async fn stands_under_tower_https_timeout() {
    use std::time::Duration;
    use tower_http::timeout::TimeoutLayer;

    let server = Server::start().await.unwrap();
    let limit = || TimeoutLayer::with_status_code(http::StatusCode::REQUEST_TIMEOUT, Duration::from_millis(100));
    for (path, status) in [("/get", 200), ("/delay/5", 408)] {
        let request = || Request::get(server.url(path)).body(Body::empty()).unwrap();
        let response = limit().layer(Client::new()).oneshot(request()).await.unwrap();
        assert_eq!((response.status().as_u16(), response.into_body().collect().await.is_ok()), (status, true));
        let stack = Client::builder().into_stack().unwrap().into_service();
        let response = limit().layer(stack).oneshot(request()).await.unwrap();
        assert_eq!((response.status().as_u16(), response.into_body().collect().await.is_ok()), (status, true));
    }
}
