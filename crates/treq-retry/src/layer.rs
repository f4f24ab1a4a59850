use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tower_layer::Layer;
use treq_core::{ByTryClone, Never};

use crate::policy::Standard;
use crate::{Action, Attempt, Backoff, Budget, Outcome, Policy, Retry, retry_after};

/// Retries the requests of a service, if that is safe; see the [crate's page](crate).
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use treq_retry::{Attempted, Backoff, Budget, RetryLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any service of `http` requests: hyper-util's client, axum's router, a mock. This one is always busy.
/// let service = service_fn(|_: Request<Full<Bytes>>| async {
///     Ok::<_, Infallible>(Response::builder().status(503).body(Full::new(Bytes::from("busy"))).unwrap())
/// });
///
/// let retry = RetryLayer::new()
///     .attempts(4)
///     .attempt_timeout(Duration::from_secs(5))
///     .backoff(Backoff::new().base(Duration::from_millis(10)).cap(Duration::from_secs(1)))
///     .budget(Budget::new().percent(10));
/// let client = ServiceBuilder::new().layer(retry).service(service);
///
/// // PUT is idempotent: it is sent until the last attempt, whose response is the caller's.
/// let request = Request::put("http://a.test/").body(Full::from("tea"))?;
/// let response = client.clone().oneshot(request).await?;
/// assert_eq!((response.status().as_u16(), response.extensions().get()), (503, Some(&Attempted::new(4))));
///
/// // POST is not: it is sent once.
/// let response = client.oneshot(Request::post("http://a.test/").body(Full::from("tea"))?).await?;
/// assert_eq!(response.extensions().get::<Attempted>(), None);
/// # Ok(()) }
/// ```
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
    pub(crate) drain_timeout: Duration,
    policy: Arc<dyn Policy>,
    backoff: Backoff,
    retry_after_limit: Duration,
}

/// The default of [`drain_timeout`](RetryLayer::drain_timeout): after it, a new connection is cheaper.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(50);

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
            drain_timeout: DRAIN_TIMEOUT,
            policy: Arc::new(Standard::new()),
            backoff: Backoff::new(),
            retry_after_limit: Duration::from_secs(60),
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

    /// Sets how long the body of a response that is not returned is waited for if it comes late, so that its connection can be used again. Then the
    /// body is dropped, and its connection with it. (default: 50 ms)
    ///
    /// The wait needs tokio's timers. Outside of a tokio runtime only the service's own limits end a body that never comes.
    #[must_use]
    pub fn drain_timeout(mut self, limit: Duration) -> Self {
        self.config().drain_timeout = limit;
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
    /// How long after this attempt the request is sent again; `None`: never. A date is compared with `now`, and `random`,
    /// which is evenly spread over all of `u64`, picks the backoff: both are called only if needed.
    pub(crate) fn wait(
        &self,
        attempt: &Attempt<'_>,
        now: impl FnOnce() -> SystemTime,
        random: impl FnOnce() -> u64,
    ) -> Option<Duration> {
        match self.policy.decide(attempt) {
            Action::Stop => None,
            Action::After(delay) => Some(delay),
            Action::Again => {
                let asked = match attempt.outcome {
                    Outcome::Response(head) if head.headers().contains_key(http::header::RETRY_AFTER) => {
                        retry_after(head.headers(), now()).unwrap_or_default()
                    }
                    _ => Duration::ZERO,
                };
                let backoff = self.backoff.delay(attempt.number.saturating_sub(1), random());
                (asked <= self.retry_after_limit).then(|| asked.max(backoff))
            }
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

#[cfg(test)]
mod tests {
    use http::{Request, Response, StatusCode};
    use treq_core::{Error, Kind};

    use super::*;
    use crate::retry_fn;

    /// 14 November 2023, 22:13:20.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    /// The wait after attempt `number` of a GET.
    fn wait(layer: &RetryLayer, number: u32, outcome: Outcome<'_>, random: u64) -> Option<Duration> {
        let request = Request::get("http://a.test/").body(()).unwrap();
        layer.config.wait(&Attempt::new(number, &request, outcome), now, || random)
    }

    fn busy(retry_after: Option<&str>) -> Response<()> {
        let mut response = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
        if let Some(retry_after) = retry_after {
            response = response.header("retry-after", retry_after);
        }
        response.body(()).unwrap()
    }

    #[test]
    fn waits_grow_up_to_the_cap() {
        let backoff = Backoff::new().base(Duration::from_secs(1)).cap(Duration::from_secs(3));
        let layer = RetryLayer::new().backoff(backoff);
        let (response, error) = (busy(None), Error::new(Kind::Connect, "refused"));
        for outcome in [Outcome::from(&response), Outcome::from(&error)] {
            let waits = |random| [1, 2, 3, 4].map(|number| wait(&layer, number, outcome, random).unwrap().as_millis());
            assert_eq!(waits(1 << 63), [500, 1000, 1500, 1500]);
            assert_eq!(waits(0), [0; 4]);
        }
        let none = layer.backoff(backoff.base(Duration::ZERO));
        assert_eq!(wait(&none, 4, Outcome::from(&response), u64::MAX), Some(Duration::ZERO));
    }

    #[test]
    fn retry_after_counts_where_it_is_longer_and_not_too_long() {
        let layer = RetryLayer::new();
        for (field, want) in [
            // The backoff is longer, or all there is.
            ("0", Some(50)),
            ("-1", Some(50)),
            ("1.5", Some(50)),
            ("x", Some(50)),
            ("9e9", Some(50)),
            ("", Some(50)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(50)),
            ("1", Some(1000)),
            ("60", Some(60_000)),
            ("Tue, 14 Nov 2023 22:13:25 GMT", Some(5000)),
            ("Tuesday, 14-Nov-23 22:13:25 GMT", Some(5000)),
            ("Tue Nov 14 22:13:25 2023", Some(5000)),
            // Longer than anybody waits.
            ("61", None),
            ("999999", None),
            ("99999999999999999999", None),
            ("Wed, 21 Oct 2099 07:28:00 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ] {
            let found = wait(&layer, 1, Outcome::from(&busy(Some(field))), 1 << 63);
            assert_eq!(found.map(|wait| wait.as_millis()), want, "{field}");
        }
    }

    #[test]
    fn neither_clock_nor_random_numbers_are_read_without_need() {
        let request = Request::get("http://a.test/").body(()).unwrap();
        let (ok, busy) = (Response::new(()), busy(Some("1")));
        let fixed = RetryLayer::new().policy(retry_fn(|_| Action::After(Duration::from_secs(7))));
        for (layer, response, want) in [(RetryLayer::new(), &ok, None), (fixed, &busy, Some(Duration::from_secs(7)))] {
            let attempt = Attempt::new(1, &request, Outcome::from(response));
            let found = layer.config.wait(&attempt, || panic!("the clock is read"), || panic!("a number is drawn"));
            assert_eq!(found, want);
        }
    }
}
