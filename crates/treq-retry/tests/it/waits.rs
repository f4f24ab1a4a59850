//! How long is waited between two attempts.

use std::sync::Mutex;
use std::time::Duration;

use treq_core::{Kind, Resend};
use treq_retry::{Action, Backoff, RetryLayer, retry_fn};

use crate::support::{World, busy, get, status, thrice};

/// When the attempts were made, in milliseconds, and the status of the last one.
async fn times(layer: &RetryLayer, retry_after: &'static str) -> (Vec<u128>, u16) {
    let world = World::new(move |_, _| Ok(busy(retry_after)));
    let status = world.ask(layer, get()).await.unwrap().status().as_u16();
    (world.times(), status)
}

#[tokio::test(start_paused = true)]
async fn each_wait_is_up_to_its_ceiling() {
    let backoff = Backoff::new().base(Duration::from_secs(1)).cap(Duration::from_secs(3));
    let layer = thrice().attempts(5).backoff(backoff);
    for world in [World::statuses(&[503]), World::errors(4, Kind::Connect, Resend::Safe)] {
        let _ = world.ask(&layer, get()).await;
        let times = world.times();
        let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // Timers know milliseconds.
        assert!(waits.iter().zip([1000, 2000, 3000, 3000]).all(|(wait, most)| *wait <= most + 1), "{waits:?}");
        assert_eq!(waits.len(), 4);
    }
    let world = World::statuses(&[503]);
    world.ask(&layer.backoff(backoff.base(Duration::ZERO)), get()).await.unwrap();
    assert_eq!(world.times(), [0; 5]);
}

#[tokio::test(start_paused = true)]
async fn no_two_waits_are_alike() {
    let layer = RetryLayer::new().attempts(2).backoff(Backoff::new().base(Duration::from_secs(9)));
    let mut waits = std::collections::HashSet::new();
    for _ in 0..8 {
        let world = World::statuses(&[503]);
        world.ask(&layer, get()).await.unwrap();
        assert!(world.times()[1] <= 9000);
        waits.insert(world.times()[1]);
    }
    assert!(waits.len() > 1, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn the_response_says_when_the_next_attempt_is_made() {
    for (field, want) in [
        ("1", vec![0, 1000, 2000]),
        ("60", vec![0, 60_000, 120_000]),
        ("61", vec![0]),
        // By the system's clock.
        ("Fri, 31 Dec 9999 23:59:59 GMT", vec![0]),
    ] {
        assert_eq!(times(&thrice(), field).await, (want, 503), "{field}");
    }
    // The backoff is all there is.
    assert_eq!(times(&thrice(), "Thu, 01 Jan 1970 00:00:00 GMT").await.0.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_can_be_set() {
    let (short, long) = (Duration::from_secs(2), Duration::from_secs(7200));
    for (limit, field, requests) in [(short, "2", 3), (short, "3", 1), (long, "7200", 3), (Duration::ZERO, "0", 3)] {
        assert_eq!(times(&thrice().retry_after_limit(limit), field).await.0.len(), requests, "{limit:?} {field}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_body_takes_is_part_of_the_wait() {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http::Response;
    use tower::{Layer, ServiceExt, service_fn};

    struct Stalled;

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    for (wait, patience, want) in [(1000, None, [0, 1000]), (10, None, [0, 50]), (10, Some(200), [0, 200])] {
        let times = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (begun, noted) = (tokio::time::Instant::now(), std::sync::Arc::clone(&times));
        let service = service_fn(move |_: http::Request<treq_core::Body>| {
            noted.lock().unwrap().push(begun.elapsed().as_millis());
            std::future::ready(Ok::<_, Infallible>(Response::builder().status(503).body(Stalled).unwrap()))
        });
        let mut layer = thrice().attempts(2).policy(retry_fn(move |_| Action::After(Duration::from_millis(wait))));
        if let Some(patience) = patience {
            layer = layer.drain_timeout(Duration::from_millis(patience));
        }
        // The last answer's body is the caller's.
        assert_eq!(layer.layer(service).oneshot(get()).await.unwrap().status(), status(503).status());
        let times: Vec<_> = times.lock().unwrap().clone();
        assert!(times.len() == 2 && times[1].abs_diff(want[1]) <= 2, "{times:?} {want:?}");
    }
}
