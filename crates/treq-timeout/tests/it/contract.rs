use std::time::Duration;

use treq_timeout::{DeadlineLayer, TimeoutLayer};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    treq_testing::contract::check(TimeoutLayer::new()).await;
    treq_testing::contract::check(TimeoutLayer::new().head(Duration::from_millis(300))).await;
    treq_testing::contract::check(TimeoutLayer::unlimited()).await;
    treq_testing::contract::check(DeadlineLayer::new()).await;
    treq_testing::contract::check(DeadlineLayer::new().total(Duration::from_secs(5))).await;
}
