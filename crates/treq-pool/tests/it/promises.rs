//! Promises that are easily broken at the edges.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake};
use std::time::Duration;

use tokio::time::{advance, sleep};
use treq_pool::PoolLayer;

use crate::fake::{World, ask, figures, get, now, pool, secs, spoil, target};

#[tokio::test(start_paused = true)]
async fn a_host_does_not_overtake_another_that_has_waited_longer_for_the_total() {
    for spoiled in [false, true] {
        let (pool, _world) = pool(PoolLayer::new().max_total(1));
        let mut held = get(&pool, "a").await;
        let mut first = ask(&pool, "b");
        assert!(now(&mut first).is_none());
        // Others come later, and always to the host that has the place.
        for turn in 0..5 {
            let mut later = ask(&pool, "a");
            assert!(now(&mut later).is_none());
            advance(Duration::from_millis(100)).await;
            if spoiled {
                spoil(held)
            } else {
                drop(held)
            }
            assert!(now(&mut later).is_none(), "turn {turn} overtakes, spoiled: {spoiled}");
            held = now(&mut first).unwrap().unwrap();
            first = later;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_that_compete_for_the_total_reuse_their_connections() {
    const HOSTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let (pool, world) = pool(PoolLayer::new().max_total(12).wait(secs(10)));
    let tasks = (0..40).map(|task| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                let held = get(&pool, HOSTS[task % HOSTS.len()]).await;
                sleep(Duration::from_millis(1)).await;
                drop(held);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(world.attempts() < 100, "{} connections for 4,000 exchanges", world.attempts());
}

#[tokio::test(start_paused = true)]
async fn one_who_asks_for_a_fresh_connection_is_not_handed_a_used_one() {
    let (mut pool, world) = pool(PoolLayer::new());
    let held = get(&pool, "a").await;
    world.by_hand.store(true, SeqCst);
    let mut fresh = target("http://a.test/");
    fresh.reuse = treq_core::Reuse::Never;
    let mut checkout = tower::Service::call(&mut pool, fresh);
    assert!(now(&mut checkout).is_none());
    drop(held);
    assert!(now(&mut checkout).is_none(), "was handed the one that came back");
    assert!(world.succeed(1));
    assert!(now(&mut checkout).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_who_asks_for_a_fresh_connection_has_an_idle_one_of_its_host_closed_where_the_cap_is_reached() {
    let (mut pool, world) = pool(PoolLayer::new().max_per_host(1));
    drop(get(&pool, "a").await);
    let mut fresh = target("http://a.test/");
    fresh.reuse = treq_core::Reuse::Never;
    let mut checkout = tower::Service::call(&mut pool, fresh);
    let held = now(&mut checkout).expect("waits for an idle connection that nobody will ever give back");
    assert_eq!((world.attempts(), world.alive(), held.is_ok()), (2, 1, true));
}

#[tokio::test(start_paused = true)]
async fn a_shared_one_past_its_age_does_not_hide_a_younger_one() {
    let (pool, world) = pool(PoolLayer::new().max_age(secs(10)));
    world.shares.store(8, SeqCst);
    let _old = get(&pool, "a").await;
    advance(secs(11)).await;
    let _held: Vec<_> = [get(&pool, "a").await, get(&pool, "a").await, get(&pool, "a").await].into();
    assert_eq!(world.attempts(), 2, "each request makes a connection of its own");
}

#[tokio::test(start_paused = true)]
async fn a_shared_one_past_its_age_serves_none_of_those_who_wait() {
    let (pool, world) = pool(PoolLayer::new().max_age(secs(10)).max_per_host(1));
    world.shares.store(2, SeqCst);
    let held = [get(&pool, "a").await, get(&pool, "a").await];
    let mut waiters = [ask(&pool, "a"), ask(&pool, "a")];
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    advance(secs(9) + secs(2)).await;
    held.into_iter().for_each(drop);
    for waiter in &mut waiters {
        drop(now(waiter).map(Result::unwrap));
    }
    assert_eq!((world.attempts(), world.made(0).is_dropped()), (2, true));
}

#[tokio::test(start_paused = true)]
async fn a_shared_one_that_grew_too_old_while_idle_is_closed_when_it_is_passed_over() {
    let (pool, world) = pool(PoolLayer::new().max_age(secs(10)));
    world.shares.store(8, SeqCst);
    drop(get(&pool, "a").await);
    advance(secs(11)).await;
    drop(get(&pool, "a").await);
    assert_eq!((world.attempts(), world.alive(), figures(&pool)), (2, 1, (1, 1, 0, 0, 1)));
}

#[tokio::test(start_paused = true)]
async fn the_idle_limit_per_host_counts_shared_connections() {
    let (pool, world) = pool(PoolLayer::new().idle_per_host(1));
    world.shares.store(1, SeqCst);
    let held = [get(&pool, "a").await, get(&pool, "a").await, get(&pool, "a").await];
    held.into_iter().for_each(drop);
    assert_eq!((figures(&pool), world.alive()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn one_failed_attempt_does_not_end_for_ever_the_sharing_of_first_connections() {
    let (pool, world) = pool(PoolLayer::new());
    world.by_hand.store(true, SeqCst);
    world.shares.store(100, SeqCst);
    let mut first = ask(&pool, "https://a.test/");
    assert!(now(&mut first).is_none());
    world.fail(0);
    assert!(now(&mut first).unwrap().is_err());
    assert_eq!(figures(&pool), (0, 0, 0, 0, 0));
    // The server is back. Nobody waits any more who could fail by turns.
    sleep(secs(30)).await;
    let mut asked: Vec<_> = (0..64).map(|_| ask(&pool, "https://a.test/")).collect();
    assert!(asked.iter_mut().all(|one| now(one).is_none()));
    assert_eq!(pool.stats().connecting, 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_clones_end_closes_the_idle_ones_though_another_is_in_use() {
    let (pool, world) = pool(PoolLayer::new());
    let held = [get(&pool, "a").await, get(&pool, "a").await];
    let [used, idle] = held;
    drop(idle);
    drop(pool);
    assert_eq!(world.alive(), 1);
    drop(used);
    assert_eq!(world.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_without_end_is_no_panic() {
    let (pool, _world) = pool(PoolLayer::new().idle_time(Duration::MAX));
    let held = get(&pool, "a").await;
    let given_back = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(held)));
    assert!(given_back.is_ok());
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
}

/// Notes how many connections exist at the moment in which it is woken.
struct Alive(Arc<World>, AtomicUsize);

impl Wake for Alive {
    fn wake(self: Arc<Self>) {
        self.1.store(self.0.alive(), SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_before_its_place_is_given_away() {
    let (pool, world) = pool(PoolLayer::new().max_total(1));
    let held = get(&pool, "a").await;
    let mut next = ask(&pool, "b");
    let woken = Arc::new(Alive(Arc::clone(&world), AtomicUsize::new(usize::MAX)));
    let waker = Arc::clone(&woken).into();
    let polled = std::pin::Pin::new(&mut next).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    // On another thread the waiter may connect from this moment on.
    drop(held);
    assert_eq!(woken.1.load(SeqCst), 0, "so many connections existed when the place was given away");
}

#[tokio::test(start_paused = true)]
async fn one_handed_a_connection_that_has_died_keeps_its_turn() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    let held = get(&pool, "a").await;
    let mut waiters = [ask(&pool, "a"), ask(&pool, "a")];
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    drop(held);
    world.made(0).close();
    let [first, second] = &mut waiters;
    let got = now(first).expect("the first goes back to the end of the queue").unwrap();
    assert!(now(second).is_none());
    drop(got);
    assert!(now(second).is_some());
}

#[test]
fn outside_of_a_runtime_the_error_says_so() {
    let (pool, world) = pool(PoolLayer::new());
    let mut checkout = ask(&pool, "a");
    let Some(Err(error)) = now(&mut checkout) else { panic!("a connection without a runtime") };
    assert!(error.to_string().contains("tokio runtime"), "{error}");
    assert_eq!((figures(&pool), world.attempts()), ((0, 0, 0, 0, 0), 0));
}
