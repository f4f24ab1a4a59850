//! What goes out with each attempt.

use http::{HeaderValue, Request, Version};
use treq_core::{Body, Kind, Resend, replay_fn};

use crate::support::{World, one_shot, post, request, thrice, told};

#[derive(Clone, Debug, PartialEq)]
struct Mark(u8);

#[tokio::test(start_paused = true)]
async fn each_attempt_is_the_whole_request() {
    let world = World::statuses(&[503]);
    let mut request = request("PUT", "content");
    *request.version_mut() = Version::HTTP_2;
    request.extensions_mut().insert(Mark(7));
    for (name, value) in [("accept", "a"), ("accept", "b"), ("x-a", "c"), ("x-b", "d")] {
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    let headers = request.headers().clone();
    world.ask(&thrice(), request).await.unwrap();
    let seen = world.seen();
    assert_eq!(seen.len(), 3);
    for attempt in seen {
        assert_eq!((attempt.method.as_str(), attempt.url.path()), ("PUT", "/path"));
        assert_eq!((attempt.headers, attempt.body.as_deref()), (headers.clone(), Some(&b"content"[..])));
        assert_eq!(attempt.extensions.get(), Some(&Mark(7)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_can_be_sent_once_is() {
    for safe in [Resend::Safe, Resend::MaybeProcessed] {
        let world = World::errors(1, Kind::Connect, safe);
        let outcome = world.ask(&thrice(), request("PUT", one_shot())).await;
        assert_eq!((told(&outcome), world.count()), ((Err(Kind::Connect), None), 1));
    }
    let world = World::statuses(&[503]);
    let outcome = world.ask(&thrice(), request("PUT", one_shot())).await;
    assert_eq!((told(&outcome), world.count()), ((Ok(503), None), 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_can_be_made_again_is() {
    let world = World::errors(2, Kind::Connect, Resend::Safe);
    let body = Body::from_fn(|| Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"made"))));
    assert_eq!(told(&world.ask(&thrice(), request("POST", body)).await), (Ok(200), Some(3)));
}

#[tokio::test(start_paused = true)]
async fn how_bodies_are_copied_can_be_set() {
    type Copies = fn(&Body) -> Option<Body>;
    let (always, never): (Copies, Copies) = (|_| Some(Body::from("copy")), |_| None);
    for (copies, stream) in [(always, 3), (never, 1)] {
        let layer = thrice().replay(copies);
        for (body, requests) in [(Body::empty(), 3), (one_shot(), stream), (Body::from("full"), stream)] {
            let world = World::statuses(&[503]);
            world.ask(&layer, request("PUT", body)).await.unwrap();
            assert_eq!(world.count(), requests);
        }
    }
    // Neither closure names the type of the body.
    let (copies, none) =
        (thrice().replay(replay_fn(|_| Some(Body::from("copy")))), thrice().replay(replay_fn(|_| None)));
    let world = World::statuses(&[503]);
    world.ask(&copies, request("PUT", one_shot())).await.unwrap();
    world.ask(&none, request("PUT", "full")).await.unwrap();
    assert_eq!(world.count(), 4);
    for (body, requests) in [(Body::empty(), 3), (Body::from("full"), 1)] {
        let world = World::statuses(&[503]);
        world.ask(&thrice().without_replay(), request("PUT", body)).await.unwrap();
        assert_eq!(world.count(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_copies_are_made_than_attempts() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let layer = thrice().replay(|body: &Body| {
        COPIES.fetch_add(1, Ordering::Relaxed);
        body.as_bytes().map(|bytes| Body::from(bytes.to_vec()))
    });
    let world = World::statuses(&[503]);
    world.ask(&layer, request("PUT", "full")).await.unwrap();
    assert_eq!((world.count(), COPIES.load(Ordering::Relaxed)), (3, 2));
    assert!(world.seen().iter().all(|seen| seen.body.as_deref() == Some(b"full")));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_cannot_be_copied_again_is_the_last() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let copied = AtomicBool::new(false);
    let layer =
        std::sync::Arc::new(move |_: &Body| (!copied.swap(true, Ordering::Relaxed)).then(|| Body::from("copy")));
    let world = World::statuses(&[503]);
    let request: Request<Body> = request("PUT", "full");
    world.ask(&thrice().replay(move |body: &Body| layer(body)), request).await.unwrap();
    assert_eq!(world.count(), 2);
    let outcome = world.ask(&thrice(), post()).await;
    assert_eq!(told(&outcome), (Ok(503), None));
}
