//! What a hostile server or a careless caller could do, each by its number in the table of threats. RT-05 stands with the
//! budget.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceExt};
use treq_core::{Body, BoxError};
use treq_retry::{RetryLayer, retry_after};

use crate::support::{World, busy, get, post, request, thrice, told};

#[tokio::test(start_paused = true)]
async fn threat_rt_01_a_post_that_gets_a_503_is_one_request() {
    for layer in [RetryLayer::new(), RetryLayer::new().attempts(10), thrice()] {
        for (method, statuses) in [("POST", &[503][..]), ("PATCH", &[503]), ("POST", &[429]), ("POST", &[408])] {
            let world = World::statuses(statuses);
            let outcome = world.ask(&layer, request(method, "charge")).await;
            assert_eq!((told(&outcome), world.count()), ((Ok(statuses[0]), None), 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn threat_rt_02_an_answer_that_asks_for_years_is_returned_at_once() {
    for field in ["999999", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let world = World::new(move |_, _| Ok(busy(field)));
        let begun = tokio::time::Instant::now();
        let response = world.ask(&thrice(), get()).await.unwrap();
        assert_eq!((response.status().as_u16(), world.count()), (503, 1));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "busy");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[test]
fn threat_rt_03_odd_fields_are_no_wait() {
    let delays = ["-1", "1.5", "x", "Thu, 01 Jan 1970 00:00:00 GMT", "9e9"].map(|field| {
        let headers: HeaderMap = [(http::header::RETRY_AFTER, HeaderValue::from_static(field))].into_iter().collect();
        retry_after(&headers, SystemTime::now()).map(|wait| wait.as_secs())
    });
    assert_eq!(delays, [None, None, None, Some(0), None]);
}

#[tokio::test(start_paused = true)]
async fn threat_rt_07_each_attempt_is_made_from_the_callers_request() {
    static SIGNED: AtomicUsize = AtomicUsize::new(0);
    // Signs what it is given, and would sign on top of an older signature.
    let sign = MapRequestLayer::new(|mut request: Request<Body>| {
        let number = SIGNED.fetch_add(1, Ordering::Relaxed);
        request.headers_mut().append("signature", HeaderValue::from(number));
        request
    });
    let world = World::statuses(&[503]);
    let service = thrice().layer(sign.layer(world.clone()));
    service.oneshot(get()).await.unwrap();
    let signatures: Vec<Vec<_>> =
        world.seen().iter().map(|seen| seen.headers.get_all("signature").iter().cloned().collect()).collect();
    assert_eq!(signatures, [["0"], ["1"], ["2"]]);
}

#[tokio::test(start_paused = true)]
async fn threat_rt_08_nothing_is_sent_after_it_was_dropped_while_waiting() {
    let world = World::new(|_, _| Ok(busy("10")));
    let layer = thrice();
    let sending = world.ask(&layer, get());
    assert!(tokio::time::timeout(Duration::from_secs(5), sending).await.is_err());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.count(), 1);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn threat_rt_09_a_response_that_was_handed_out_is_not_asked_for_again() {
    let world = World::new(|_, _| {
        let half = Full::new(Bytes::from_static(b"half")).map_err(|never| match never {});
        Ok(Response::new(Body::new(half.with_trailers(std::future::ready(Some(Err(BoxError::from("cut"))))))))
    });
    let response = world.ask(&thrice(), get()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(world.count(), 1);
    let world = World::statuses(&[200]);
    assert_eq!(told(&world.ask(&thrice(), post()).await), (Ok(200), None));
}
