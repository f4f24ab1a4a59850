//! The default client lives as long as its runtime.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use treq::Kind;
use treq_httpbin::Server;

#[test]
fn three_hundred_runtimes_leave_nothing_behind() {
    let outer = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = outer.block_on(Server::start()).unwrap();
    let url = server.url("/get");
    for n in 0..300 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let reused = runtime.block_on(async {
            treq::get(&url).await.unwrap().content().await.unwrap();
            let mut second = treq::get(&url).await.unwrap();
            second.content().await.unwrap();
            second.facts().unwrap().is_reused()
        });
        assert!(reused, "runtime {n}");
        let metrics = runtime.handle().metrics();
        drop(runtime);
        assert_eq!(metrics.num_alive_tasks(), 0, "runtime {n}");
    }
    outer.block_on(server.wait_for_open(0));
    assert_eq!(server.connections().accepted, 300);
}

/// Polls once, outside of any runtime.
fn refused(request: impl IntoFuture<Output = Result<treq::Response, treq::Error>>) {
    match pin!(request.into_future()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => {
            assert_eq!(error.kind(), Kind::Other);
            assert!(error.to_string().contains("tokio runtime"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn outside_of_a_runtime_the_error_says_so() {
    refused(treq::get("http://127.0.0.1:9/"));
    refused(treq::Client::new().get("http://127.0.0.1:9/"));
}

/// Its connection is driven elsewhere, but limits have no clock here.
#[test]
fn a_warm_client_outside_of_a_runtime_says_so_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::start()).unwrap();
    let client = treq::Client::new();
    runtime.block_on(async { client.get(server.url("/get")).await.unwrap().content().await.unwrap() });
    let kept = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        client.pool().unwrap().stats().idle > 0
    });
    assert!(kept, "its connection was not kept");
    refused(client.get(server.url("/delay/5")));
    runtime.block_on(async { client.get(server.url("/get")).await.unwrap().content().await.unwrap() });
}

#[test]
fn one_whose_connection_lost_its_runtime_says_so() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let server = second.block_on(Server::start()).unwrap();
    let client = treq::Client::new();
    first.block_on(async { client.get(server.url("/get")).await.unwrap().content().await.unwrap() });
    let request = client.post(server.url("/delay/5"));
    let waiting = second.spawn(async move { request.await });
    // It is under way, on a connection of the first.
    while client.pool().unwrap().stats().idle > 0 {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    first.shutdown_background();
    let error = second.block_on(waiting).unwrap().unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Cancelled, treq::error::Resend::MaybeProcessed), "{error:?}");
    assert!(error.to_string().contains("runtime"), "{error}");
    // Another connection is made on this one.
    second.block_on(async { client.get(server.url("/get")).await.unwrap().content().await.unwrap() });
}
