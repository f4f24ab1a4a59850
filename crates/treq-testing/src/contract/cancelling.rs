use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http_body::Body as _;

use super::bench::{Answer, Bench, Subject, request};
use super::body::MockBody;
use super::probe::{Plan, Probe};

/// More polls than this no layer needs for the mock's few frames.
const MANY_POLLS: usize = 1000;

/// The future dropped after none, one, two … polls.
pub(super) async fn check_futures<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    for polls in 0..MANY_POLLS {
        let (probe, mut service) = bench.set_up(plan());
        let sending = bench.call(&mut service, exchange(&probe)).await;
        let done = bench.patiently(polled(Box::pin(sending), polls), "its future is not woken").await;
        let finished = done.is_some();
        drop(done);
        bench.nothing_lives(&probe, &format!("when its future is dropped after {polls} polls")).await;
        bench.works_again(&probe, &mut service, &format!("one dropped after {polls} polls")).await;
        if finished {
            return;
        }
    }
    bench.fault("polls the inner service for ever");
}

/// The future dropped while the inner one will never be done: what goes on elsewhere is seen then.
pub(super) async fn check_stalled<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    for stall_at in 0..4 {
        let (probe, mut service) = bench.set_up(Plan { stall_at: Some(stall_at), ..plan() });
        let mut sending = Box::pin(bench.call(&mut service, exchange(&probe)).await);
        let stalled = async {
            tokio::select! {
                biased;
                _ = sending.as_mut() => bench.fault("answers a request before the inner service does"),
                () = probe.stalled() => {}
            }
        };
        bench.patiently(stalled, "its future does not poll the inner one").await;
        drop(sending);
        bench.nothing_lives(&probe, "when its future is dropped before the inner one is done").await;
    }
}

/// The body of the response dropped before, within and behind its frames, and while nothing comes.
pub(super) async fn check_bodies<L>(bench: &Bench<L>)
where
    Bench<L>: Subject,
{
    let bodies = [plan().answer, MockBody::of(&["part"]).stalling()];
    // Two polls for each of three frames, one for the end.
    for (polls, answer) in (0..=7).flat_map(|polls| bodies.clone().map(|body| (polls, body))) {
        let (probe, mut service) = bench.set_up(Plan { answer, ..plan() });
        let mut body = Box::pin(bench.exchange(&mut service, exchange(&probe)).await.into_body());
        for _ in 0..polls {
            // Pending or not does not matter here: only where it is dropped.
            let _ = poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx).is_ready())).await;
        }
        drop(body);
        let after = format!("when the response body is dropped after {polls} polls");
        bench.nothing_lives(&probe, &after).await;
    }
}

impl<L> Bench<L>
where
    Bench<L>: Subject,
{
    /// A further request, on the same service and on a clone of it, is answered.
    async fn works_again(&self, probe: &Probe, service: &mut <Bench<L> as Subject>::Service, after: &str) {
        let mut clone = service.clone();
        for service in [service, &mut clone] {
            let answer: Answer<L> = self.exchange(service, exchange(probe)).await;
            drop(answer);
        }
        self.settle(probe);
        self.nothing_lives(probe, &format!("on the request that follows {after}")).await;
    }
}

fn plan() -> Plan {
    Plan { answer: MockBody::of(&["first ", "second"]).with_trailers(), ..Plan::default() }
}

fn exchange(probe: &Probe) -> http::Request<MockBody> {
    request(1, MockBody::of(&["a ", "request"]).sized().counted(probe))
}

/// Polls `sending` so many times, each time when it was woken, then drops it; its answer, if it came.
async fn polled<F, T, E>(mut sending: Pin<Box<F>>, polls: usize) -> Option<Result<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut done = 0;
    poll_fn(|cx| {
        if done == polls {
            return Poll::Ready(None);
        }
        done += 1;
        match sending.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if done == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
