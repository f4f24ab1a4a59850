use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_auth::{AuthLayer, Basic, Digest};
use treq_core::{Body, BoxError, Kind, Origin, Target};
use treq_testing::{MemoryServer, Pipe};

use crate::support::{origin, unauthorized};

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

const CHALLENGE: &str = r#"Digest realm="r", nonce="n", qop="auth""#;

fn digest_layer(url: &str) -> AuthLayer {
    AuthLayer::new().credentials(origin(url), Digest::new("user", "pass"))
}

#[tokio::test]
async fn works_over_hyper_utils_client_on_one_connection() {
    let server = MemoryServer::default().host(
        "a.test",
        service_fn(|request: Request<Body>| async move {
            let known = request.headers().contains_key("authorization");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(match known {
                true => Response::new(Body::from(body)),
                false => {
                    // Of unknown length, so in chunks.
                    let page = Full::new(Bytes::from("x".repeat(16 * 1000))).map_frame(|frame| frame);
                    unauthorized(CHALLENGE).map(|_| Body::new(page))
                }
            })
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
    let client = digest_layer("http://a.test/").layer(client);
    for _ in 0..2 {
        let request = Request::post("http://a.test/1").body(Full::from("tea")).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let router = axum::Router::new().route(
        "/echo",
        post(|headers: http::HeaderMap, body: Bytes| async move {
            match headers.contains_key("authorization") {
                true => Response::new(axum::body::Body::from(body)),
                false => unauthorized(CHALLENGE).map(|_| axum::body::Body::empty()),
            }
        }),
    );
    let request = Request::post("http://a.test/echo").body(Full::<Bytes>::from("tea")).unwrap();
    let response = digest_layer("http://a.test/").layer(router).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
}

#[tokio::test]
async fn works_over_a_service_that_cannot_fail() {
    let service = service_fn(|request: Request<Empty<Bytes>>| async move {
        let value = request.headers()["authorization"].clone();
        assert!(value.is_sensitive());
        Ok::<_, Infallible>(Response::new(value.to_str().unwrap().to_owned()))
    });
    let request = Request::get("http://a.test/old").body(Empty::new()).unwrap();
    let layer = AuthLayer::new().credentials(origin("http://a.test/"), Basic::new("u", "p").unwrap());
    assert_eq!(layer.layer(service).oneshot(request).await.unwrap().into_body(), "Basic dTpw");
}

#[tokio::test]
async fn a_foreign_body_is_sent_again_by_a_closure() {
    /// Neither `Clone` nor ours.
    #[derive(Default)]
    struct Foreign(&'static str);

    impl http_body::Body for Foreign {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let text = std::mem::take(&mut self.get_mut().0);
            Poll::Ready((!text.is_empty()).then(|| Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
        }
    }

    let service = service_fn(|request: Request<Foreign>| async move {
        let known = request.headers().contains_key("authorization");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "tea");
        Ok::<_, Infallible>(if known { Response::new(Body::empty()) } else { unauthorized(CHALLENGE) })
    });
    let request = || Request::post("http://a.test/").body(Foreign("tea")).unwrap();
    let layer = digest_layer("http://a.test/").replay(|body: &Foreign| Some(Foreign(body.0)));
    assert_eq!(layer.layer(service).oneshot(request()).await.unwrap().status(), 200);
    let layer = digest_layer("http://a.test/").without_replay();
    assert_eq!(layer.layer(service).oneshot(request()).await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_error_of_the_second_sending_is_adopted() {
    let service = service_fn(|request: Request<Body>| async move {
        match request.headers().contains_key("authorization") {
            true => Err(std::io::Error::other("cut")),
            false => Ok(unauthorized(CHALLENGE)),
        }
    });
    let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
    let error = digest_layer("http://a.test/").layer(service).oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Other);
    assert!(error.find::<std::io::Error>().is_some());
}

/// The body of a 401: so many frames, pending before each.
struct Wasted {
    frames: usize,
    bytes: usize,
    hint: Option<u64>,
    woken: bool,
    polled: Arc<AtomicUsize>,
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
            return Poll::Ready(None);
        }
        self.frames -= 1;
        self.polled.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![0; self.bytes])))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.hint.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

#[tokio::test]
async fn what_is_small_is_read_and_what_is_large_is_dropped() {
    for (frames, bytes, hint, read) in [
        (3, 10, Some(30), 3),
        (3, 10, None, 3),
        (0, 0, None, 0),
        (1, 20_000, Some(20_000), 0),
        (usize::MAX, 1000, None, 17),
        (usize::MAX, 1, None, 64),
    ] {
        let polled = Arc::new(AtomicUsize::new(0));
        let frames_polled = Arc::clone(&polled);
        let service = service_fn(move |request: Request<Body>| {
            let body = Wasted { frames, bytes, hint, woken: false, polled: Arc::clone(&frames_polled) };
            let response = match request.headers().contains_key("authorization") {
                true => Response::new(body),
                false => unauthorized(CHALLENGE).map(|_| body),
            };
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
        let response = digest_layer("http://a.test/").layer(service).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), polled.load(Ordering::Relaxed)), (200, read));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_waited_for_within_a_limit() {
    struct Stalled;

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Pending
        }
    }

    let service = service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(match request.headers().contains_key("authorization") {
            true => Response::new(Stalled),
            false => unauthorized(CHALLENGE).map(|_| Stalled),
        })
    });
    let (usual, long) = (std::time::Duration::from_millis(50), std::time::Duration::from_millis(200));
    // Two of them: one would send credentials with the second request at once.
    let layer = || digest_layer("http://a.test/");
    for (layer, wait) in [(layer(), usual), (layer().drain_timeout(long), long)] {
        let begin = tokio::time::Instant::now();
        let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
        let response = layer.layer(service).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), begin.elapsed()), (200, wait));
    }
}

