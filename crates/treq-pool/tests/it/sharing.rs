//! Connections that carry several exchanges at once, against what their peers admit.

use std::sync::atomic::Ordering::SeqCst;

use tokio::time::sleep;
use treq_pool::PoolLayer;

use crate::fake::{ask, figures, get, now, pool, secs, spoil};

#[tokio::test(start_paused = true)]
async fn one_is_shared_up_to_its_limit_and_another_is_opened_past_it() {
    let (pool, world) = pool(PoolLayer::new());
    world.shares.store(3, SeqCst);
    let mut held = Vec::new();
    for asked in 1..=7_usize {
        held.push(get(&pool, "a").await);
        assert_eq!(figures(&pool), (asked.div_ceil(3), 0, 0, 0, 1));
    }
    // One share comes free on the first: it is used before a further connection is.
    drop(held.remove(0));
    held.push(get(&pool, "a").await);
    assert_eq!(world.attempts(), 3);
    drop(held);
    assert_eq!((figures(&pool), world.alive()), ((3, 3, 0, 0, 1), 3));
    sleep(secs(100)).await;
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_shrinks_or_grows_is_kept_from_then_on() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    world.shares.store(4, SeqCst);
    let mut held: Vec<_> = (0..4).map(|_| now(&mut ask(&pool, "a")).unwrap().unwrap()).collect();
    let mut waiters: Vec<_> = (0..6).map(|_| ask(&pool, "a")).collect();
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    world.made(0).shares.store(2, SeqCst);
    drop(held.split_off(2));
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    drop(held.remove(0));
    held.push(now(&mut waiters.remove(0)).unwrap().unwrap());
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    // It grows: with the next that comes back, as many are served as it admits.
    world.made(0).shares.store(4, SeqCst);
    drop(held.remove(0));
    let served = waiters.iter_mut().map(now).filter_map(|served| served.map(Result::unwrap));
    let served: Vec<_> = served.collect();
    assert_eq!((served.len(), pool.stats().waiting, world.attempts()), (3, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn one_who_comes_when_the_limit_has_grown_does_not_overtake_those_who_wait() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    world.shares.store(1, SeqCst);
    let held = get(&pool, "a").await;
    let mut waiter = ask(&pool, "a");
    assert!(now(&mut waiter).is_none());
    world.made(0).shares.store(2, SeqCst);
    let mut newcomer = ask(&pool, "a");
    assert!(now(&mut newcomer).is_none() || now(&mut waiter).is_some(), "overtakes");
    drop(held);
    assert!(now(&mut waiter).is_none_or(|got| got.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_share_are_served_in_turn() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    world.shares.store(2, SeqCst);
    let mut held = vec![get(&pool, "a").await, get(&pool, "a").await];
    let mut waiters: Vec<_> = (0..4).map(|_| ask(&pool, "a")).collect();
    assert!(waiters.iter_mut().all(|waiter| now(waiter).is_none()));
    while !waiters.is_empty() {
        spoil(held.remove(0));
        assert!(waiters.iter_mut().skip(1).all(|waiter| now(waiter).is_none()));
        held.push(now(&mut waiters.remove(0)).unwrap().unwrap());
    }
    drop(held);
    assert_eq!((figures(&pool), world.attempts()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_its_peer_closes_gets_no_new_users_and_goes_with_its_last() {
    let (pool, world) = pool(PoolLayer::new());
    world.shares.store(8, SeqCst);
    let old = [get(&pool, "a").await, get(&pool, "a").await];
    world.made(0).close();
    let new = get(&pool, "a").await;
    assert_eq!((figures(&pool), world.attempts()), ((2, 0, 0, 0, 1), 2));
    let [first, last] = old;
    drop(first);
    assert!(!world.made(0).is_dropped());
    drop(last);
    assert!(world.made(0).is_dropped());
    drop(new);
    // And one that is closed while it is idle goes when somebody looks.
    world.made(1).close();
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn its_death_under_a_cap_lets_those_who_wait_make_another() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    world.shares.store(1, SeqCst);
    let held = get(&pool, "a").await;
    let mut waiter = ask(&pool, "a");
    assert!(now(&mut waiter).is_none());
    world.made(0).close();
    assert!(now(&mut waiter).is_none());
    spoil(held);
    assert!(now(&mut waiter).unwrap().is_ok());
    assert_eq!((world.attempts(), world.alive()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_the_total_get_the_place_of_one_without_users() {
    let (pool, world) = pool(PoolLayer::new().max_total(1));
    world.shares.store(4, SeqCst);
    let held = [get(&pool, "a").await, get(&pool, "a").await];
    let mut other = ask(&pool, "b");
    assert!(now(&mut other).is_none());
    let [first, last] = held;
    drop(first);
    assert!(now(&mut other).is_none());
    drop(last);
    assert!(now(&mut other).unwrap().is_ok());
    assert_eq!((world.made(0).is_dropped(), figures(&pool)), (true, (1, 1, 0, 0, 1)));
    // An idle one is closed to make room, as an exclusive one is.
    drop(get(&pool, "c").await);
    assert_eq!((world.alive(), figures(&pool)), (1, (1, 1, 0, 0, 1)));
}
