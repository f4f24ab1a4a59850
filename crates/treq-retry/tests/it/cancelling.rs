//! The future dropped at each point at which it waits.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tower::{Layer, service_fn};
use tower_service::Service;
use treq_core::Body;

use crate::support::{get, request, thrice};

/// Waits once wherever one can wait; futures and bodies are counted as long as they live.
struct Slow {
    live: Arc<()>,
    calls: Arc<AtomicUsize>,
    asked: bool,
}

impl Clone for Slow {
    fn clone(&self) -> Slow {
        Slow { live: Arc::clone(&self.live), calls: Arc::clone(&self.calls), asked: false }
    }
}

impl Service<Request<Body>> for Slow {
    type Response = Response<Wasted>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Wasted>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !std::mem::replace(&mut self.asked, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.asked), "called unready");
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let live = Arc::clone(&self.live);
        Box::pin(async move {
            tokio::task::yield_now().await;
            drop(request);
            let status = if number % 3 == 2 { 200 } else { 503 };
            Ok(Response::builder().status(status).body(Wasted { frames: 2, woken: false, _live: live }).unwrap())
        })
    }
}

struct Wasted {
    frames: usize,
    woken: bool,
    _live: Arc<()>,
}

impl http_body::Body for Wasted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.woken = !self.woken;
        if self.woken {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let left = self.frames.checked_sub(1);
        self.frames = left.unwrap_or_default();
        Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_holds_nothing_and_sends_nothing() {
    for polls in 0.. {
        let (live, calls) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
        let slow = Slow { live: Arc::clone(&live), calls: Arc::clone(&calls), asked: false };
        let mut service = thrice().attempt_timeout(Duration::from_secs(1)).layer(slow);
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let mut sending = Box::pin(service.call(request("PUT", "x")));
        let mut done = 0;
        let outcome = poll_fn(|cx| match done == polls {
            true => Poll::Ready(None),
            false => {
                done += 1;
                Poll::Ready(Some(ready!(sending.as_mut().poll(cx))))
            }
        });
        let outcome = tokio::time::timeout(Duration::from_secs(10), outcome).await.expect("it is woken");
        drop(sending);
        let sent = calls.load(Ordering::Relaxed);
        if let Some(response) = outcome {
            let response = response.unwrap();
            assert_eq!((response.status().as_u16(), sent), (200, 3));
            // Two attempts with their bodies, readiness and waits.
            assert!(polls > 10, "{polls}");
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(calls.load(Ordering::Relaxed), sent);
        // This one and the service's.
        assert_eq!(Arc::strong_count(&live), 2, "after {polls} polls");
        // And the service goes on.
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let response = service.call(get()).await.unwrap();
        assert!(response.body().frames > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_over_before_the_next_one_waits() {
    // The body of the first response, and the future of a slow attempt, hold what the next attempt needs.
    let held = Arc::new(AtomicUsize::new(0));
    struct Hold(Arc<AtomicUsize>);
    impl Drop for Hold {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let counter = Arc::clone(&held);
    let service = service_fn(move |_: Request<Body>| {
        assert_eq!(counter.fetch_add(1, Ordering::Relaxed), 0);
        let hold = Hold(Arc::clone(&counter));
        async move {
            tokio::time::sleep(Duration::from_secs(9)).await;
            drop(hold);
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    let mut service = thrice().attempt_timeout(Duration::from_secs(1)).layer(service);
    assert!(service.call(get()).await.is_err());
    assert_eq!(held.load(Ordering::Relaxed), 0);
}

#[test]
fn a_dropped_future_needs_no_runtime() {
    let service = service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let mut client = thrice().layer(service);
    let mut sending = Box::pin(client.call(get()));
    assert!(sending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(get().body().is_end_stream());
}
