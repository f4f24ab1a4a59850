//! What becomes of a connection when its exchange ends, one way or another.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Waker};

use http::Response;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use treq_core::{Connection as _, Exchange};
use treq_pool::{PoolLayer, Pooled, PooledBody};

use crate::answer::Answer;
use crate::fake::{Fake, begin, figures, get, pool};

fn answered(mut pooled: Pooled<Fake>, answer: Answer) -> Response<PooledBody<Answer, Fake>> {
    begin(&mut pooled, answer);
    match Exchange::<Answer>::poll_response(&mut pooled, &mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(Ok(response)) => response,
        other => panic!("no answer: {}", other.is_ready()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_read_to_its_end_gives_its_connection_back_before_it_is_dropped() {
    let (pool, world) = pool(PoolLayer::new());
    let mut body = answered(get(&pool, "a").await, Answer::of([5, 6])).into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(figures(&pool), (1, 0, 0, 0, 1));
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    // `is_end_stream` told it with the last frame: nobody need ask for one more.
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
    assert!(body.frame().await.is_none());
    drop(body);
    assert_eq!((figures(&pool), world.alive()), ((1, 1, 0, 0, 1), 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_body_gives_it_back_at_once() {
    let (pool, _world) = pool(PoolLayer::new());
    let response = answered(get(&pool, "a").await, Answer::of([]));
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
    drop(response);
    assert_eq!(figures(&pool), (1, 1, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_left_unread_is_drained_up_to_16_kib_that_are_there() {
    const LIMIT: usize = 16 * 1024;
    let there = |pieces: &[usize]| pieces.iter().map(|&piece| Some(Ok(piece))).collect::<VecDeque<_>>();
    let late = VecDeque::from([Some(Ok(1)), None, Some(Ok(1))]);
    let cut = VecDeque::from([Some(Ok(1)), Some(Err(()))]);
    for (pieces, kept) in [
        (there(&[1]), true),
        (there(&[LIMIT]), true),
        (there(&[LIMIT / 2, LIMIT / 2, 0]), true),
        (there(&[LIMIT, 1, 1]), false),
        (there(&[LIMIT + 1, 1]), false),
        (late, false),
        (cut, false),
    ] {
        let (pool, world) = pool(PoolLayer::new());
        let case = format!("{pieces:?}");
        drop(answered(get(&pool, "a").await, Answer::Pieces(pieces)));
        let left = usize::from(kept);
        assert_eq!((figures(&pool), world.alive()), ((left, left, 0, 0, left), left), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_frees_its_place_while_it_is_still_held() {
    let (pool, world) = pool(PoolLayer::new());
    let mut body = answered(get(&pool, "a").await, Answer::Pieces([Some(Err(()))].into())).into_body();
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!((figures(&pool), world.alive()), ((0, 0, 0, 0, 0), 0));
    drop(body);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_broken_off_or_refused_closes_an_exclusive_connection_only() {
    for (shares, left) in [(0, 0), (4, 1)] {
        for refused in [true, false] {
            let (pool, world) = pool(PoolLayer::new());
            world.shares.store(shares, SeqCst);
            let mut pooled = get(&pool, "a").await;
            begin(&mut pooled, if refused { Answer::Refused } else { Answer::Never });
            if refused {
                let polled = Exchange::<Answer>::poll_response(&mut pooled, &mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, std::task::Poll::Ready(Err(_))));
                // The place is free before the handle goes.
                assert_eq!((pool.stats().in_use(), pooled.is_open()), (0, false));
            }
            drop(pooled);
            assert_eq!((figures(&pool), world.alive()), ((left, left, 0, 0, left), left));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_whose_body_is_dropped_half_way_leaves_the_others_alone() {
    let (pool, world) = pool(PoolLayer::new());
    world.shares.store(4, SeqCst);
    let one = answered(get(&pool, "a").await, Answer::of([1, 2, 3]));
    let other = answered(get(&pool, "a").await, Answer::of([1, 2, 3]));
    drop(one);
    assert_eq!(figures(&pool), (1, 0, 0, 0, 1));
    assert_eq!(other.into_body().collect().await.unwrap().to_bytes().len(), 6);
    assert_eq!((figures(&pool), world.attempts(), world.alive()), ((1, 1, 0, 0, 1), 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_says_that_it_is_persistent_and_no_other_does() {
    for (layer, persistent) in [
        (PoolLayer::new(), true),
        (PoolLayer::new().idle_per_host(0), false),
        (PoolLayer::new().idle_total(0), false),
        (PoolLayer::new().idle_time(std::time::Duration::ZERO), false),
    ] {
        let (pool, world) = pool(layer);
        let pooled = get(&pool, "a").await;
        assert_eq!(pooled.is_persistent(), persistent);
        assert!(!pooled.is_reused() && pooled.is_open() && pooled.is_ready() && pooled.share().is_none());
        drop(answered(pooled, Answer::of([1])));
        assert_eq!((pool.stats().idle, world.alive()), (usize::from(persistent), usize::from(persistent)));
    }
}
