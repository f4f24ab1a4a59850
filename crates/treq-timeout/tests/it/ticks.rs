use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::{Builder, Handle, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};
use treq_core::{Body, Error, Kind, Phase};
use treq_timeout::{TimeoutBody, TimeoutLayer};

type Answer = Response<TimeoutBody<Body>>;

fn service(wait: Duration, limit: Duration) -> impl Service<Request<Body>, Response = Answer, Error = Error> + Clone {
    TimeoutLayer::new().head(limit).layer(service_fn(move |_: Request<Body>| async move {
        tokio::time::sleep(wait).await;
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }))
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn no_task_stays_behind_once_the_service_is_gone() {
    paused().block_on(async {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let service = service(Duration::from_secs(1), Duration::from_secs(60));
        service.clone().oneshot(Request::new(Body::empty())).await.unwrap();
        // It ends by itself when nobody waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(tasks(), 0);
        service.clone().oneshot(Request::new(Body::empty())).await.unwrap();
        drop(service);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(tasks(), 0);
    });
}

#[test]
fn a_service_keeps_time_on_every_runtime_that_it_is_used_on() {
    let service = service(Duration::from_secs(600), Duration::from_secs(5));
    let call = || service.clone().oneshot(Request::new(Body::empty()));
    let (one, other) = (paused(), paused());
    // Left without anybody who drives it, its tick with it.
    one.block_on(async {
        let mut call = pin!(call());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let error = other.block_on(call()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(Phase::Head));
    drop(other);
    assert!(one.block_on(call()).is_err());
    drop(one);
    assert!(paused().block_on(call()).is_err());
}

#[test]
fn whoever_waits_when_a_runtime_ends_waits_on_elsewhere() {
    let service = service(Duration::from_secs(600), Duration::from_secs(5));
    let mut call = Box::pin(
        TimeoutLayer::new()
            .head(Duration::from_secs(5))
            .layer(service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>()))
            .oneshot(Request::new(Body::empty())),
    );
    let first = paused();
    first.block_on(async { assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()) });
    drop(first);
    let error = paused().block_on(call).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(Phase::Head));
    drop(service);
}

#[test]
fn a_first_wait_on_a_runtime_that_shuts_down_does_not_keep_it_from_ending() {
    let never = |_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>();
    let service = TimeoutLayer::new().layer(service_fn(never));
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..20 {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
            for wait in 0..4 {
                let service = service.clone();
                runtime.spawn(async move {
                    // The worker does not see that the runtime ends before this wait is over.
                    std::thread::sleep(Duration::from_millis(5 + wait));
                    let _ = service.oneshot(Request::new(Body::empty())).await;
                });
            }
            std::thread::sleep(Duration::from_millis(2));
            drop(runtime);
        }
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(20)).expect("a runtime does not end");
}

#[test]
fn a_wait_goes_on_by_the_clock_of_the_runtime_that_looks() {
    let never = |_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>();
    for limit in [Duration::from_secs(5), Duration::from_millis(100)] {
        let (first, second) = (paused(), paused());
        let head = TimeoutLayer::new().head(limit).layer(service_fn(never));
        let total = treq_timeout::DeadlineLayer::new().total(limit).layer(service_fn(never));
        let mut call = Box::pin(head.oneshot(Request::new(Body::empty())));
        let mut total = Box::pin(total.oneshot(Request::new(Body::empty())));
        // It lives on, and nobody drives it any more.
        first.block_on(async {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(call.as_mut().poll(&mut cx).is_pending() && total.as_mut().poll(&mut cx).is_pending());
        });
        let ends = second.block_on(async {
            tokio::time::timeout(Duration::from_secs(60), async { (call.await.is_err(), total.await.is_err()) }).await
        });
        assert!(matches!(ends, Ok((true, true))), "{limit:?}: {ends:?}");
        drop(first);
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_wait_at_once_and_each_has_its_own_end() {
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..5000_u64 {
        let layer = TimeoutLayer::new().head(Duration::from_millis(1000 + n));
        let service =
            layer.layer(service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>()));
        calls.spawn(async move {
            let begun = tokio::time::Instant::now();
            assert!(service.oneshot(Request::new(Body::empty())).await.is_err());
            assert_eq!(begun.elapsed().as_millis() as u64, 1000 + n);
        });
    }
    calls.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn those_who_are_dropped_while_they_wait_leave_their_place() {
    let service = service(Duration::from_secs(600), Duration::from_secs(60));
    for round in 0..200 {
        let call = service.clone().oneshot(Request::new(Body::empty()));
        let given_up = tokio::time::timeout(Duration::from_millis(round), call).await;
        assert!(given_up.is_err());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}
