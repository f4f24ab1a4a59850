use std::time::Duration;

use treq_retry::{Backoff, RetryLayer};
use treq_testing::contract::check;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    check(RetryLayer::new().attempts(1)).await;
    check(RetryLayer::new().attempts(1).attempt_timeout(Duration::from_secs(5))).await;
    check(RetryLayer::new()).await;
    check(RetryLayer::new().attempts(3).without_replay()).await;
    check(RetryLayer::new().attempts(3).attempt_timeout(Duration::from_secs(5))).await;
    // With a key its POSTs are sent again where they fail.
    check(RetryLayer::new().attempts(3).idempotency_key(true)).await;
    check(RetryLayer::new().attempts(2).idempotency_key(true).backoff(Backoff::new().base(Duration::ZERO))).await;
}
