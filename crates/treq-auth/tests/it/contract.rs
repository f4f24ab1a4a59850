use treq_auth::{AuthLayer, Basic, Digest, Netrc, Outgoing, Scheme, Step};
use treq_core::{BoxError, Origin};

/// As Digest would on each request, without adding anything.
struct Listener;

impl Scheme for Listener {
    fn authorize(&self, _: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        Ok(Step::Send)
    }

    fn listens(&self) -> bool {
        true
    }
}

/// Waits before each request.
struct Late;

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
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    use treq_testing::contract::check;
    check(AuthLayer::new()).await;
    check(AuthLayer::new().netrc(Netrc::parse("default login u password p").unwrap())).await;
    let origin = Origin::from_uri(&"http://contract.test/".parse().unwrap()).unwrap();
    check(AuthLayer::new().credentials(origin.clone(), Basic::new("u", "p").unwrap())).await;
    check(AuthLayer::new().credentials(origin.clone(), Late)).await;
    check(AuthLayer::new().credentials(origin.clone(), Listener)).await;
    check(AuthLayer::new().credentials(origin.clone(), Listener).without_replay()).await;
    check(AuthLayer::new().credentials(origin, Digest::new("u", "p"))).await;
}
