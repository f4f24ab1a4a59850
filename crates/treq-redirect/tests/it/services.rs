use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_core::{Body, BoxError, Kind, Origin, Target};
use treq_redirect::{History, Redirect, RedirectLayer};
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

fn answer(status: u16, location: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).header("location", location).body(body.into()).unwrap()
}

#[tokio::test]
async fn works_over_hyper_utils_client_on_one_connection_per_host() {
    let server = MemoryServer::default()
        .host(
            "a.test",
            service_fn(|request: Request<Body>| async move {
                Ok::<_, Infallible>(match request.uri().path() {
                    "/1" => answer(302, "/2", "x".repeat(16 * 1024)),
                    // Of unknown length, so in chunks.
                    "/2" => answer(303, "/3", Body::new(Full::new(Bytes::from_static(b"gone")).map_frame(|f| f))),
                    _ => answer(307, "http://b.test/end", ""),
                })
            }),
        )
        .host(
            "b.test",
            service_fn(|request: Request<Body>| async move {
                Ok::<_, Infallible>(Response::new(Body::from(format!("b{}", request.uri().path()))))
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
    let client = RedirectLayer::new().layer(client);
    let request = Request::get("http://a.test/1").body(Full::default()).unwrap();
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.extensions().get::<History>().unwrap().len(), 3);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "b/end");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let router = axum::Router::new()
        .route("/old", get(|| async { axum::response::Redirect::temporary("/new") }))
        .route("/new", get(|| async { "tea" }));
    let request = Request::get("http://a.test/old").body(Full::<Bytes>::default()).unwrap();
    let response = RedirectLayer::new().layer(router).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
}

#[tokio::test]
async fn works_over_a_service_that_cannot_fail() {
    let service = service_fn(|request: Request<Empty<Bytes>>| async move {
        Ok::<_, Infallible>(match request.uri().path() {
            "/old" => Response::builder().status(308).header("location", "new").body(String::new()).unwrap(),
            path => Response::new(path.to_owned()),
        })
    });
    let request = Request::get("http://a.test/old").body(Empty::new()).unwrap();
    let response = RedirectLayer::new().layer(service).oneshot(request).await.unwrap();
    assert_eq!(response.into_body(), "/new");
}

#[tokio::test]
async fn an_error_of_a_later_hop_is_adopted() {
    let service = service_fn(|request: Request<Body>| async move {
        match request.uri().path() {
            "/1" => Ok(answer(302, "/2", "")),
            _ => Err(std::io::Error::other("cut")),
        }
    });
    let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
    let error = RedirectLayer::new().layer(service).oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Other);
    assert!(error.find::<std::io::Error>().is_some());
}

/// The body of a redirect: so many frames, pending before each, then what `end` says.
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
        let (polled, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (frames_polled, is_dropped) = (Arc::clone(&polled), Arc::clone(&dropped));
        let service = service_fn(move |request: Request<Body>| {
            let first = request.uri().path() == "/1";
            assert!(first || is_dropped.load(Ordering::Relaxed));
            let body = Wasted {
                frames,
                bytes,
                fails,
                hint,
                woken: false,
                polled: Arc::clone(&frames_polled),
                dropped: if first { Arc::clone(&is_dropped) } else { Arc::default() },
            };
            let response = match first {
                true => Response::builder().status(302).header("location", "/2"),
                false => Response::builder(),
            };
            std::future::ready(Ok::<_, Infallible>(response.body(body).unwrap()))
        });
        let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
        let response = RedirectLayer::new().layer(service).oneshot(request).await.unwrap();
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
        Ok::<_, Infallible>(match request.uri().path() {
            "/3" => Response::new(Stalled),
            path => Response::builder()
                .status(302)
                .header("location", if path == "/1" { "/2" } else { "/3" })
                .body(Stalled)
                .unwrap(),
        })
    });
    let (usual, long) = (Duration::from_millis(50), Duration::from_millis(200));
    for (layer, wait) in [(RedirectLayer::new(), usual), (RedirectLayer::new().drain_timeout(long), long)] {
        let begin = tokio::time::Instant::now();
        let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
        let response = layer.layer(service).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), begin.elapsed()), (200, 2 * wait));
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
        Ok::<_, Infallible>(match request.uri().path() {
            "/2" => Response::new(Late(false)),
            _ => Response::builder().status(302).header("location", "/2").body(Late(true)).unwrap(),
        })
    });
    let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
    let mut sending = Box::pin(RedirectLayer::new().layer(service).oneshot(request));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(sending.as_mut().poll(cx).is_pending());
    assert!(sending.as_mut().poll(cx).is_ready());
}

/// Every hop goes to an instance that said it was ready.
#[tokio::test]
async fn each_hop_waits_for_readiness() {
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
            std::future::ready(Ok(match request.uri().path() {
                "/4" => Response::new(Body::empty()),
                path => answer(302, &format!("/{}", path[1..].parse::<u32>().unwrap() + 1), "x"),
            }))
        }
    }

    let mut service = RedirectLayer::new().layer(Picky::default());
    for _ in 0..2 {
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let sending = service.call(Request::get("http://a.test/1").body(Body::empty()).unwrap());
        assert_eq!(sending.await.unwrap().status(), 200);
    }
}

#[test]
fn a_dropped_future_needs_no_runtime() {
    let service = service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let mut client = RedirectLayer::new().layer(service);
    let mut sending = Box::pin(client.call(Request::get("http://a.test/").body(Body::empty()).unwrap()));
    assert!(sending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[tokio::test]
async fn what_is_below_can_be_reached() {
    let mut service = Redirect::new(7);
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.into_inner()), (8, 8));

    let site = service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(match request.uri().path() {
            "/1" => answer(302, "/2", ""),
            _ => Response::new(Body::empty()),
        })
    });
    let request = Request::get("http://a.test/1").body(Body::empty()).unwrap();
    assert_eq!(Redirect::new(site).oneshot(request).await.unwrap().status(), 200);
}
