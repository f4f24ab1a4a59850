use treq_proxy::{Proxies, RouteLayer};
use treq_testing::contract::check;

use crate::support::{Echo, proxy};

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    check(RouteLayer::new(Proxies::none())).await;
    check(RouteLayer::new(Proxies::all(proxy("http://u:p@p.test")))).await;
    check(RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default())))).await;
    check(RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default()))).without_replay()).await;
    check(RouteLayer::new(Proxies::custom(|_| None))).await;
}
