//! The suites of `treq-testing`, which are for any client, over this one.

use treq::testing::InMemory;
use treq::{Client, ClientBuilder};
use treq_testing::suite::{self, Report};

async fn over(builder: impl Fn() -> ClientBuilder) -> Report {
    suite::all(|connector| builder().connector(connector).agent_layer(InMemory).build().unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn the_defaults_pass_every_case() {
    over(Client::builder).await.assert_passed();
}
