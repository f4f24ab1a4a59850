use treq_redirect::{Follow, RedirectLayer};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    treq_testing::contract::check(RedirectLayer::new()).await;
    treq_testing::contract::check(RedirectLayer::new().without_replay()).await;
    treq_testing::contract::check(RedirectLayer::new().policy(Follow::None)).await;
}
