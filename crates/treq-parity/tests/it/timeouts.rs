//! Time limits, and giving up.

use std::future::IntoFuture;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use treq::error::Phase;
use treq::{Client, Kind};
use treq_parity::{End, Step, World};

use crate::support::{answered, send, settle, silent};

const SECOND: Duration = Duration::from_secs(1);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_06_one_clock_runs_for_all_redirects() {
    let (world, client) = silent();
    let started = Instant::now();
    let asked = tokio::spawn(client.get("http://example.com/").timeout(3 * SECOND).into_future());
    sleep(2 * SECOND).await;
    world.act(1, send("HTTP/1.1 302 X\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n"));
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(Phase::Total));
    assert!((3 * SECOND..4 * SECOND).contains(&started.elapsed()));
    assert_eq!(world.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_07_none_is_no_limit() {
    let (world, client) = silent();
    let request = client.get("http://example.com/").timeout(None).head_timeout(None);
    let asked = tokio::spawn(request.into_future());
    sleep(3600 * SECOND).await;
    world.act(1, send(OK));
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_08_the_limit_is_what_was_said() {
    let (_world, client) = silent();
    let started = Instant::now();
    client.get("http://example.com/").timeout(2 * SECOND).await.unwrap_err();
    assert!((2 * SECOND..2 * SECOND + Duration::from_millis(5)).contains(&started.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_09_an_answer_in_time_is_an_answer() {
    let (world, client) = silent();
    let asked = tokio::spawn(client.get("http://example.com/").timeout(2 * SECOND).into_future());
    sleep(SECOND).await;
    world.act(1, send(OK));
    let mut response = asked.await.unwrap().unwrap();
    assert_eq!(response.content().await.unwrap(), "");
    sleep(10 * SECOND).await;
    assert_eq!(client.pool().unwrap().stats().idle, 1);
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_16_a_late_answer_is_an_error() {
    let (world, client) = silent();
    let asked = tokio::spawn(client.get("http://example.com/").timeout(SECOND).into_future());
    sleep(2 * SECOND).await;
    world.act(1, send(OK));
    assert!(asked.await.unwrap().unwrap_err().is_timeout());
}

/// A connector that never connects, and tells when nobody waits any more.
#[derive(Clone)]
struct Never(std::sync::Arc<()>);

impl tower_service::Service<treq::connect::Target> for Never {
    type Response = treq::connect::Connected<treq_parity::Wire>;
    type Error = treq::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, treq::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), treq::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: treq::connect::Target) -> Self::Future {
        let held = std::sync::Arc::clone(&self.0);
        Box::pin(async move {
            let _held = held;
            std::future::pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_10_connecting_has_a_limit_of_its_own() {
    let client = Client::builder().connect_timeout(5 * SECOND).connector(Never(Default::default())).build().unwrap();
    let started = Instant::now();
    for url in ["http://example.com/", "https://example.com/"] {
        assert_eq!(client.get(url).await.unwrap_err().kind(), Kind::Timeout(Phase::Connect), "{url}");
    }
    assert!((10 * SECOND..11 * SECOND).contains(&started.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_33_who_gives_up_ends_the_connecting() {
    let held = std::sync::Arc::new(());
    let client = Client::builder().connector(Never(held.clone())).build().unwrap();
    let before = std::sync::Arc::strong_count(&held);
    let asked = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    assert!(std::sync::Arc::strong_count(&held) > before);
    asked.abort();
    settle().await;
    assert_eq!(std::sync::Arc::strong_count(&held), before);
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_13_giving_up_closes_the_connection() {
    let (world, client) = silent();
    let asked = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    asked.abort();
    asked.abort();
    settle().await;
    assert_eq!((world.end(1), client.pool().unwrap().stats().open), (Some(End::Client), 0));
}

#[tokio::test(start_paused = true)]
async fn parity_tmo_04_what_is_given_up_is_neither_kept_nor_sent_again() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").await.unwrap();
    world.then([send("HTTP/1.1 100 Continue\r\n\r\n")]);
    let asked = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    asked.abort();
    settle().await;
    assert_eq!((world.end(1), world.connections().len(), world.requests().len()), (Some(End::Client), 1, 2));
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_14_a_busy_connection_is_left_alone() {
    let (world, client) = silent();
    let first = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    let second = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    assert_eq!(world.requests().iter().map(|request| request.connection).collect::<Vec<_>>(), [1, 2]);
    first.abort();
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn parity_c_tmo_15_a_dead_connection_is_not_used() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").await.unwrap();
    world.act(1, Step::Close);
    settle().await;
    client.post("http://example.com/").body("x").await.unwrap();
    assert_eq!(world.requests().last().unwrap().connection, 2);
}

#[tokio::test(start_paused = true)]
async fn parity_tmo_01_fractions_of_a_second_are_limits() {
    let (_world, client) = silent();
    let started = Instant::now();
    client.get("http://example.com/").timeout(Duration::from_millis(250)).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_millis(260));
}

#[tokio::test(start_paused = true)]
async fn parity_red_20_one_limit_covers_the_chain() {
    let hop = "HTTP/1.1 302 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    let world = World::new(vec![send(hop); 3]);
    let client = treq_parity::client(&world, None).unwrap();
    let started = Instant::now();
    client.get("http://example.com/").timeout(SECOND).await.unwrap_err();
    assert!(started.elapsed() < 2 * SECOND);
    assert_eq!(world.requests().len(), 4);
}
