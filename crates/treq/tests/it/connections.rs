//! How many connections there are, and who gets them.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tokio::task::JoinSet;
use treq::error::Phase;
use treq::options::HttpVersion;
use treq::pool::PoolLayer;
use treq::{Body, Client, Kind};
use treq_httpbin::Server;
use treq_testing::{MemoryServer, Random, RawServer, Step};

/// Answers with the path after `delay`.
fn echo(delay: Duration) -> MemoryServer {
    MemoryServer::new(tower::service_fn(move |request: Request<Body>| async move {
        tokio::time::sleep(delay).await;
        Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
    }))
}

#[tokio::test]
async fn a_thousand_sequential_requests_use_one_connection() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    for n in 0..1000 {
        let mut response = client.get(server.url("/bytes/13")).await.unwrap();
        assert_eq!(response.facts().unwrap().is_reused(), n > 0);
        assert_eq!(response.content().await.unwrap().len(), 13);
    }
    assert_eq!(server.connections().accepted, 1);
    let stats = client.pool().unwrap().stats();
    assert_eq!((stats.open, stats.idle, stats.made), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sequential_requests_use_one_connection_on_several_threads() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    for _ in 0..1000 {
        client.get(server.url("/bytes/13")).await.unwrap().content().await.unwrap();
    }
    assert_eq!(server.connections().accepted, 1);
}

async fn at_once(client: &Client, url: &str, count: usize) {
    let mut requests = JoinSet::new();
    for n in 0..count {
        let request = client.get(url).params([("n", n)]);
        requests.spawn(async move { request.await?.content().await });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap().unwrap();
    }
}