/// The service's own limits end the body.
#[test]
fn a_late_body_is_waited_for_without_a_runtime_too() {
    struct Late(bool);

    impl http_body::Body for Late {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            if std::mem::replace(&mut self.0, false) { Poll::Pending } else { Poll::Ready(None) }
        }
    }

    let service = service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(match request.headers().contains_key("authorization") {
            true => Response::new(Late(false)),
            false => unauthorized(CHALLENGE).map(|_| Late(true)),
        })
    });
    let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
    let mut sending = Box::pin(digest_layer("http://a.test/").layer(service).oneshot(request));
    let cx = &mut Context::from_waker(std::task::Waker::noop());
    assert!(sending.as_mut().poll(cx).is_pending());
    assert!(sending.as_mut().poll(cx).is_ready());
}

/// Each sending goes to an instance that said it was ready.
#[tokio::test]
async fn each_sending_waits_for_readiness() {
    #[derive(Default)]
    struct Picky {
        ready: bool,
        asked: bool,
    }

    impl Clone for Picky {
        fn clone(&self) -> Picky {
            Picky::default()
        }
    }

    impl Service<Request<Body>> for Picky {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if !self.asked {
                self.asked = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.ready = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            assert!(std::mem::take(&mut self.ready), "called unready");
            self.asked = false;
            std::future::ready(Ok(match request.headers().contains_key("authorization") {
                true => Response::new(Body::empty()),
                false => unauthorized(CHALLENGE.replace("auth", "auth-int").as_str()),
            }))
        }
    }

    let mut service = digest_layer("http://a.test/").layer(Picky::default());
    for _ in 0..3 {
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let sending = service.call(Request::post("http://a.test/1").body(Body::from("tea")).unwrap());
        assert_eq!(sending.await.unwrap().status(), 200);
    }
}

/// Dropped after each number of polls, in the midst of a challenge: nothing stays behind, and the next request works.
#[tokio::test]
async fn a_future_may_be_dropped_at_any_point() {
    let under_way = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&under_way);
    let service = service_fn(move |request: Request<Body>| {
        let guard = Guard::new(&counted);
        async move {
            tokio::task::yield_now().await;
            drop(guard);
            let polled = Arc::default();
            let body = Wasted { frames: 2, bytes: 10, hint: None, woken: false, polled };
            Ok::<_, Infallible>(match request.headers().contains_key("authorization") {
                true => Response::new(body),
                false => unauthorized(r#"Digest realm="r", nonce="n", qop=auth-int"#).map(|_| body),
            })
        }
    });
    let mut polls = 0;
    loop {
        let mut client = digest_layer("http://a.test/").layer(service.clone());
        let request = || {
            let body = Body::from_fn(|| Body::new(Full::new(Bytes::from_static(b"tea"))));
            Request::post("http://a.test/").body(body).unwrap()
        };
        let mut sending = Box::pin(client.call(request()));
        let mut cx = Context::from_waker(Waker::noop());
        let done = (0..polls).any(|_| sending.as_mut().poll(&mut cx).is_ready());
        drop(sending);
        assert_eq!(under_way.load(Ordering::Relaxed), 0);
        assert_eq!(client.ready().await.unwrap().call(request()).await.unwrap().status(), 200);
        if done {
            break;
        }
        polls += 1;
    }
    // Two waits for answers and one for each frame of the 401, and its end.
    assert_eq!(polls, 6);
}

/// Counts itself.
struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn new(count: &Arc<AtomicUsize>) -> Guard {
        count.fetch_add(1, Ordering::Relaxed);
        Guard(Arc::clone(count))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_dropped_future_needs_no_runtime() {
    let service = service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let mut client = digest_layer("http://a.test/").layer(service);
    let mut sending = Box::pin(client.call(Request::get("http://a.test/").body(Body::empty()).unwrap()));
    assert!(sending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
