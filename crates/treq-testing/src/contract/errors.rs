use tower_service::Service as _;
use treq_core::BoxError;

use super::bench::{Bench, Subject, request, stems_from_mock};
use super::body::MockBody;
use super::probe::Plan;

/// Each error of the inner service, and of the bodies, is found by who looks along the sources.
pub(super) async fn check<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    for plan in [Plan { fail_ready: true, ..Plan::default() }, Plan { fail_call: true, ..Plan::default() }] {
        let place = if plan.fail_ready { "poll_ready" } else { "call" };
        let (_, mut service) = bench.set_up(plan);
        let error: Option<BoxError> = match bench.ready(&mut service).await {
            Err(error) => Some(error.into()),
            Ok(()) => {
                let sending = service.call(request(1, MockBody::default()));
                bench
                    .patiently(sending, "its future stays pending though the inner one failed")
                    .await
                    .err()
                    .map(Into::into)
            }
        };
        bench.expect_mock_error(error, &format!("the inner service's error of {place}"));
    }

    let (_, mut service) = bench.set_up(Plan { answer: MockBody::of(&["part"]).failing(), ..Plan::default() });
    let answer = bench.exchange(&mut service, request(1, MockBody::default())).await;
    let seen = bench.read(answer.into_body()).await;
    bench.expect_mock_error(seen.error, "the error of the response body");

    let (probe, mut service) = bench.set_up(Plan::default());
    let sending = bench.call(&mut service, request(1, MockBody::of(&["part"]).failing())).await;
    // The mock answers although the body failed; what the layer makes of that is its own affair.
    let _ = bench.patiently(sending, "its future stays pending after the request body failed").await;
    let seen = probe.last_request().and_then(|seen| seen.body).and_then(|body| body.error);
    bench.expect_mock_error(seen, "the error of the request body");
}

impl<L> Bench<L> {
    fn expect_mock_error(&self, error: Option<BoxError>, which: &str) {
        match error {
            None => self.fault(&format!("swallows {which}")),
            Some(error) if !stems_from_mock(&error) => {
                self.fault(&format!("hides {which}: it is not found along source() of {error:?}"));
            }
            Some(_) => {}
        }
    }
}
