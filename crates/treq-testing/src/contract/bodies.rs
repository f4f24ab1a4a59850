use std::future::poll_fn;

use super::bench::{Bench, Mark, Subject, request};
use super::body::MockBody;
use super::observe::Observed;
use super::probe::Plan;

/// Bodies whose every property can be lost.
fn samples() -> [MockBody; 5] {
    [
        MockBody::of(&["hello ", "world"]).sized(),
        MockBody::default().sized(),
        MockBody::of(&["of ", "unknown ", "length"]),
        MockBody::of(&["data"]).sized().with_trailers(),
        MockBody::of(&[]).with_trailers(),
    ]
}

/// Request bodies reach the inner service as they are.
pub(super) async fn check_requests<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    for body in samples() {
        let sent = observed(body.clone()).await;
        let (probe, mut service) = bench.set_up(Plan::default());
        bench.exchange(&mut service, request(1, body)).await;
        bench.settle(&probe);
        match probe.last_request().and_then(|seen| seen.body) {
            Some(seen) => bench.compare(&seen, &sent, "request"),
            None => bench.fault("answers by itself, without calling the inner service"),
        }
    }
}

/// Response bodies reach the caller as they are.
pub(super) async fn check_responses<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    for body in samples() {
        let sent = observed(body.clone()).await;
        let (_, mut service) = bench.set_up(Plan { answer: body, ..Plan::default() });
        let answer = bench.exchange(&mut service, request(1, MockBody::default())).await;
        let seen = bench.read(answer.into_body()).await;
        bench.compare(&seen, &sent, "response");
    }
}

/// Extensions pass, both ways.
pub(super) async fn check_extensions<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    let (probe, mut service) = bench.set_up(Plan::default());
    let answer = bench.exchange(&mut service, request(1, MockBody::default())).await;
    let seen = probe.last_request().unwrap_or_default();
    if seen.extensions.get() != Some(&Mark("request")) {
        bench.fault("drops the extensions of the request");
    }
    if answer.extensions().get() != Some(&Mark("response")) {
        bench.fault("drops the extensions of the response");
    }
}

impl<L> Bench<L> {
    fn compare(&self, seen: &Observed, sent: &Observed, whose: &str) {
        if let Some(fault) = seen.differs_from(sent, whose) {
            self.fault(&fault);
        }
    }
}

/// What a body is when nothing is around it.
async fn observed(body: MockBody) -> Observed {
    let mut observed = Observed::of(&body);
    let mut body = Box::pin(body);
    poll_fn(|cx| observed.poll_end(body.as_mut(), cx)).await;
    observed
}
