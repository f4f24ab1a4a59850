//! Connections: which are kept, which are used.

use std::time::Duration;

use treq::Kind;
use treq::pool::PoolLayer;
use treq_parity::{EMPTY, End, Step, World, client_with};

use crate::support::{answered, field, send, settle, silent, text};

const TWO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Opens so many connections to one host and leaves them idle.
async fn idle(world: &World, client: &treq::Client, connections: usize) {
    let all = (0..connections).map(|_| tokio::spawn(client.get("http://example.com/").into_future()));
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap().content().await.unwrap();
    }
    assert_eq!(world.connections().len(), connections);
}

use std::future::IntoFuture;

#[tokio::test(start_paused = true)]
async fn parity_c_pool_01_two_are_kept_for_240_seconds_and_a_dead_one_is_replaced() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 3).await;
    settle().await;
    assert_eq!(client.pool().unwrap().stats().idle, 2);
    tokio::time::sleep(Duration::from_secs(238)).await;
    assert_eq!(client.pool().unwrap().stats().idle, 2);
    tokio::time::sleep(Duration::from_secs(3)).await;
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.connections().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_02_the_second_request_goes_over_the_first_connection() {
    let (world, client) = answered(&[TWO, TWO]);
    for _ in 0..2 {
        client.get("http://example.com/").await.unwrap().content().await.unwrap();
    }
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_04_idle_ones_are_limited_and_all_of_them_can_be() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 4).await;
    settle().await;
    assert_eq!((client.pool().unwrap().stats().idle, world.connections().len()), (2, 4));
    let world = World::default().otherwise(EMPTY);
    let client = client_with(&world, None, PoolLayer::new().max_per_host(2)).unwrap();
    let all = (0..4).map(|_| tokio::spawn(client.get("http://example.com/").into_future()));
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(world.connections().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_05_the_newest_idle_one_is_used() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 2).await;
    let newest = world.requests().last().unwrap().connection;
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.requests().last().unwrap().connection, newest);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_10_a_dead_one_is_passed_over() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 2).await;
    world.act(2, Step::Close);
    settle().await;
    client.get("http://example.com/").await.unwrap();
    assert_eq!((world.requests().last().unwrap().connection, world.connections().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_11_idle_ones_of_all_hosts_are_closed() {
    let (world, client) = answered(&[]);
    for host in ["http://one.test/", "http://two.test/"] {
        client.get(host).await.unwrap();
    }
    client.pool().unwrap().close_idle();
    settle().await;
    assert_eq!((world.end(1), world.end(2)), (Some(End::Client), Some(End::Client)));
    assert_eq!(client.pool().unwrap().stats().idle, 0);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_12_a_closed_pool_takes_nothing_back() {
    let (world, client) = silent();
    let flying = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    client.pool().unwrap().close();
    world.act(1, send(TWO));
    assert_eq!(flying.await.unwrap().unwrap().content().await.unwrap(), "ok");
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_24_a_fresh_connection_is_not_tried_again() {
    let world = World::new([Step::Close]).otherwise(EMPTY);
    let client = treq_parity::client(&world, None).unwrap();
    let error = client.get("http://example.com/").await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Protocol | Kind::Connect), "{error}");
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_25_there_are_two_attempts_at_most() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 1).await;
    world.then([Step::Close, Step::Close]);
    client.get("http://example.com/").await.unwrap_err();
    assert_eq!((world.requests().len(), world.connections().len()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_26_the_second_attempt_can_be_switched_off() {
    let world = World::default().otherwise(EMPTY);
    let client = treq::Client::builder().resend(false).connector(world.connector()).build().unwrap();
    idle(&world, &client, 1).await;
    world.then([Step::Close]);
    let error = client.get("http://example.com/").await.unwrap_err();
    assert_eq!((world.requests().len(), world.connections().len()), (2, 1), "{error}");
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.connections().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parity_pool_13_the_second_attempt_is_made_unless_switched_off() {
    for on in [true, false] {
        let world = World::default().otherwise(EMPTY);
        let client = treq::Client::builder().resend(on).connector(world.connector()).build().unwrap();
        idle(&world, &client, 1).await;
        world.then([Step::Close]);
        assert_eq!(client.get("http://example.com/").await.is_ok(), on);
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_28_the_second_attempt_is_on_a_new_connection() {
    // An idle one would do that was made after the one that was dead; here there is none.
    let (world, client) = answered(&[]);
    idle(&world, &client, 1).await;
    world.then([Step::Close]);
    client.get("http://example.com/").await.unwrap();
    assert_eq!((world.connections().len(), world.requests().last().unwrap().connection), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_29_none_are_kept_where_none_shall_be() {
    let world = World::default().otherwise(EMPTY);
    let client = treq::Client::builder().pool_layer(PoolLayer::new().idle_per_host(0)).connector(world.connector());
    let client = client.build().unwrap();
    client.get("http://example.com/").await.unwrap();
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_31_a_request_can_have_a_connection_of_its_own() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").persistent(false).await.unwrap();
    settle().await;
    assert_eq!(field(&world.requests()[0], "connection").as_deref(), Some("close"), "{}", text(&world.requests()[0]));
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_32_a_connection_in_the_middle_of_a_body_is_not_kept() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]);
    drop(client.get("http://example.com/").await.unwrap());
    settle().await;
    assert_eq!((world.end(1), client.pool().unwrap().stats().idle), (Some(End::Client), 0));
}

#[tokio::test(start_paused = true)]
async fn parity_c_pool_35_a_body_read_to_its_end_has_given_its_connection_back() {
    let (world, client) = answered(&[TWO]);
    let mut response = client.get("http://example.com/").await.unwrap();
    while response.chunk().await.unwrap().is_some() {}
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_pool_03_without_a_cap_nobody_waits() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 12).await;
}

#[tokio::test(start_paused = true)]
async fn parity_pool_04_the_oldest_idle_one_gives_way() {
    let (world, client) = answered(&[]);
    idle(&world, &client, 3).await;
    settle().await;
    let first = world.requests()[0].connection;
    let ended: Vec<_> = (1..=3).filter(|number| world.end(*number).is_some()).collect();
    assert_eq!(ended, [first]);
}

#[tokio::test(start_paused = true)]
async fn parity_pool_06_the_idle_time_begins_anew_at_each_return() {
    let (world, client) = answered(&[]);
    for _ in 0..3 {
        client.get("http://example.com/").await.unwrap();
        tokio::time::sleep(Duration::from_secs(200)).await;
    }
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_pool_07_a_body_that_has_come_whole_frees_its_connection_once_it_is_read() {
    let (world, client) = answered(&[TWO]);
    let mut first = client.get("http://example.com/").await.unwrap();
    assert_eq!(first.content().await.unwrap(), "ok");
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_pool_09_close_in_any_case_and_http_1_0_are_not_kept() {
    for head in ["HTTP/1.1 200 OK\r\nConnection: Close", "HTTP/1.1 200 OK\r\nConnection: x, close", "HTTP/1.0 200 OK"] {
        let (world, client) = answered(&[&format!("{head}\r\nContent-Length: 0\r\n\r\n")]);
        client.get("http://example.com/").await.unwrap();
        client.get("http://example.com/").await.unwrap();
        assert_eq!(world.connections().len(), 2, "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn parity_pool_17_bytes_on_an_idle_connection_end_it() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").await.unwrap();
    world.act(1, send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_pool_18_a_close_of_an_idle_connection_is_noticed() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").await.unwrap();
    world.act(1, Step::Close);
    settle().await;
    client.put("http://example.com/").await.unwrap();
    assert_eq!((world.requests().len(), world.connections().len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn parity_pool_14_idle_ones_are_closed_and_those_in_use_go_on() {
    let (world, client) = silent();
    let flying = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    client.pool().unwrap().close_idle();
    world.act(1, send(TWO));
    assert_eq!(flying.await.unwrap().unwrap().content().await.unwrap(), "ok");
    assert_eq!(client.pool().unwrap().stats().idle, 1);
}