#[tokio::test]
async fn sixty_four_concurrent_requests_use_at_most_as_many_connections() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().pool_layer(PoolLayer::new().idle_per_host(64)).build().unwrap();
    for _ in 0..3 {
        at_once(&client, &server.url("/get"), 64).await;
    }
    assert!(server.connections().accepted <= 64, "{:?}", server.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_and_everyone_is_served() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().pool_layer(PoolLayer::new().max_per_host(4)).build().unwrap();
    at_once(&client, &server.url("/get"), 64).await;
    assert!(server.connections().accepted <= 4, "{:?}", server.connections());
    assert_eq!(client.pool().unwrap().stats().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_first_come_first_served() {
    let server = echo(Duration::from_millis(10));
    let client =
        Client::builder().connector(server.connector()).pool_layer(PoolLayer::new().max_per_host(1)).build().unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let request = client.get(format!("http://a.test/{n}"));
        let order = Arc::clone(&order);
        requests.spawn(async move {
            request.await.unwrap().content().await.unwrap();
            order.lock().unwrap().push(n);
        });
        tokio::task::yield_now().await;
    }
    requests.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_a_timeout_of_its_own_phase() {
    let server = echo(Duration::from_secs(30));
    let pool = PoolLayer::new().max_per_host(1).wait(Duration::from_secs(3));
    let client = Client::builder().connector(server.connector()).pool_layer(pool).build().unwrap();
    let first = tokio::spawn(std::future::IntoFuture::into_future(client.get("http://a.test/1")));
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    let error = client.get("http://a.test/2").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout(Phase::Wait));
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert!(error.to_string().contains("3s"), "{error}");
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cap_on_the_total_closes_an_idle_connection_of_another_host() {
    let server = echo(Duration::ZERO);
    let client =
        Client::builder().connector(server.connector()).pool_layer(PoolLayer::new().max_total(2)).build().unwrap();
    for host in ["a", "b", "c", "d"] {
        client.get(format!("http://{host}.test/")).await.unwrap().content().await.unwrap();
        assert!(client.pool().unwrap().stats().open <= 2);
    }
    assert_eq!(server.connections(), 4);
    // A request that waits for the total is served when another host's exchange ends.
    let slow = echo(Duration::from_secs(1));
    let client =
        Client::builder().connector(slow.connector()).pool_layer(PoolLayer::new().max_total(1)).build().unwrap();
    let exchange = async |url: &str| client.get(url).await?.content().await;
    let (a, b, c) = tokio::join!(exchange("http://a.test/"), exchange("http://b.test/"), exchange("http://a.test/2"));
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_time() {
    let server = echo(Duration::ZERO);
    let client = Client::builder().connector(server.connector()).build().unwrap();
    client.get("http://a.test/").await.unwrap().content().await.unwrap();
    tokio::time::sleep(Duration::from_secs(89)).await;
    assert_eq!(client.pool().unwrap().stats().idle, 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.pool().unwrap().stats().open, 0);
    server.wait_closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_keep_alive_hint_shortens_the_idle_time() {
    let answer = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(answer), Step::Again])
        .repeat_last()
        .start_in_memory();
    let client = Client::builder().connector(server.connector()).build().unwrap();
    for _ in 0..2 {
        client.get("http://a.test/").await.unwrap().content().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(client.pool().unwrap().stats().open, 0);
    client.get("http://a.test/").await.unwrap().content().await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn limits_on_idle_connections_close_the_oldest() {
    let server = echo(Duration::from_millis(1));
    let pool = PoolLayer::new().idle_per_host(2).idle_total(3);
    let client = Client::builder().connector(server.connector()).pool_layer(pool).build().unwrap();
    at_once(&client, "http://a.test/", 8).await;
    assert_eq!(client.pool().unwrap().stats().open, 2);
    at_once(&client, "http://b.test/", 8).await;
    let stats = client.pool().unwrap().stats();
    assert_eq!((stats.open, stats.idle), (3, 3));
    client.pool().unwrap().close_idle();
    assert_eq!(client.pool().unwrap().stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_past_its_age_takes_no_further_request() {
    let server = echo(Duration::from_secs(4));
    let pool = PoolLayer::new().max_age(Duration::from_secs(10));
    let client = Client::builder().connector(server.connector()).pool_layer(pool).build().unwrap();
    for _ in 0..6 {
        client.get("http://a.test/").await.unwrap().content().await.unwrap();
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn connections_are_not_kept_when_the_pool_is_told_so() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().pool_layer(PoolLayer::new().idle_per_host(0)).build().unwrap();
    for _ in 0..3 {
        let text = client.get(server.url("/headers")).await.unwrap().text().await.unwrap();
        assert!(text.contains("\"Connection\": \"close\""), "{text}");
    }
    assert_eq!(server.connections().accepted, 3);
    server.wait_for_open(0).await;
}

#[tokio::test(start_paused = true)]
async fn sixty_four_first_requests_over_http2_share_one_connection() {
    let server = echo(Duration::from_millis(5)).connect_delay(Duration::from_millis(50));
    let client = Client::builder().connector(server.connector()).http_version(HttpVersion::Http2).build().unwrap();
    at_once(&client, "http://a.test/", 64).await;
    assert_eq!(server.connections(), 1);
    let stats = client.pool().unwrap().stats();
    assert_eq!((stats.open, stats.idle, stats.waiting), (1, 1, 0));
    tokio::time::sleep(Duration::from_secs(91)).await;
    assert_eq!(client.pool().unwrap().stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_waited_for_where_no_cap_is_set() {
    let server = echo(Duration::ZERO).connect_delay(Duration::from_secs(30));
    let patient = Client::builder().connector(server.connector()).connect_timeout(None);
    let client = patient.http_version(HttpVersion::Http2).build().unwrap();
    let (a, b) = tokio::join!(client.get("http://a.test/a"), client.get("http://a.test/b"));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_handshake_outlive_the_one_who_made_it() {
    let server = echo(Duration::ZERO).connect_delay(Duration::from_millis(50));
    let client = Client::builder().connector(server.connector()).http_version(HttpVersion::Http2).build().unwrap();
    let leader = tokio::spawn(std::future::IntoFuture::into_future(client.get("http://a.test/leader")));
    tokio::task::yield_now().await;
    let mut followers = JoinSet::new();
    for n in 0..8 {
        followers.spawn(std::future::IntoFuture::into_future(client.get(format!("http://a.test/{n}"))));
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    leader.abort();
    while let Some(done) = followers.join_next().await {
        assert!(done.unwrap().is_ok());
    }
    assert!(server.connections() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_handshake_fails_nobody_else_by_turns() {
    let server = echo(Duration::ZERO).connect_delay(Duration::from_secs(5));
    server.refuse_next(1);
    let client = Client::builder().connector(server.connector()).http_version(HttpVersion::Http2).build().unwrap();
    let begun = tokio::time::Instant::now();
    let mut requests = JoinSet::new();
    for n in 0..8 {
        requests.spawn(std::future::IntoFuture::into_future(client.get(format!("http://a.test/{n}"))));
    }
    let failed = requests.join_all().await.into_iter().filter(Result::is_err).count();
    assert_eq!(failed, 1);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Requests dropped at random points leave neither connections in use nor tasks behind.
async fn half_dropped(http: HttpVersion) {
    let server = Arc::new(echo(Duration::from_millis(2)));
    let pool = PoolLayer::new().max_per_host(16).wait(None);
    let client = Client::builder().connector(server.connector()).pool_layer(pool).http_version(http).build().unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut random = Random::new(0);
    for _ in 0..100 {
        let mut requests = JoinSet::new();
        for n in 0..100_u64 {
            let (client, dropped) = (client.clone(), Arc::clone(&dropped));
            let (drops, after) = (random.one_in(2), Duration::from_micros(random.below(5000) as u64));
            requests.spawn(async move {
                let exchange = async { client.get(format!("http://a.test/{n}")).await?.content().await };
                if drops {
                    match tokio::time::timeout(after, exchange).await {
                        Ok(done) => assert!(done.is_ok()),
                        Err(_) => _ = dropped.fetch_add(1, Ordering::Relaxed),
                    }
                } else {
                    assert_eq!(exchange.await.unwrap(), format!("/{n}"));
                }
            });
        }
        while let Some(done) = requests.join_next().await {
            done.unwrap();
        }
    }
    assert!(dropped.load(Ordering::Relaxed) > 1000, "{dropped:?}");
    let stats = client.pool().unwrap().stats();
    assert_eq!((stats.open, stats.waiting, stats.connecting), (stats.idle, 0, 0), "{stats:?}");
    // No task but the server's accepting ones, the pool's one and those that drive idle connections.
    client.pool().unwrap().close_idle();
    drop(client);
    server.wait_closed().await;
    drop(server);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_half_of_them_dropped_leave_nothing_behind() {
    half_dropped(HttpVersion::Http1).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_over_http2_half_of_them_dropped_leave_nothing_behind() {
    half_dropped(HttpVersion::Http2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_requests_over_sockets_leave_open_what_is_idle() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().pool_layer(PoolLayer::new().max_per_host(8)).build().unwrap();
    let mut requests = JoinSet::new();
    for n in 0..2000_u64 {
        let request = client.get(server.url("/bytes/20000"));
        requests.spawn(async move {
            let wait = Duration::from_micros(n * 37 % 3000);
            let _ = tokio::time::timeout(wait, async { request.await?.content().await }).await;
        });
    }
    requests.join_all().await;
    let stats = client.pool().unwrap().stats();
    assert_eq!((stats.open, stats.waiting), (stats.idle, 0), "{stats:?}");
    server.wait_for_open(stats.open).await;
}

#[tokio::test]
async fn a_body_left_unread_is_drained_where_it_is_small_and_there() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    for _ in 0..5 {
        let response = client.get(server.url("/bytes/1000")).await.unwrap();
        drop(response);
    }
    assert!(server.connections().accepted <= 5);
    drop(client.get(server.url("/zeros/100000000")).await.unwrap());
    // The large one was closed at once.
    assert_eq!(client.pool().unwrap().stats().in_use(), 0);
}

#[tokio::test]
async fn a_post_is_not_repeated_on_a_dead_connection_and_a_get_is() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (method, survives) in [("GET", true), ("PUT", true), ("POST", false)] {
        // The first connection reads the second request and closes without a word.
        let server = RawServer::builder()
            .connection([Step::ReadRequest, Step::send(ok), Step::ReadRequest, Step::Close])
            .connection([Step::ReadRequest, Step::send(ok)])
            .start()
            .await;
        let client = Client::new();
        client.get(server.url("/warm")).await.unwrap().content().await.unwrap();
        let sent = client.request(method, server.url("/again")).body("body").await;
        assert_eq!(sent.is_ok(), survives, "{method}: {sent:?}");
        let bodies: Vec<_> = server.requests().iter().skip(1).map(|request| request.body.clone()).collect();
        assert_eq!(bodies, vec!["body"; if survives { 2 } else { 1 }], "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_get_on_a_dead_http2_connection_is_repeated() {
    let server = echo(Duration::ZERO);
    let client = Client::builder().connector(server.connector()).http_version(HttpVersion::Http2).build().unwrap();
    client.get("http://a.test/warm").await.unwrap().content().await.unwrap();
    // The client has no occasion to see that the connection is gone.
    server.disconnect();
    assert_eq!(client.get("http://a.test/again").await.unwrap().text().await.unwrap(), "/again");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_request_whose_answer_has_begun_is_not_repeated() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(ok), Step::ReadRequest, Step::send("HTTP/1.1 20"), Step::Close])
        .connection([Step::ReadRequest, Step::send(ok)])
        .start()
        .await;
    let client = Client::new();
    client.get(server.url("/warm")).await.unwrap().content().await.unwrap();
    let error = client.get(server.url("/cut")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_one_shot_body_is_not_repeated() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(ok), Step::ReadRequest, Step::Close])
        .connection([Step::ReadRequest, Step::send(ok)])
        .start()
        .await;
    let client = Client::new();
    client.get(server.url("/warm")).await.unwrap().content().await.unwrap();
    let body = Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"once")));
    assert!(client.put(server.url("/again")).body(body).await.is_err());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_pool_that_was_closed_keeps_nothing() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let client = Client::new();
    let pool = client.pool().unwrap();
    let mut reading = client.get(server.url("/bytes/100000")).await.unwrap();
    client.get(server.url("/get")).await.unwrap().content().await.unwrap();
    pool.close();
    assert_eq!((pool.stats().idle, pool.stats().open), (0, 1));
    assert_eq!(reading.content().await.unwrap().len(), 100_000);
    assert_eq!(pool.stats().open, 0);
    assert!(client.get(server.url("/get")).await.unwrap().json::<serde_json::Value>().await.is_ok());
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test]
async fn the_default_client_can_be_another() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let own = Client::builder().header("x-own", "1").build().unwrap();
    let before = treq::set_default_client(own).unwrap();
    let mut response = treq::get(server.url("/headers")).await.unwrap();
    assert!(response.text().await.unwrap().contains("X-Own"));
    assert_eq!(
        (treq::default_client().unwrap().pool().unwrap().stats().open, before.pool().unwrap().stats().open),
        (1, 0)
    );
}
