use treq_core::BoxError;
use treq_core::auth::{Outgoing, Scheme, Step};
use treq_proxy::{Proxies, RouteLayer};
use treq_testing::contract::check;

use crate::support::{Echo, proxy};

/// Waits before each request.
struct Late {
    listens: bool,
}

impl Scheme for Late {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        match request.waits() {
            0 => Ok(Step::wait(async {
                tokio::task::yield_now().await;
                Ok(())
            })),
            _ => Ok(Step::Send),
        }
    }

    fn listens(&self) -> bool {
        self.listens
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    check(RouteLayer::new(Proxies::none())).await;
    check(RouteLayer::new(Proxies::all(proxy("http://u:p@p.test")))).await;
    check(RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default())))).await;
    check(RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default()))).without_replay()).await;
    for listens in [false, true] {
        check(RouteLayer::new(Proxies::all(proxy("p.test").auth(Late { listens })))).await;
    }
    check(RouteLayer::new(Proxies::custom(|_| None))).await;
}
