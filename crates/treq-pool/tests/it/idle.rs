//! What is kept, for how long, and what goes first.

use std::sync::atomic::Ordering::SeqCst;

use tokio::time::{Instant, advance, sleep};
use treq_pool::PoolLayer;

use crate::fake::{FakePool, ask, figures, get, now, pool, secs, spoil};

/// So many connections of one host, given back in the order in which they were made.
async fn leave_idle(pool: &FakePool, host: &str, count: usize) {
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(get(pool, host).await);
    }
    held.into_iter().for_each(drop);
}

#[tokio::test(start_paused = true)]
async fn the_limit_per_host_closes_the_one_idle_the_longest() {
    for (limit, kept) in [(0, 0), (1, 1), (2, 2), (3, 3), (9, 5)] {
        let (pool, world) = pool(PoolLayer::new().idle_per_host(limit));
        leave_idle(&pool, "a", 5).await;
        assert_eq!(figures(&pool), (kept, kept, 0, 0, usize::from(kept > 0)), "limit {limit}");
        let alive: Vec<_> = (0..5).filter(|&number| !world.made(number).is_dropped()).collect();
        assert_eq!(alive, (5 - kept..5).collect::<Vec<_>>(), "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_in_total_closes_the_one_idle_the_longest_whatever_its_host() {
    let (pool, world) = pool(PoolLayer::new().idle_total(3));
    for host in ["a", "b", "c", "d", "e"] {
        leave_idle(&pool, host, 1).await;
    }
    assert_eq!(figures(&pool), (3, 3, 0, 0, 3));
    // The one of `c` is used again, so that of `d` is now the oldest.
    drop(get(&pool, "c").await);
    leave_idle(&pool, "f", 1).await;
    let alive: Vec<_> = (0..6).filter(|&number| !world.made(number).is_dropped()).collect();
    assert_eq!(alive, [2, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_is_used_first() {
    let (pool, world) = pool(PoolLayer::new());
    leave_idle(&pool, "a", 3).await;
    world.made(2).close();
    let first = get(&pool, "a").await;
    // The newest was dead: it is closed, the next newest serves.
    assert!(world.made(2).is_dropped());
    world.made(1).set_ready(false);
    assert!(!treq_core::Connection::is_ready(&first));
    assert_eq!((figures(&pool), world.attempts()), ((2, 1, 0, 0, 1), 3));
}

#[tokio::test(start_paused = true)]
async fn the_idle_time_is_kept_to_the_second_whoever_looks() {
    let (pool, world) = pool(PoolLayer::new().idle_time(secs(10)));
    drop(get(&pool, "a").await);
    sleep(secs(9)).await;
    assert_eq!(world.alive(), 1);
    // Nobody asks: the connection goes all the same.
    sleep(secs(2)).await;
    assert_eq!(world.alive(), 0);
    drop(get(&pool, "a").await);
    // Somebody asks before the task that closes has run.
    advance(secs(10)).await;
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).unwrap().is_ok());
    assert_eq!(world.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_hint_of_the_server_shortens_the_time_and_never_lengthens_it() {
    for (hint, lives) in [(0, 0), (4, 4), (3600, 10)] {
        let (pool, world) = pool(PoolLayer::new().idle_time(secs(10)));
        let pooled = get(&pool, "a").await;
        *world.made(0).hint.lock().unwrap() = Some(secs(hint));
        let begun = Instant::now();
        drop(pooled);
        while world.alive() > 0 {
            sleep(secs(1)).await;
        }
        assert!((lives..=lives + 1).contains(&begun.elapsed().as_secs()), "hint {hint}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_while_idle_is_not_counted_and_not_used() {
    let (pool, world) = pool(PoolLayer::new());
    leave_idle(&pool, "a", 2).await;
    world.made(0).close();
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
    assert!(world.made(0).is_dropped());
    world.made(1).close();
    drop(get(&pool, "a").await);
    assert_eq!((figures(&pool), world.attempts()), ((1, 1, 0, 0, 1), 3));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_closed_when_it_is_given_back_is_not_kept() {
    let (pool, world) = pool(PoolLayer::new());
    let pooled = get(&pool, "a").await;
    world.made(0).close();
    drop(pooled);
    spoil(get(&pool, "a").await);
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_ready_yet_is_waited_for_and_one_that_dies_meanwhile_is_replaced() {
    let (pool, world) = pool(PoolLayer::new());
    let pooled = get(&pool, "a").await;
    world.made(0).set_ready(false);
    drop(pooled);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    assert_eq!(figures(&pool), (1, 0, 0, 0, 1));
    world.made(0).set_ready(true);
    drop(now(&mut next).unwrap().unwrap());
    assert_eq!(world.attempts(), 1);

    world.made(0).set_ready(false);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    world.made(0).close();
    assert!(now(&mut next).unwrap().is_ok());
    assert_eq!((world.attempts(), world.alive()), (2, 1));

    // Given up while it waits, the connection stays.
    world.made(1).set_ready(false);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    drop(next);
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn close_idle_leaves_those_in_use() {
    for shares in [0, 8] {
        let (pool, world) = pool(PoolLayer::new());
        world.shares.store(shares, SeqCst);
        let used = get(&pool, "a").await;
        leave_idle(&pool, "b", 1).await;
        pool.close_idle();
        assert_eq!((figures(&pool), world.alive()), ((1, 0, 0, 0, 1), 1), "{shares} shares");
        drop(used);
        assert_eq!(figures(&pool), (1, 1, 0, 0, 1), "{shares} shares");
        pool.close_idle();
        assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0), "{shares} shares");
    }
}

#[tokio::test(start_paused = true)]
async fn one_past_its_age_serves_nobody_else() {
    for shares in [0, 8] {
        let (pool, world) = pool(PoolLayer::new().max_age(secs(10)));
        world.shares.store(shares, SeqCst);
        let used = get(&pool, "a").await;
        advance(secs(9)).await;
        drop(used);
        let used = get(&pool, "a").await;
        assert_eq!(world.attempts(), 1, "{shares} shares");
        advance(secs(1)).await;
        // Not kept when given back, and not shared while in use.
        let other = get(&pool, "a").await;
        assert_eq!(world.attempts(), 2, "{shares} shares");
        drop((used, other));
        assert_eq!((figures(&pool), world.made(0).is_dropped()), ((1, 1, 0, 0, 1), true), "{shares} shares");
        // Nor taken when it has grown too old while idle.
        advance(secs(11)).await;
        drop(get(&pool, "a").await);
        assert_eq!(world.attempts(), 3, "{shares} shares");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_hosts_come_and_go() {
    let (pool, world) = pool(PoolLayer::new().idle_total(100));
    for host in 0..10_000 {
        drop(get(&pool, &format!("h{host}")).await);
    }
    assert_eq!(figures(&pool), (100, 100, 0, 0, 100));
    sleep(secs(300)).await;
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
    // All the same in use at once, then all closed by their peers.
    let mut held = Vec::new();
    for host in 0..1_000 {
        held.push(get(&pool, &format!("h{host}")).await);
    }
    assert_eq!(figures(&pool), (1_000, 0, 0, 0, 1_000));
    drop(held);
    (10_000..11_000).for_each(|number| world.made(number).close());
    assert_eq!(figures(&pool), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_goes_takes_its_idle_connections_and_its_task_along() {
    let (pool, world) = pool(PoolLayer::new());
    leave_idle(&pool, "a", 3).await;
    let clone = pool.clone();
    drop(pool);
    // Clones share the connections.
    let used = get(&clone, "a").await;
    assert_eq!((world.attempts(), world.alive()), (3, 3));
    drop(clone);
    drop(used);
    assert_eq!(world.alive(), 0);
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
