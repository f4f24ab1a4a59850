use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Extensions;
use tokio::sync::watch;

use super::body::MockBody;
use super::observe::Observed;
use crate::tasks::lock;

/// What all clones of one [`Mock`](super::Mock) share: what they are to do, and what they saw.
#[derive(Clone, Debug)]
pub(super) struct Probe(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    plan: Plan,
    state: Mutex<State>,
    live: Live,
    stalled: watch::Sender<bool>,
}

/// What the service does with each request.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) fail_ready: bool,
    pub(super) fail_call: bool,
    /// At which of its polls the answer stops coming, for ever.
    pub(super) stall_at: Option<usize>,
    /// The body of each answer.
    pub(super) answer: MockBody,
}

#[derive(Debug, Default)]
struct State {
    instances: usize,
    faults: Vec<String>,
    requests: Vec<Seen>,
    /// Instances that are ready and were not called yet.
    ready: Vec<usize>,
}

/// A request as it reached the mock.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) extensions: Extensions,
    /// None until it was read.
    pub(super) body: Option<Observed>,
}

impl Probe {
    pub(super) fn new(plan: Plan) -> Probe {
        let (live, stalled) = (Live::default(), watch::Sender::new(false));
        Probe(Arc::new(Shared { plan, state: Mutex::default(), live, stalled }))
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// A number for one more instance of the mock.
    pub(super) fn instance(&self) -> usize {
        let mut state = lock(&self.0.state);
        state.instances += 1;
        state.instances
    }

    pub(super) fn became_ready(&self, instance: usize) {
        lock(&self.0.state).ready.push(instance);
    }

    /// Notes a call; a fault unless the instance is ready.
    pub(super) fn called(&self, instance: usize) {
        let mut state = lock(&self.0.state);
        if let Some(place) = state.ready.iter().position(|ready| *ready == instance) {
            state.ready.remove(place);
            return;
        }
        let fault = match state.ready.last() {
            Some(_) => {
                "calls an unready clone: poll_ready made one instance of the inner service ready, and another one, \
                 which was not, got the call; move the ready one into the future with mem::replace"
            }
            None => "calls the inner service before its poll_ready has said ready",
        };
        state.faults.push(fault.to_owned());
    }

    /// Forgets an instance that was dropped while it was ready.
    pub(super) fn dropped(&self, instance: usize) {
        lock(&self.0.state).ready.retain(|ready| *ready != instance);
    }

    /// Notes a request and tells its place.
    pub(super) fn requested(&self, extensions: Extensions) -> usize {
        let mut state = lock(&self.0.state);
        state.requests.push(Seen { extensions, body: None });
        state.requests.len() - 1
    }

    pub(super) fn read(&self, place: usize, body: Observed) {
        if let Some(seen) = lock(&self.0.state).requests.get_mut(place) {
            seen.body = Some(body);
        }
    }

    /// Notes what the mock noticed by itself.
    pub(super) fn fault(&self, fault: &str) {
        lock(&self.0.state).faults.push(fault.to_owned());
    }

    /// Whether an instance is ready and waits for its call.
    pub(super) fn is_reserved(&self) -> bool {
        !lock(&self.0.state).ready.is_empty()
    }

    pub(super) fn first_fault(&self) -> Option<String> {
        lock(&self.0.state).faults.first().cloned()
    }

    /// Takes what is known of the last request.
    pub(super) fn last_request(&self) -> Option<Seen> {
        lock(&self.0.state).requests.pop()
    }

    pub(super) fn stall(&self) {
        self.0.stalled.send_replace(true);
    }

    /// Waits until an answer has stopped coming.
    pub(super) async fn stalled(&self) {
        // The sender lives in `self`: the channel cannot be closed meanwhile.
        let _ = self.0.stalled.subscribe().wait_for(|stalled| *stalled).await;
    }

    /// A token for one more future or body.
    pub(super) fn token(&self) -> Token {
        self.0.live.token()
    }

    /// How many futures and bodies are alive.
    pub(super) fn live(&self) -> usize {
        self.0.live.0.load(Ordering::SeqCst)
    }
}

/// The counter behind the tokens.
#[derive(Clone, Debug, Default)]
struct Live(Arc<AtomicUsize>);

impl Live {
    fn token(&self) -> Token {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(self.clone())
    }
}

/// Something that must not outlive its exchange.
#[derive(Debug)]
pub(super) struct Token(Live);

impl Clone for Token {
    fn clone(&self) -> Token {
        self.0.token()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
