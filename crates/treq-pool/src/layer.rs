use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Connection, Target};

use crate::Pool;

/// Keeps the connections that a maker of connections yields, and shares them among callers.
///
/// See the [crate's page](crate) for what is kept, for how long, and in which order waiters are served.
///
/// ```
/// use std::time::Duration;
/// use treq_agent::{Agent, HttpHandshake};
/// use treq_core::{Body, Connected, Target};
/// use treq_pool::PoolLayer;
/// use tower::ServiceBuilder;
/// # use tokio::io::DuplexStream as Stream;
/// # async fn dial(_: Target) -> std::io::Result<Connected<Stream>> { unreachable!() }
///
/// // `dial` makes a byte stream: `async fn(Target) -> std::io::Result<Connected<Stream>>`.
/// let handshake = HttpHandshake::new(tower::service_fn(dial));
/// let pool = PoolLayer::new().max_per_host(8).max_total(100).idle_time(Duration::from_secs(30)).wait(Duration::from_secs(3));
/// let agent = Agent::new(ServiceBuilder::new().layer(pool).service(handshake));
/// # let _: Agent<treq_pool::Pool<_, treq_agent::HttpConnection<Body>>> = agent;
/// ```
#[derive(Clone, Debug, Default)]
pub struct PoolLayer {
    limits: Limits,
}

/// The knobs of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) idle_per_host: usize,
    pub(crate) idle_total: usize,
    pub(crate) idle_time: Duration,
    pub(crate) per_host: Option<usize>,
    pub(crate) total: Option<usize>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) wait: Option<Duration>,
}

/// The time that a host waits under the limit on the total before others give up connections that their own requests would
/// reuse: without it there is hardly any connection reuse when hosts compete.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// As long as any process lives: adding it to a time does not overflow.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            idle_per_host: 32,
            idle_total: 256,
            idle_time: Duration::from_secs(90),
            per_host: None,
            total: None,
            max_age: None,
            wait: Some(Duration::from_secs(10)),
        }
    }
}

impl Limits {
    /// How long a waiter waits. Without a cap the only wait is for a handshake under way, which has limits of its own.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait.filter(|_| self.per_host.is_some() || self.total.is_some())
    }

    /// Whether any connection is kept.
    pub(crate) fn keeps(&self) -> bool {
        self.idle_per_host > 0 && self.idle_total > 0 && !self.idle_time.is_zero()
    }

    /// How long a connection is kept idle: no longer than its server says that it keeps it.
    pub(crate) fn idle_for(&self, hint: Option<Duration>) -> Duration {
        hint.map_or(self.idle_time, |hint| hint.min(self.idle_time))
    }
}

impl PoolLayer {
    /// A pool with the default limits: 32 idle connections per origin, 256 in all, for 90 seconds.
    #[must_use]
    pub fn new() -> PoolLayer {
        PoolLayer::default()
    }

    /// How many idle connections of one origin are kept: 32 unless set. Twisted's pool keeps 2. With 0 no connection
    /// is kept, and requests say `Connection: close`. The one idle the longest is closed first.
    #[must_use]
    pub fn idle_per_host(mut self, connections: usize) -> PoolLayer {
        self.limits.idle_per_host = connections;
        self
    }

    /// How many idle connections are kept in all: 256 unless set.
    #[must_use]
    pub fn idle_total(mut self, connections: usize) -> PoolLayer {
        self.limits.idle_total = connections;
        self
    }

    /// How long an idle connection is kept: 90 seconds unless set, less where the server says so by
    /// `Keep-Alive: timeout`. Twisted's pool keeps them for 240.
    #[must_use]
    pub fn idle_time(mut self, time: Duration) -> PoolLayer {
        self.limits.idle_time = time.min(FOR_EVER);
        self
    }

    /// How many connections to one origin there may be, in use, idle and being made; further requests wait, first come
    /// first served. No limit unless set; 0 counts as 1.
    #[must_use]
    pub fn max_per_host(mut self, connections: impl Into<Option<usize>>) -> PoolLayer {
        self.limits.per_host = connections.into().map(|limit| limit.max(1));
        self
    }

    /// How many connections there may be in all. Where they are used up, an idle one of another origin is closed to
    /// make room. No limit unless set; 0 counts as 1.
    #[must_use]
    pub fn max_total(mut self, connections: impl Into<Option<usize>>) -> PoolLayer {
        self.limits.total = connections.into().map(|limit| limit.max(1));
        self
    }

    /// After what time a connection takes no further exchange, however busy it is: for load balancers that move names
    /// to other addresses. Off unless set.
    #[must_use]
    pub fn max_age(mut self, age: impl Into<Option<Duration>>) -> PoolLayer {
        self.limits.max_age = age.into();
        self
    }

    /// How long a request waits for a connection where a cap allows no further one: 10 seconds unless set, for ever with `None`.
    /// Then it fails with [`Kind::Timeout`](treq_core::Kind) of [`Phase::Wait`](treq_core::Phase).
    #[must_use]
    pub fn wait(mut self, time: impl Into<Option<Duration>>) -> PoolLayer {
        self.limits.wait = time.into();
        self
    }
}

impl<M> Layer<M> for PoolLayer
where
    M: Service<Target>,
    M::Response: Connection,
{
    type Service = Pool<M, M::Response>;

    fn layer(&self, maker: M) -> Self::Service {
        Pool::new(maker, self.limits.clone())
    }
}
