//! The default client lives as long as its runtime.

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
    assert_eq!(treq::default_clients(), 0);
}

#[test]
fn outside_of_a_runtime_the_error_says_so() {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut pending = std::pin::pin!(std::future::IntoFuture::into_future(treq::get("http://127.0.0.1:9/")));
    match std::future::Future::poll(pending.as_mut(), &mut cx) {
        std::task::Poll::Ready(Err(error)) => {
            assert_eq!(error.kind(), Kind::Other);
            assert!(error.to_string().contains("tokio runtime"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
