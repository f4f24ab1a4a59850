//! Connections under way beside those that come back, and what becomes of attempts that end otherwise.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;

use treq_core::{Connection as _, Kind};
use treq_pool::PoolLayer;

use crate::fake::{ask, begin, figures, get, now, pool, secs, spoil};

#[tokio::test(start_paused = true)]
async fn one_given_back_serves_who_is_connecting_and_the_attempt_serves_the_next() {
    let (pool, world) = pool(PoolLayer::new());
    let held = get(&pool, "a").await;
    world.by_hand.store(true, SeqCst);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    assert_eq!(figures(&pool), (2, 0, 1, 1, 1));
    drop(held);
    let next = now(&mut next).unwrap().unwrap();
    assert!(next.is_open() && !world.is_given_up(1));
    // It goes on by itself, in its place.
    assert_eq!(figures(&pool), (2, 0, 1, 0, 1));
    assert!(world.succeed(1));
    tokio::task::yield_now().await;
    assert_eq!(figures(&pool), (2, 1, 0, 0, 1));
    drop(next);
    assert_eq!(figures(&pool), (2, 2, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_succeeds_first_wins_and_one_given_back_meanwhile_is_kept() {
    let (pool, world) = pool(PoolLayer::new());
    let held = get(&pool, "a").await;
    world.by_hand.store(true, SeqCst);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    // Both arrive before anybody looks.
    assert!(world.succeed(1));
    drop(held);
    let next = now(&mut next).unwrap().unwrap();
    assert_eq!((figures(&pool), world.alive()), ((2, 1, 0, 0, 1), 2));
    drop(next);
    assert_eq!((figures(&pool), world.alive()), ((2, 2, 0, 0, 1), 2));
}

#[tokio::test(start_paused = true)]
async fn one_given_back_passes_from_a_connector_who_leaves_to_the_next() {
    let (pool, world) = pool(PoolLayer::new());
    let held = get(&pool, "a").await;
    world.by_hand.store(true, SeqCst);
    let mut connectors: Vec<_> = (0..3).map(|_| ask(&pool, "a")).collect();
    assert!(connectors.iter_mut().all(|connector| now(connector).is_none()));
    assert_eq!(figures(&pool), (4, 0, 3, 3, 1));
    drop(held);
    drop(connectors.remove(0));
    drop(connectors.remove(0));
    assert!(now(&mut connectors[0]).unwrap().is_ok());
    drop(connectors);
    // The attempt of the one who was served goes on.
    assert_eq!((figures(&pool), world.alive()), ((2, 1, 1, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_frees_its_place_for_the_next_in_the_queue() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    world.by_hand.store(true, SeqCst);
    let mut first = ask(&pool, "a");
    let mut second = ask(&pool, "a");
    assert!(now(&mut first).is_none() && now(&mut second).is_none());
    assert_eq!((figures(&pool), world.attempts()), ((1, 0, 1, 2, 1), 1));
    world.fail(0);
    assert_eq!(now(&mut first).unwrap().unwrap_err().kind(), Kind::Connect);
    assert!(now(&mut second).is_none());
    assert_eq!((figures(&pool), world.attempts()), ((1, 0, 1, 1, 1), 2));
    world.succeed(1);
    assert!(now(&mut second).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_does_not_harm_who_was_handed_another_in_the_same_moment() {
    let (pool, world) = pool(PoolLayer::new());
    let held = get(&pool, "a").await;
    world.by_hand.store(true, SeqCst);
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    drop(held);
    world.fail(1);
    // Whichever it is told, nothing is lost.
    drop(now(&mut next).unwrap());
    assert_eq!((figures(&pool), world.alive()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_others_learn_from_it_what_the_target_speaks() {
    for shares in [0, 2, 8] {
        let (pool, world) = pool(PoolLayer::new());
        world.by_hand.store(true, SeqCst);
        world.shares.store(shares, SeqCst);
        let mut asked: Vec<_> = (0..6).map(|_| ask(&pool, "https://a.test/")).collect();
        assert!(asked.iter_mut().all(|one| now(one).is_none()));
        assert_eq!((figures(&pool), world.attempts()), ((1, 0, 1, 6, 1), 1));
        world.succeed(0);
        let mut held = Vec::new();
        for _ in 0..8 {
            asked.retain_mut(|one| match now(one) {
                Some(got) => {
                    held.push(got.unwrap());
                    false
                }
                None => true,
            });
            let under_way = world.attempts() - world.alive();
            // Where they share, no more are made at once than those who wait will fill.
            let needed = (asked.len() + held.len()).div_ceil(shares.max(1));
            assert!(shares == 0 || world.attempts() <= needed, "{under_way} attempts next to each other");
            (world.alive()..world.attempts()).for_each(|attempt| _ = world.succeed(attempt));
        }
        let made = if shares == 0 { 6 } else { 6_usize.div_ceil(shares) };
        assert_eq!((held.len(), world.attempts()), (6, made), "{shares} shares");
        assert_eq!(figures(&pool), (made, 0, 0, 0, 1));
        drop(held);
        assert_eq!(figures(&pool), (made, made, 0, 0, 1), "{shares} shares");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_dropped_hands_the_lead_on() {
    let (pool, world) = pool(PoolLayer::new());
    world.by_hand.store(true, SeqCst);
    world.shares.store(8, SeqCst);
    let mut asked: Vec<_> = (0..4).map(|_| ask(&pool, "https://a.test/")).collect();
    assert!(asked.iter_mut().all(|one| now(one).is_none()));
    for left in (1..4).rev() {
        drop(asked.remove(0));
        assert!(asked.iter_mut().all(|one| now(one).is_none()));
        assert_eq!(figures(&pool), (1, 0, 1, left, 1));
    }
    world.succeed(3);
    assert!(now(&mut asked[0]).unwrap().is_ok());
    assert_eq!(world.attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_host_that_has_gone_fail_together() {
    for known in [false, true] {
        let (pool, world) = pool(PoolLayer::new());
        world.shares.store(8, SeqCst);
        if known {
            drop(ask(&pool, "https://a.test/").await.unwrap());
            world.made(0).close();
        }
        world.by_hand.store(true, SeqCst);
        let mut asked: Vec<_> = (0..4).map(|_| ask(&pool, "https://a.test/")).collect();
        assert!(asked.iter_mut().all(|one| now(one).is_none()));
        // One attempt may have had bad luck.
        let attempt = world.attempts();
        world.fail(attempt - 1);
        assert!(now(&mut asked.remove(0)).unwrap().is_err());
        assert!(asked.iter_mut().all(|one| now(one).is_none()));
        world.fail(attempt);
        for one in &mut asked {
            let error = now(one).expect("waits for an attempt of its own").unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Connect, "refused by the test"));
        }
        assert_eq!((figures(&pool), world.attempts()), ((0, 0, 0, 0, 0), attempt + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_maker_that_is_not_ready_is_waited_for_and_kept_connections_are_not() {
    let (pool, world) = pool(PoolLayer::new());
    drop(get(&pool, "a").await);
    world.busy.store(true, SeqCst);
    let held = now(&mut ask(&pool, "a")).unwrap().unwrap();
    let mut next = ask(&pool, "a");
    assert!(now(&mut next).is_none());
    assert_eq!((figures(&pool), world.attempts()), ((2, 0, 1, 1, 1), 1));
    drop(held);
    assert!(now(&mut next).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_maker_that_panics_leaves_the_pool_whole() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(1));
    let mut first = ask(&pool, "a");
    let mut second = ask(&pool, "a");
    world.panics.store(true, SeqCst);
    assert!(now(&mut second).is_none());
    assert!(catch_unwind(AssertUnwindSafe(|| now(&mut first).is_some())).is_err());
    drop(first);
    world.panics.store(false, SeqCst);
    drop(now(&mut second).unwrap().unwrap());
    assert_eq!((figures(&pool), world.alive()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_one_is_not_one_that_was_idle() {
    let (mut pool, world) = pool(PoolLayer::new());
    drop(get(&pool, "a").await);
    let mut target = crate::fake::target("http://a.test/");
    target.reuse = treq_core::Reuse::Never;
    let fresh = tower::Service::call(&mut pool, target).await.unwrap();
    assert_eq!((figures(&pool), world.attempts()), ((2, 1, 0, 0, 1), 2));
    // It was made for one exchange.
    drop(fresh);
    assert_eq!((figures(&pool), world.alive()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn a_checkout_dropped_before_it_was_ever_looked_at_frees_its_place() {
    let (pool, world) = pool(PoolLayer::new().max_per_host(2));
    // Room that nobody uses.
    let room = ask(&pool, "a");
    assert_eq!(figures(&pool), (1, 0, 1, 0, 1));
    drop(room);
    assert_eq!(figures(&pool), (0, 0, 0, 0, 0));
    // A connection that nobody takes.
    drop(get(&pool, "a").await);
    drop(ask(&pool, "a"));
    assert_eq!((figures(&pool), world.attempts()), ((1, 1, 0, 0, 1), 1));
    let mut pooled = get(&pool, "a").await;
    begin(&mut pooled, crate::answer::Answer::Never);
    spoil(pooled);
    tokio::time::sleep(secs(200)).await;
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
}
