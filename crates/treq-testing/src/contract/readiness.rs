use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::HeaderValue;
use tower_service::Service as _;

use super::bench::{Answer, Bench, NUMBER, Subject, request};
use super::body::MockBody;
use super::probe::Plan;

/// Several requests on one service, and a ready service that is dropped.
pub(super) async fn check<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    let (probe, mut service) = bench.set_up(Plan::default());
    for number in 1..=3 {
        let answer = bench.exchange(&mut service, request(number, MockBody::of(&["x"]))).await;
        bench.settle(&probe);
        bench.expect_number(&answer, number);
        if probe.is_reserved() {
            bench.fault(
                "reserves for nothing: poll_ready made one instance of the inner service ready, and the call went to \
                 another one, which the layer made ready later; move the first into the future with mem::replace",
            );
        }
    }
    let mut dropped = service.clone();
    if bench.ready(&mut dropped).await.is_err() {
        bench.fault("fails the poll_ready of a clone");
    }
    drop(dropped);
    bench.exchange(&mut service, request(4, MockBody::default())).await;
    bench.settle(&probe);
}

/// Clones that are ready at the same time, called and answered out of order.
pub(super) async fn check_clones<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    let (probe, mut first) = bench.set_up(Plan::default());
    if bench.ready(&mut first).await.is_err() {
        bench.fault("fails in poll_ready, though the inner service does not");
    }
    let mut second = first.clone();
    let second_sending = bench.call(&mut second, request(2, MockBody::of(&["two"]))).await;
    bench.settle(&probe);
    let mut first_sending = pin!(first.call(request(1, MockBody::of(&["one"]))));
    bench.settle(&probe);
    // The first is under way while the second is answered.
    if poll_fn(|cx| Poll::Ready(first_sending.as_mut().poll(cx).is_ready())).await {
        bench.fault("answers a request before the inner service does");
    }
    let mut third = second.clone();
    drop(second);
    let second_answer = bench.answer(second_sending).await;
    bench.expect_number(&second_answer, 2);
    let first_answer = bench.patiently(first_sending, "one clone's future stays pending once another's is done").await;
    match first_answer {
        Ok(answer) => bench.expect_number(&answer, 1),
        Err(_) => bench.fault("fails one clone's request when another clone's is answered"),
    }
    let third_answer = bench.exchange(&mut third, request(3, MockBody::default())).await;
    bench.expect_number(&third_answer, 3);
    bench.settle(&probe);
}

impl<L> Bench<L>
where
    Bench<L>: Subject,
{
    fn expect_number(&self, answer: &Answer<L>, number: u16) {
        if answer.headers().get(NUMBER) != Some(&HeaderValue::from(number)) {
            self.fault("gives a request the answer to another one (or drops a field that it does not know)");
        }
    }
}
