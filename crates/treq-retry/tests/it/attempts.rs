//! How often a request is sent, and what the answer tells of it.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::StatusCode;
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Body, Kind, Phase, Resend};
use treq_retry::policy::Standard;
use treq_retry::{
    Action, Attempted, Attempts, Backoff, Budget, Exhausted, IdempotencyKey, Outcome, RetryLayer, SlowAttempt, retry_fn,
};

use crate::support::{World, get, post, request, status, thrice, told};

#[tokio::test(start_paused = true)]
async fn a_new_layer_makes_three_attempts() {
    for layer in [RetryLayer::new(), RetryLayer::default()] {
        let world = World::statuses(&[503]);
        assert_eq!(told(&world.ask(&layer, get()).await), (Ok(503), Some(3)));
        assert_eq!(world.count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn one_attempt_and_none_send_nothing_again() {
    for layer in [RetryLayer::new().attempts(0), RetryLayer::new().attempts(1)] {
        let world = World::statuses(&[503, 200]);
        assert_eq!(told(&world.ask(&layer, get()).await), (Ok(503), None));
        let world = World::errors(1, Kind::Connect, Resend::Safe);
        let error = world.ask(&layer, get()).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.source().is_none(), world.count()), ("failure 0", true, 1));
    }
}

#[test]
fn a_request_that_is_sent_once_costs_no_copy_and_needs_no_runtime() {
    struct Unclonable;
    impl Clone for Unclonable {
        fn clone(&self) -> Unclonable {
            panic!("cloned")
        }
    }
    impl tower::Service<http::Request<Body>> for Unclonable {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            std::future::ready(Ok(status(503)))
        }
    }
    let replay = |_: &Body| -> Option<Body> { panic!("copied") };
    for (layer, option) in [(thrice().attempts(1), None), (thrice(), Some(Attempts::new(1)))] {
        let mut service = layer.attempt_timeout(Duration::from_secs(1)).replay(replay).layer(Unclonable);
        let mut request = request("PUT", "full");
        if let Some(option) = option {
            request.extensions_mut().insert(option);
        }
        let mut sending = Box::pin(tower::Service::call(&mut service, request));
        let answer = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(answer, Poll::Ready(Ok(response)) if response.status() == 503));
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_are_tried_again_up_to_the_last_attempt() {
    for (statuses, want, requests) in [
        (&[200][..], (Ok(200), None), 1),
        (&[503, 200], (Ok(200), Some(2)), 2),
        (&[503, 429, 200], (Ok(200), Some(3)), 3),
        (&[503, 502, 504, 200], (Ok(504), Some(3)), 3),
        (&[503, 404], (Ok(404), Some(2)), 2),
        (&[500, 200], (Ok(500), None), 1),
        (&[421, 200], (Ok(421), None), 1),
        (&[408, 425, 200], (Ok(425), Some(2)), 2),
    ] {
        let world = World::statuses(statuses);
        assert_eq!(told(&world.ask(&thrice(), get()).await), want, "{statuses:?}");
        assert_eq!(world.count(), requests, "{statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_tried_again_where_that_is_safe() {
    use Resend::{MaybeProcessed, Safe};
    for (method, kind, resend, requests) in [
        ("GET", Kind::Connect, Safe, 2),
        ("POST", Kind::Connect, Safe, 2),
        ("POST", Kind::Connect, MaybeProcessed, 1),
        ("PUT", Kind::Protocol, MaybeProcessed, 2),
        ("GET", Kind::Timeout(Phase::Head), MaybeProcessed, 2),
        ("PATCH", Kind::Timeout(Phase::Head), MaybeProcessed, 1),
        ("GET", Kind::Builder, Safe, 1),
        ("GET", Kind::Timeout(Phase::Total), MaybeProcessed, 1),
        ("CONNECT", Kind::Connect, Safe, 2),
        ("CONNECT", Kind::Protocol, MaybeProcessed, 1),
    ] {
        let world = World::errors(1, kind, resend);
        let outcome = world.ask(&thrice(), request(method, "")).await;
        let want = if requests == 2 { (Ok(200), Some(2)) } else { (Err(kind), None) };
        assert_eq!(told(&outcome), want, "{method} {kind:?} {resend:?}");
        assert_eq!(world.count(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_error_keeps_its_kind_and_stands_behind_the_count() {
    let world = World::errors(9, Kind::Connect, Resend::Safe);
    let error = world.ask(&thrice(), get()).await.unwrap_err();
    assert_eq!((error.kind(), error.resend(), world.count()), (Kind::Connect, Resend::Safe, 3));
    let exhausted = error.find::<Exhausted>().unwrap();
    assert_eq!((exhausted.attempts(), exhausted.to_string().as_str()), (3, "given up after 3 attempts"));
    assert_eq!(exhausted.source().unwrap().to_string(), "failure 2");
    assert_eq!(error.find::<treq_core::Error>().unwrap().to_string(), "failure 2");
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(error.url(), Some("http://a.test/path?…"));
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_are_as_safe_as_the_least_safe_one() {
    let safe = |number: usize| treq_core::Error::new(Kind::Connect, format!("{number}")).with_resend(Resend::Safe);
    let after_status = World::new(move |_, number| if number == 0 { Ok(status(503)) } else { Err(safe(number)) });
    let after_error = World::new(move |_, number| match number {
        0 => Err(treq_core::Error::new(Kind::Protocol, "cut")),
        _ => Err(safe(number)),
    });
    for world in [after_status, after_error] {
        let error = world.ask(&thrice(), get()).await.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::MaybeProcessed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_says_how_often_it_is_sent() {
    for (layer, option, requests) in [
        (RetryLayer::new().attempts(1), Some(Attempts::new(2)), 2),
        (thrice(), Some(Attempts::new(1)), 1),
        (thrice(), Some(Attempts::new(0)), 1),
        (thrice(), Some(Attempts::new(5)), 5),
        (thrice(), None, 3),
    ] {
        let world = World::statuses(&[503]);
        let mut request = get();
        if let Some(option) = option {
            request.extensions_mut().insert(option);
        }
        assert_eq!(world.ask(&layer, request).await.unwrap().status(), 503);
        assert_eq!(world.count(), requests, "{option:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_list_of_statuses_and_another_policy_decide() {
    let standard = Standard::new().statuses([StatusCode::INTERNAL_SERVER_ERROR]);
    for (statuses, requests) in [(&[500, 200][..], 2), (&[503, 200], 1)] {
        let world = World::statuses(statuses);
        world.ask(&thrice().policy(standard.clone()), get()).await.unwrap();
        assert_eq!(world.count(), requests);
    }
    #[derive(Clone)]
    struct Important;
    let policy = retry_fn(|attempt| match attempt.outcome() {
        Outcome::Response(head) if head.status() == 418 => {
            assert_eq!((attempt.method().as_str(), attempt.url().host()), ("POST", Some("a.test")));
            match attempt.extensions().get::<Important>() {
                Some(_) => Action::After(Duration::from_millis(u64::from(attempt.number()) * 7)),
                None => Action::Stop,
            }
        }
        _ => Action::Stop,
    });
    for (important, times) in [(true, vec![0, 7, 21]), (false, vec![0])] {
        let world = World::statuses(&[418]);
        let mut request = post();
        if important {
            request.extensions_mut().insert(Important);
        }
        world.ask(&thrice().policy(policy), request).await.unwrap();
        assert_eq!(world.times(), times);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_ends_it_and_is_shared_by_clones() {
    let budget = Budget::new().window(Duration::from_secs(1)).min_per_second(1).percent(0);
    let layers = [thrice().budget(budget.clone()), thrice().budget(budget).attempts(4)];
    let counts: Vec<_> = [0, 1, 0].map(|which| (World::statuses(&[503]), layers[which].clone())).into();
    let mut requests = Vec::new();
    for (world, layer) in counts {
        let outcome = world.ask(&layer, get()).await;
        assert_eq!(
            outcome.unwrap().extensions().get::<Attempted>().map(|n| n.count()),
            (world.count() > 1).then_some(2)
        );
        requests.push(world.count());
    }
    assert_eq!(requests, [2, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn requests_earn_the_resends_of_later_ones() {
    let layer = thrice().budget(Budget::new().min_per_second(0));
    let world = World::new(|_, number| Ok(status(if number < 9 { 200 } else { 503 })));
    for _ in 0..10 {
        world.ask(&layer.clone(), get()).await.unwrap();
    }
    assert_eq!(world.count(), 12);
    // Those that are sent once anyway earn nothing.
    for _ in 0..20 {
        let mut once = get();
        once.extensions_mut().insert(Attempts::new(1));
        world.ask(&layer, once).await.unwrap();
    }
    let before = world.count();
    world.ask(&layer, get()).await.unwrap();
    assert_eq!(world.count() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn one_key_goes_with_all_attempts_of_a_post() {
    let layer = thrice().idempotency_key(true);
    let world = World::statuses(&[503]);
    for _ in 0..2 {
        assert_eq!(told(&world.ask(&layer, post()).await), (Ok(503), Some(3)));
    }
    let keys: Vec<_> = world.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[3] == keys[4] && keys[0] != keys[3]);
    let text = keys[0].to_str().unwrap();
    assert!(text.len() == 38 && text.starts_with('"') && text.ends_with('"') && &text[15..16] == "4", "{text}");
}

#[tokio::test(start_paused = true)]
async fn keys_are_added_where_asked_for_and_lacking() {
    for (layer, option, method, own, key) in [
        (false, None, "POST", None, None),
        (true, None, "POST", None, Some("new")),
        (true, None, "PATCH", None, Some("new")),
        (true, None, "GET", None, None),
        (true, Some(false), "POST", None, None),
        (false, Some(true), "POST", None, Some("new")),
        (false, Some(true), "PUT", None, None),
        (true, None, "POST", Some("\"mine\""), Some("\"mine\"")),
        (false, None, "POST", Some("\"mine\""), Some("\"mine\"")),
    ] {
        let world = World::statuses(&[503]);
        let mut request = request(method, "charge");
        if let Some(own) = own {
            request.headers_mut().insert("idempotency-key", own.parse().unwrap());
        }
        if let Some(option) = option {
            request.extensions_mut().insert(IdempotencyKey::new(option));
        }
        world.ask(&thrice().idempotency_key(layer), request).await.unwrap();
        let seen = world.seen();
        let sent = seen[0].headers.get("idempotency-key").map(|value| value.to_str().unwrap());
        match key {
            Some("new") => assert!(sent.is_some_and(|sent| sent.len() == 38)),
            _ => assert_eq!(sent, key),
        }
        // By its key a request may be repeated.
        let repeatable = sent.is_some() || ["GET", "PUT"].contains(&method);
        assert_eq!(seen.len(), if repeatable { 3 } else { 1 }, "{layer} {option:?} {method} {own:?}");
    }
    // For a caller that retries by itself.
    let world = World::statuses(&[503]);
    world.ask(&RetryLayer::new().attempts(1).idempotency_key(true), post()).await.unwrap();
    assert!(world.seen()[0].headers.contains_key("idempotency-key"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_attempt_is_dropped_and_followed_by_another() {
    let limit = Duration::from_secs(2);
    // How long each attempt takes, in milliseconds.
    let layer = thrice().backoff(Backoff::new().base(Duration::ZERO));
    for (layer, method, attempts, want, elapsed) in [
        (layer.clone(), "GET", &[9000, 500][..], (Ok(200), Some(2)), 2000 + 500),
        (layer.clone(), "GET", &[1999], (Ok(200), None), 1999),
        (layer.clone(), "GET", &[9000; 3], (Err(Kind::Timeout(Phase::Head)), Some(3)), 6000),
        (layer.clone(), "POST", &[9000], (Err(Kind::Timeout(Phase::Head)), None), 2000),
        (layer.attempts(1), "GET", &[9000], (Err(Kind::Timeout(Phase::Head)), None), 2000),
    ] {
        let number = Arc::new(AtomicUsize::new(0));
        let service = service_fn(move |_| {
            let time = Duration::from_millis(attempts[number.fetch_add(1, Ordering::Relaxed)]);
            async move {
                tokio::time::sleep(time).await;
                Ok::<_, Infallible>(status(200))
            }
        });
        let begun = tokio::time::Instant::now();
        let outcome = layer.attempt_timeout(limit).layer(service).oneshot(request(method, "x")).await;
        assert_eq!(told(&outcome), want);
        // Timers know milliseconds.
        let took = begun.elapsed().as_millis();
        assert!((elapsed..elapsed + 6).contains(&took), "{took} {elapsed}");
        if let Err(error) = outcome {
            assert_eq!(error.find::<SlowAttempt>().unwrap().limit, limit);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_an_attempt_ends_with_it() {
    let service = service_fn(|_: http::Request<Body>| async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok::<_, Infallible>(status(503))
    });
    let layer = thrice().backoff(Backoff::new().base(Duration::ZERO)).attempt_timeout(Duration::from_secs(9));
    let begun = tokio::time::Instant::now();
    assert_eq!(told(&layer.layer(service).oneshot(get()).await), (Ok(503), Some(3)));
    assert_eq!(begun.elapsed().as_millis(), 1500);
}
