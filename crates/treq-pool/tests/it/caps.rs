//! Hard caps, and who is served when a place comes free.

use tokio::time::{Instant, advance};
use treq_core::{Kind, Phase, Resend};
use treq_pool::PoolLayer;

use crate::fake::{FakePool, ask, figures, get, now, pool, secs, spoil};

#[tokio::test(start_paused = true)]
async fn the_cap_per_host_holds_and_those_past_it_are_served_in_turn() {
    for cap in 1..4 {
        for spoiled in [false, true] {
            let (pool, world) = pool(PoolLayer::new().max_per_host(cap));
            let mut held: Vec<_> = (0..cap).map(|_| now(&mut ask(&pool, "a")).unwrap().unwrap()).collect();
            let mut waiters: Vec<_> = (0..5).map(|_| ask(&pool, "a")).collect();
            assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
            assert_eq!(figures(&pool), (cap, 0, 0, 5, 1));
            // Another host is not held up.
            drop(get(&pool, "b").await);
            for served in 0..5 {
                let first = held.remove(0);
                if spoiled {
                    spoil(first)
                } else {
                    drop(first)
                }
                assert!(waiters.iter_mut().skip(1).all(|waiter| now(waiter).is_none()), "{served} of {cap}");
                held.push(now(&mut waiters.remove(0)).unwrap().unwrap());
                assert!(world.alive() <= cap + 1);
            }
            drop(held);
            assert_eq!(pool.stats().waiting, 0);
            assert_eq!(world.attempts(), cap + 1 + if spoiled { 5 } else { 0 });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn room_under_the_total_goes_to_the_host_that_has_waited_longest() {
    let (pool, world) = pool(PoolLayer::new().max_total(1));
    let held = get(&pool, "a").await;
    let mut waiters: Vec<_> = ["b", "c", "d", "e"].map(|host| ask(&pool, host)).into();
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    assert_eq!(figures(&pool), (1, 0, 0, 4, 5));
    spoil(held);
    while !waiters.is_empty() {
        assert!(waiters.iter_mut().skip(1).all(|waiter| now(waiter).is_none()));
        spoil(now(&mut waiters.remove(0)).unwrap().unwrap());
        assert_eq!(world.alive(), 0);
    }
    assert_eq!(figures(&pool), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_total_is_made_room_in_by_closing_the_oldest_idle_one() {
    let (pool, world) = pool(PoolLayer::new().max_total(3));
    for host in ["a", "b", "c"] {
        drop(get(&pool, host).await);
    }
    drop(get(&pool, "a").await);
    let held = get(&pool, "d").await;
    assert_eq!((world.alive(), world.made(1).is_dropped()), (3, true));
    // A clean one of another host is closed when it is given back, rather than kept from those who wait.
    let (a, c) = (get(&pool, "a").await, get(&pool, "c").await);
    let mut waiter = ask(&pool, "e");
    assert!(now(&mut waiter).is_none());
    drop(held);
    assert!(world.made(3).is_dropped());
    drop((a, c, now(&mut waiter).unwrap()));
    assert_eq!((figures(&pool), world.alive()), ((3, 3, 0, 0, 3), 3));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_an_error_that_says_what_to_change() {
    let (pool, _) = pool(PoolLayer::new().max_per_host(1).wait(secs(7)));
    let held = get(&pool, "a").await;
    let begun = Instant::now();
    let error = ask(&pool, "a").await.unwrap_err();
    assert_eq!((begun.elapsed().as_secs(), error.kind()), (7, Kind::Timeout(Phase::Wait)));
    assert_eq!(error.resend(), Resend::Safe);
    assert!(error.to_string().contains("http://a.test") && error.to_string().contains("7s"), "{error}");
    assert_eq!(figures(&pool), (1, 0, 0, 0, 1));
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_limit_goes_on() {
    let (pool, _) = pool(PoolLayer::new().max_per_host(1).wait(None));
    let held = get(&pool, "a").await;
    let mut waiter = ask(&pool, "a");
    assert!(now(&mut waiter).is_none());
    advance(secs(1_000_000)).await;
    assert!(now(&mut waiter).is_none());
    drop(held);
    assert!(now(&mut waiter).unwrap().is_ok());
}

/// One in use, so many waiters behind it.
async fn queue(pool: &FakePool, waiters: usize) -> (crate::fake::Held, Vec<crate::fake::Wait>) {
    let held = get(pool, "a").await;
    let mut waiting: Vec<_> = (0..waiters).map(|_| ask(pool, "a")).collect();
    assert!(waiting.iter_mut().all(|waiter| now(waiter).is_none()));
    (held, waiting)
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_to_one_who_then_left_passes_on() {
    for spoiled in [false, true] {
        let (pool, world) = pool(PoolLayer::new().max_per_host(1));
        let (held, mut waiting) = queue(&pool, 4).await;
        if spoiled {
            spoil(held)
        } else {
            drop(held)
        }
        // The first three leave one after the other, each with the lease in its hands and never looked at.
        for left in 1..4 {
            drop(waiting.remove(0));
            assert_eq!(pool.stats().waiting, 3 - left);
        }
        drop(now(&mut waiting[0]).unwrap().unwrap());
        assert_eq!((figures(&pool), world.attempts()), ((1, 1, 0, 0, 1), if spoiled { 2 } else { 1 }));
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_leaves_the_queue_holds_nobody_up() {
    let (pool, _) = pool(PoolLayer::new().max_per_host(1));
    let (held, mut waiting) = queue(&pool, 5).await;
    drop(waiting.remove(0));
    drop(waiting.remove(1));
    assert_eq!(figures(&pool), (1, 0, 0, 3, 1));
    drop(held);
    for mut waiter in waiting {
        drop(now(&mut waiter).unwrap().unwrap());
    }
    // With the last in use, all who wait leave.
    let (held, waiting) = queue(&pool, 5).await;
    drop(waiting);
    assert_eq!(figures(&pool), (1, 0, 0, 0, 1));
    drop(held);
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn one_handed_over_that_dies_before_it_is_looked_at_is_replaced() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    let (held, mut waiting) = queue(&pool, 1).await;
    drop(held);
    world.made(0).close();
    drop(now(&mut waiting[0]).unwrap().unwrap());
    assert_eq!((figures(&pool), world.attempts(), world.alive()), ((1, 1, 0, 0, 1), 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cap_of_zero_counts_as_one() {
    for layer in [PoolLayer::new().max_per_host(0), PoolLayer::new().max_total(0)] {
        let (pool, _) = pool(layer);
        let held = get(&pool, "a").await;
        assert!(now(&mut ask(&pool, "a")).is_none());
        drop(held);
        assert!(now(&mut ask(&pool, "a")).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_served_when_the_pools_last_clone_has_gone() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    let (held, mut waiting) = queue(&pool, 1).await;
    drop(pool);
    drop(held);
    drop(now(&mut waiting[0]).unwrap().unwrap());
    drop(waiting);
    assert_eq!(world.alive(), 0);
}
