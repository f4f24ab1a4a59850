//! Requests that go out again.

use std::time::Duration;

use treq::retry::{Attempted, Backoff, RetryLayer};
use treq::{Client, Kind};
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy";

async fn busy_once() -> RawServer {
    let steps = [Step::ReadRequest, Step::send(BUSY), Step::ReadRequest, Step::send(OK)];
    RawServer::builder().connection(steps).start().await
}

fn client() -> Client {
    let backoff = Backoff::new().base(Duration::from_millis(1));
    Client::builder().retry_layer(RetryLayer::new().attempts(3).backoff(backoff)).build().unwrap()
}

#[tokio::test]
async fn a_busy_server_is_asked_again_over_the_same_connection() {
    let server = busy_once().await;
    let mut response = client().put(server.url("/")).data("tea").await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap()), (200, "ok".to_owned()));
    assert_eq!(response.extensions().get(), Some(&Attempted::new(2)));
    let bodies: Vec<_> = server.requests().iter().map(|request| request.body.clone()).collect();
    assert_eq!((bodies, server.connections()), (vec!["tea".into(), "tea".into()], 1));
}

#[tokio::test]
async fn a_post_goes_out_again_only_with_a_key() {
    let server = busy_once().await;
    assert_eq!(client().post(server.url("/")).data("tea").await.unwrap().status(), 503);
    assert_eq!(server.requests().len(), 1);

    let server = busy_once().await;
    let response = client().post(server.url("/")).data("tea").idempotency_key(true).await.unwrap();
    assert_eq!(response.status(), 200);
    let keys: Vec<_> = server.requests().iter().map(|one| one.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
}

#[tokio::test]
async fn the_deadline_holds_over_all_attempts() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(BUSY), Step::Again]).repeat_last();
    let server = server.start().await;
    let retry = RetryLayer::new()
        .attempts(1000)
        .budget(None)
        .backoff(Backoff::new().base(Duration::from_secs(3600)).cap(Duration::from_secs(3600)));
    let client = Client::builder().retry_layer(retry).timeout(Duration::from_millis(200)).build().unwrap();
    let error = client.get(server.url("/")).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn nothing_goes_out_again_unless_asked_for() {
    let server = busy_once().await;
    assert_eq!(treq::get(server.url("/")).await.unwrap().status(), 503);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(treq::get(server.url("/")).attempts(1).await.unwrap().status(), 200);
    // With a key it could be sent again, and is not.
    let server = busy_once().await;
    assert_eq!(treq::post(server.url("/")).idempotency_key(true).await.unwrap().status(), 503);
    assert_eq!(server.requests().len(), 1);
    let server = busy_once().await;
    assert_eq!(treq::get(server.url("/")).attempts(2).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_retry_layer_without_a_number_makes_three_attempts() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(BUSY), Step::Again]).repeat_last();
    let server = server.start().await;
    let client = Client::builder().retry_layer(RetryLayer::new().backoff(Backoff::new().base(Duration::ZERO)));
    let response = client.build().unwrap().get(server.url("/")).await.unwrap();
    assert_eq!((response.extensions().get(), server.requests().len()), (Some(&Attempted::new(3)), 3));
}

#[tokio::test]
async fn a_policy_of_the_callers_own_decides_and_the_error_counts_the_attempts() {
    use treq::error::Exhausted;
    use treq::retry::{Action, Outcome, retry_fn};

    let server = RawServer::builder().connection([Step::ReadRequest, Step::Close]).repeat_last().start().await;
    // A closed connection counts as a failure that is worth another try, whatever the method.
    let policy = retry_fn(|attempt| match attempt.outcome() {
        Outcome::Error(_) => Action::After(Duration::ZERO),
        _ => Action::Stop,
    });
    let client = Client::builder().retry_layer(RetryLayer::new().attempts(3).policy(policy)).build().unwrap();
    let error = client.post(server.url("/")).data("tea").await.unwrap_err();
    assert_eq!((server.requests().len(), error.find::<Exhausted>().unwrap().attempts()), (3, 3), "{error:?}");
}
