use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Kind, Origin, Resend, Target};
use treq_retry::{Attempted, Backoff, Budget, Exhausted, RetryLayer};
use treq_testing::{MemoryServer, Pipe};

/// A pipe as hyper-util wants it.
struct Stream(TokioIo<Pipe>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// At once.
fn layer() -> RetryLayer {
    RetryLayer::new().attempts(3).backoff(Backoff::new().base(Duration::ZERO)).budget(None::<Budget>)
}

fn attempted<R>(response: &Response<R>) -> Option<u32> {
    response.extensions().get::<Attempted>().map(|attempted| attempted.count())
}

#[tokio::test]
async fn works_over_hyper_utils_client_on_one_connection() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = MemoryServer::default().host(
        "a.test",
        service_fn(move |request: Request<Body>| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                let sent = request.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(sent, "content");
                let response = match number {
                    0 => Response::builder().status(503).body(Body::from("x".repeat(16 * 1024))),
                    // Of unknown length, so in chunks.
                    1 => Response::builder()
                        .status(502)
                        .body(Body::new(Full::new(Bytes::from_static(b"gone")).map_frame(|f| f))),
                    _ => Ok(Response::new(Body::from("tea"))),
                };
                Ok::<_, Infallible>(response.unwrap())
            }
        }),
    );
    let connector = server.connector();
    let connect = service_fn(move |uri: Uri| {
        let mut connector = connector.clone();
        Box::pin(async move {
            let connected = connector.call(Target::new(Origin::from_uri(&uri)?)).await?;
            Ok::<_, BoxError>(Stream(TokioIo::new(connected.io)))
        })
    });
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connect);
    let request = Request::put("http://a.test/").body(Full::from("content")).unwrap();
    let response: Response<hyper::body::Incoming> = layer().layer(client).oneshot(request).await.unwrap();
    assert_eq!(attempted(&response), Some(3));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_again_over_hyper_utils_client() {
    let connect = service_fn(|_: Uri| {
        Box::pin(async { Err::<Stream, _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)) })
    });
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connect);
    let request = Request::get("http://a.test/").body(Full::default()).unwrap();
    let error = layer().layer(client).oneshot(request).await.unwrap_err();
    assert_eq!((error.kind(), error.find::<Exhausted>().map(Exhausted::attempts)), (Kind::Connect, Some(3)));
    let cause = error.find::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let asked = Arc::new(AtomicUsize::new(0));
    let handler = move || async move {
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::TOO_MANY_REQUESTS, "later"),
            _ => (StatusCode::OK, "tea"),
        }
    };
    let router = axum::Router::new().route("/", get(handler));
    let request = Request::get("http://a.test/").body(Full::<Bytes>::default()).unwrap();
    let response = layer().layer(router).oneshot(request).await.unwrap();
    assert_eq!((response.status().as_u16(), attempted(&response)), (200, Some(2)));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
}

#[tokio::test]
async fn works_over_a_service_that_cannot_fail() {
    let asked = Arc::new(AtomicUsize::new(0));
    let service = service_fn(move |_: Request<Empty<Bytes>>| {
        let status = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 504 } else { 200 };
        std::future::ready(Ok::<_, Infallible>(Response::builder().status(status).body("tea".to_owned()).unwrap()))
    });
    let request = Request::get("http://a.test/").body(Empty::new()).unwrap();
    let response = layer().layer(service).oneshot(request).await.unwrap();
    assert_eq!((attempted(&response), response.into_body().as_str()), (Some(2), "tea"));
}

#[tokio::test]
async fn a_service_that_is_never_ready_again_is_an_error_as_safe_as_what_was_sent() {
    #[derive(Clone)]
    struct Once(bool);

    impl Service<Request<Body>> for Once {
        type Response = Response<Body>;
        type Error = Error;
        type Future = std::future::Ready<Result<Response<Body>, Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            let closed = || Error::new(Kind::Connect, "closed").with_resend(Resend::Safe);
            Poll::Ready(if self.0 { Err(closed()) } else { Ok(()) })
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            self.0 = true;
            std::future::ready(Ok(Response::builder().status(503).body(Body::empty()).unwrap()))
        }
    }

    let request = Request::get("http://a.test/").body(Body::empty()).unwrap();
    let error = layer().layer(Once(false)).oneshot(request).await.unwrap_err();
    // It was sent, if only once.
    assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::MaybeProcessed));
    assert!(error.find::<Exhausted>().is_none());
}

#[test]
fn services_and_futures_cross_threads_as_the_inner_ones_do() {
    fn crosses<T: Send>(service: T) -> T {
        service
    }
    let router = axum::Router::new();
    let mut service = crosses(layer().layer(router));
    drop(crosses(service.call(Request::get("http://a.test/").body(Full::<Bytes>::default()).unwrap())));
}

/// The body of a 503: so many frames, pending before each, then what `end` says.
struct Wasted {
    frames: usize,
    bytes: usize,
    fails: bool,
    hint: Option<u64>,
    woken: bool,
    polled: Arc<AtomicUsize>,
    dropped: Arc<AtomicBool>,
}

impl http_body::Body for Wasted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.woken = !self.woken;
        if self.woken {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.frames == 0 {
            return Poll::Ready(self.fails.then(|| Err("cut".into())));
        }
        self.frames -= 1;
        self.polled.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![0; self.bytes])))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.hint.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

impl Drop for Wasted {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn what_is_small_is_read_and_what_is_large_is_dropped() {
    for (frames, bytes, fails, hint, read) in [
        (3, 10, false, Some(30), 3),
        (3, 10, false, None, 3),
        (2, 10, true, None, 2),
        (0, 0, false, None, 0),
        (1, 20_000, false, Some(20_000), 0),
        (usize::MAX, 1000, false, None, 17),
        (usize::MAX, 1, false, None, 64),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let (polled, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (frames_polled, is_dropped) = (Arc::clone(&polled), Arc::clone(&dropped));
        let service = service_fn(move |request: Request<Body>| {
            let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            assert!(first || is_dropped.load(Ordering::Relaxed));
            drop(request);
            let body = Wasted {
                frames,
                bytes,
                fails,
                hint,
                woken: false,
                polled: Arc::clone(&frames_polled),
                dropped: if first { Arc::clone(&is_dropped) } else { Arc::default() },
            };
            let status = if first { 503 } else { 200 };
            std::future::ready(Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap()))
        });
        let request = Request::get("http://a.test/").body(Body::empty()).unwrap();
        let response = layer().layer(service).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), polled.load(Ordering::Relaxed)), (200, read));
    }
}
