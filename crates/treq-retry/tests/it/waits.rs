//! How long is waited between two attempts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use treq_core::{Kind, Resend};
use treq_retry::{Backoff, RetryLayer};

use crate::support::{World, busy, get, status, thrice};

/// When the attempts were made, in milliseconds, and the status of the last one.
async fn times(layer: &RetryLayer, retry_after: &'static str) -> (Vec<u128>, u16) {
    let world = World::new(move |_, _| Ok(busy(retry_after)));
    let status = world.ask(layer, get()).await.unwrap().status().as_u16();
    (world.times(), status)
}

#[tokio::test(start_paused = true)]
async fn waits_grow_up_to_the_cap() {
    let world = World::statuses(&[503]);
    let backoff = Backoff::new().base(Duration::from_secs(1)).cap(Duration::from_secs(3));
    let half = thrice().attempts(5).backoff(backoff).random(|| 1 << 63);
    world.ask(&half, get()).await.unwrap();
    assert_eq!(world.times(), [0, 500, 1500, 3000, 4500]);
    let world = World::errors(4, Kind::Connect, Resend::Safe);
    world.ask(&half, get()).await.unwrap();
    assert_eq!(world.times(), [0, 500, 1500, 3000, 4500]);
    let world = World::statuses(&[503]);
    world.ask(&half.clone().backoff(backoff.base(Duration::ZERO)), get()).await.unwrap();
    assert_eq!(world.times(), [0; 5]);
    let none = half.random(|| 0);
    let world = World::statuses(&[503]);
    world.ask(&none, get()).await.unwrap();
    assert_eq!(world.times(), [0; 5]);
}

#[tokio::test(start_paused = true)]
async fn without_a_source_of_its_own_each_wait_is_another() {
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
async fn retry_after_counts_where_it_is_longer_and_not_too_long() {
    for (field, want) in [
        // The backoff is longer, or all there is.
        ("0", vec![0, 100, 300]),
        ("-1", vec![0, 100, 300]),
        ("1.5", vec![0, 100, 300]),
        ("x", vec![0, 100, 300]),
        ("9e9", vec![0, 100, 300]),
        ("", vec![0, 100, 300]),
        ("Thu, 01 Jan 1970 00:00:00 GMT", vec![0, 100, 300]),
        ("1", vec![0, 1000, 2000]),
        ("60", vec![0, 60_000, 120_000]),
        ("Tue, 14 Nov 2023 22:13:25 GMT", vec![0, 5000, 10_000]),
        ("Tuesday, 14-Nov-23 22:13:25 GMT", vec![0, 5000, 10_000]),
        ("Tue Nov 14 22:13:25 2023", vec![0, 5000, 10_000]),
        // Longer than anybody waits.
        ("61", vec![0]),
        ("999999", vec![0]),
        ("99999999999999999999", vec![0]),
        ("Wed, 21 Oct 2099 07:28:00 GMT", vec![0]),
        ("Fri, 31 Dec 9999 23:59:59 GMT", vec![0]),
    ] {
        let layer = thrice().clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let (times, status) = times(&layer, field).await;
        assert_eq!((times.len(), status), (want.len(), 503), "{field}");
        // Timers know milliseconds, and a wait is just below its ceiling.
        assert!(times.iter().zip(&want).all(|(time, want)| time.abs_diff(*want) <= 2), "{field} {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_can_be_set() {
    let (short, long) = (Duration::from_secs(2), Duration::from_secs(7200));
    for (limit, field, requests) in [(short, "2", 3), (short, "3", 1), (long, "7200", 3), (Duration::ZERO, "0", 3)] {
        assert_eq!(times(&thrice().retry_after_limit(limit), field).await.0.len(), requests, "{limit:?} {field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_is_compared_with_the_time_at_each_response() {
    let now = AtomicU64::new(1_700_000_000);
    let layer =
        thrice().clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(now.fetch_add(3, Ordering::Relaxed)));
    assert_eq!(times(&layer, "Tue, 14 Nov 2023 22:13:25 GMT").await.0, [0, 5000, 7000]);
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

    for (base, patience, want) in [(1000, None, [0, 1000]), (10, None, [0, 50]), (10, Some(200), [0, 200])] {
        let times = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (begun, noted) = (tokio::time::Instant::now(), std::sync::Arc::clone(&times));
        let service = service_fn(move |_: http::Request<treq_core::Body>| {
            noted.lock().unwrap().push(begun.elapsed().as_millis());
            std::future::ready(Ok::<_, Infallible>(Response::builder().status(503).body(Stalled).unwrap()))
        });
        let mut layer = thrice().attempts(2).backoff(Backoff::new().base(Duration::from_millis(base)));
        if let Some(patience) = patience {
            layer = layer.drain_until(move || tokio::time::sleep(Duration::from_millis(patience)));
        }
        // The last answer's body is the caller's.
        assert_eq!(layer.layer(service).oneshot(get()).await.unwrap().status(), status(503).status());
        let times: Vec<_> = times.lock().unwrap().clone();
        assert!(times.len() == 2 && times[1].abs_diff(want[1]) <= 2, "{times:?} {want:?}");
    }
}
