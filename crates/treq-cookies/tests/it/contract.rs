use treq_cookies::{CookiesLayer, Jar};

use crate::support::set;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    treq_testing::contract::check(CookiesLayer::new()).await;
    let jar = Jar::new();
    set(&jar, "http://example.test/", &["a=1; Path=/"]);
    treq_testing::contract::check(CookiesLayer::with(jar)).await;
}
