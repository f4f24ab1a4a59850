use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tower_layer::Layer;
use treq_core::{ByTryClone, Never};

use crate::policy::Standard;
use crate::{Action, Attempt, Backoff, Budget, Outcome, Policy, Retry, retry_after};

/// Sends requests to the service that it is put around again; see the [crate's page](crate).
#[derive(Clone)]
pub struct RetryLayer<Y = ByTryClone> {
    /// Shared by all clones.
    pub(crate) config: Arc<Config>,
    pub(crate) replay: Y,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) attempts: u32,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) idempotency_key: bool,
    pub(crate) budget: Option<Budget>,
    pub(crate) drain_until: Timer,
    policy: Arc<dyn Policy>,
    backoff: Backoff,
    retry_after_limit: Duration,
    random: Option<Arc<dyn Fn() -> u64 + Send + Sync>>,
    clock: Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>,
}

/// Makes a future that is done when a response's body has been waited for long enough.
pub(crate) type Timer = Arc<dyn Fn() -> Waiting + Send + Sync>;
/// Boxed: only made where such a body is late.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

impl RetryLayer {
    /// A layer that sends each request up to three times, if that is [safe](Standard). A body can be sent again if it is
    /// [`TryClone`](treq_core::TryClone).
    #[must_use]
    pub fn new() -> RetryLayer {
        RetryLayer::default()
    }
}

impl Default for RetryLayer {
    fn default() -> RetryLayer {
        let config = Config {
            attempts: 3,
            attempt_timeout: None,
            idempotency_key: false,
            budget: Some(Budget::default()),
            drain_until: Arc::new(|| Box::pin(tokio::time::sleep(Duration::from_millis(50)))),
            policy: Arc::new(Standard::new()),
            backoff: Backoff::new(),
            retry_after_limit: Duration::from_secs(60),
            random: None,
            clock: None,
        };
        RetryLayer { config: Arc::new(config), replay: ByTryClone }
    }
}

impl<Y> RetryLayer<Y> {
    fn config(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.config)
    }

    /// How often a request is sent at most, the first time among them. With 1, as with 0, only those requests are retried
    /// that have [`Attempts`](crate::Attempts). (default: 3)
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.config().attempts = attempts;
        self
    }

    /// Which attempts are followed by another. [`retry_fn`](crate::retry_fn) makes a policy of a closure. (default:
    /// [`Standard`])
    #[must_use]
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.config().policy = Arc::new(policy);
        self
    }

    /// How long is waited before an attempt: from nothing up to 100 ms, twice as much each time up to 10 s, unless set.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.config().backoff = backoff;
        self
    }

    /// The longest `Retry-After` that is waited for: 60 s unless set. A response that asks for more is returned at once.
    #[must_use]
    pub fn retry_after_limit(mut self, limit: Duration) -> Self {
        self.config().retry_after_limit = limit;
        self
    }

    /// How many requests may be sent again in view of how many are made; `None`: as many as there are. One in five and
    /// ten a second, counted over 10 s, unless set. All clones of the layer share it; to share it among more of them,
    /// give each a clone of one [`Budget`].
    #[must_use]
    pub fn budget(mut self, budget: impl Into<Option<Budget>>) -> Self {
        self.config().budget = budget.into();
        self
    }

    /// How long each attempt may take from its call to the head of its response; `None`, which is the default: as long
    /// as it takes. Then it is dropped, which is an error of `Kind::Timeout(Phase::Head)` with the cause
    /// [`SlowAttempt`](crate::SlowAttempt), followed by a further attempt or not. A limit on requests that are sent once,
    /// too.
    #[must_use]
    pub fn attempt_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config().attempt_timeout = limit.into();
        self
    }

    /// Whether requests whose method is not idempotent get a random `Idempotency-Key`
    /// ([draft-ietf-httpapi-idempotency-key-header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)),
    /// the same with each attempt, unless they have one. Off unless set: it makes them repeatable, so the server must
    /// know the field.
    #[must_use]
    pub fn idempotency_key(mut self, on: bool) -> Self {
        self.config().idempotency_key = on;
        self
    }

    /// How long a response's body that comes late is waited for before it is dropped, and its connection with it: until
    /// the future that `timer` makes is done. 50 ms unless set.
    #[must_use]
    pub fn drain_until<T, F>(mut self, timer: T) -> Self
    where
        T: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.config().drain_until = Arc::new(move || Box::pin(timer()));
        self
    }

    /// Where the backoff's random numbers come from, evenly spread over all of `u64`: the system unless set.
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.config().random = Some(Arc::new(random));
        self
    }

    /// What a `Retry-After` with a date is compared with: the system's clock unless set.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.config().clock = Some(Arc::new(now));
        self
    }

    /// How a body is copied for a further attempt: a closure `Fn(&B) -> Option<B>`, or any other
    /// [`Replay`](treq_core::Replay). [`replay_fn`](treq_core::replay_fn) takes a closure that does not name the type.
    #[must_use]
    pub fn replay<R>(self, replay: R) -> RetryLayer<R> {
        RetryLayer { config: self.config, replay }
    }

    /// Bodies go out once: only requests without one are sent again.
    #[must_use]
    pub fn without_replay(self) -> RetryLayer<Never> {
        self.replay(Never)
    }
}

impl Config {
    /// How long after this attempt the request is sent again; `None`: never.
    pub(crate) fn wait(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        match self.policy.decide(attempt) {
            Action::Stop => None,
            Action::After(delay) => Some(delay),
            Action::Again => {
                let asked = match attempt.outcome {
                    Outcome::Response(head) if head.headers().contains_key(http::header::RETRY_AFTER) => {
                        let now = self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock());
                        retry_after(head.headers(), now).unwrap_or_default()
                    }
                    _ => Duration::ZERO,
                };
                let backoff = self.backoff.delay(attempt.number.saturating_sub(1), self.random());
                (asked <= self.retry_after_limit).then(|| asked.max(backoff))
            }
        }
    }

    fn random(&self) -> u64 {
        match &self.random {
            Some(random) => random(),
            // Without random numbers the longest wait is the careful one.
            None => getrandom::u64().unwrap_or(u64::MAX),
        }
    }
}

impl<S, Y: Clone> Layer<S> for RetryLayer<Y> {
    type Service = Retry<S, Y>;

    fn layer(&self, inner: S) -> Retry<S, Y> {
        Retry { inner, layer: self.clone() }
    }
}

impl<Y> fmt::Debug for RetryLayer<Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("attempts", &self.config.attempts)
            .field("attempt_timeout", &self.config.attempt_timeout)
            .field("idempotency_key", &self.config.idempotency_key)
            .field("backoff", &self.config.backoff)
            .field("retry_after_limit", &self.config.retry_after_limit)
            .field("budget", &self.config.budget)
            .finish_non_exhaustive()
    }
}
