//! The suites of `treq-testing`, which are for any client, over this one.

use treq::testing::InMemory;
use treq::{Client, ClientBuilder};
use treq_testing::suite::{self, Report};

async fn over(builder: impl Fn() -> ClientBuilder) -> Report {
    suite::all(|connector| builder().connector(connector).agent_layer(InMemory).build().unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn the_defaults_pass_all_but_folded_lines() {
    let report = over(Client::builder).await;
    println!("{report}");
    // Refused unless they are asked for, though RFC 9112, section 5.2, has a user agent take them.
    let failed: Vec<_> = report.failed().map(|verdict| verdict.case().name()).collect();
    assert_eq!(failed, ["a_folded_line_is_one_value"], "{report}");
}

#[tokio::test(start_paused = true)]
async fn with_folded_lines_every_case_passes() {
    over(|| Client::builder().folded_fields(true)).await.assert_passed();
}
