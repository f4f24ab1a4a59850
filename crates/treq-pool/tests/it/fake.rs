//! Connections and a maker of them that do what a test tells them to, and helpers to look at a pool step by step.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::oneshot;
use tower::{Layer as _, Service};
use treq_core::{Connection, ConnectionId, Error, Exchange, ExchangeError, Hold, Kind, Origin, Resend, Target, Wire};
use treq_pool::{Checkout, Pool, PoolLayer, PoolStats, Pooled};

use crate::answer::Answer;

pub(crate) type FakePool = Pool<Maker, Fake>;

/// A connection, or one of several handles on it.
pub(crate) struct Fake {
    link: Arc<Link>,
    answer: Option<Answer>,
}

/// Closes the connection with its last handle.
struct Link(Arc<Knobs>);

/// What a test sees of a connection and may change.
pub(crate) struct Knobs {
    /// Its origin.
    pub(crate) host: String,
    pub(crate) open: AtomicBool,
    ready: AtomicBool,
    waker: Mutex<Option<Waker>>,
    /// 0 for one exchange after the other, [`UNTOLD`] before the peer has said it.
    pub(crate) shares: AtomicUsize,
    pub(crate) id: ConnectionId,
    changed: Mutex<Vec<Changed>>,
    pub(crate) hint: Mutex<Option<Duration>>,
    begun: AtomicUsize,
    pub(crate) dropped: AtomicBool,
    world: Arc<World>,
}

/// So many shares of a connection whose peer has still to say how many it admits.
pub(crate) const UNTOLD: usize = usize::MAX;

type Changed = Box<dyn Fn() + Send + Sync>;

impl Knobs {
    /// The peer closes it.
    pub(crate) fn close(&self) {
        self.open.store(false, SeqCst);
        self.tell();
    }

    /// The peer says how many exchanges it admits from now on.
    pub(crate) fn admit(&self, shares: usize) {
        self.shares.store(shares, SeqCst);
        self.tell();
    }

    fn tell(&self) {
        for changed in self.changed.lock().unwrap().iter() {
            changed();
        }
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, SeqCst);
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.dropped.store(true, SeqCst);
        self.0.world.alive.fetch_sub(1, SeqCst);
    }
}

impl Connection for Fake {
    fn is_open(&self) -> bool {
        self.link.0.open.load(SeqCst)
    }

    fn is_ready(&self) -> bool {
        self.is_open() && self.link.0.ready.load(SeqCst)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        *self.link.0.waker.lock().unwrap() = Some(cx.waker().clone());
        match (self.is_open(), self.is_ready()) {
            (false, _) => Poll::Ready(Err(Error::new(Kind::Connect, "the fake connection is closed"))),
            (_, true) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    fn share(&self) -> Option<Fake> {
        let shares = self.link.0.world.shares_taken.fetch_add(1, SeqCst);
        assert!(shares < 100_000, "shares are taken without end");
        (self.max_shares_told() > 0).then(|| Fake { link: Arc::clone(&self.link), answer: None })
    }

    fn id(&self) -> Option<ConnectionId> {
        Some(self.link.0.id)
    }

    fn max_shares(&self) -> Option<usize> {
        Some(self.max_shares_told().max(1)).filter(|shares| *shares != UNTOLD)
    }

    fn on_change(&self, changed: Changed) {
        self.link.0.changed.lock().unwrap().push(changed);
    }

    fn is_reused(&self) -> bool {
        self.link.0.begun.load(SeqCst) > 0
    }

    fn idle_hint(&self) -> Option<Duration> {
        *self.link.0.hint.lock().unwrap()
    }
}

impl Fake {
    fn max_shares_told(&self) -> usize {
        self.link.0.shares.load(SeqCst)
    }
}

/// The request's body is the answer that it gets.
impl Exchange<Answer> for Fake {
    type Body = Answer;

    fn begin(&mut self, request: Request<Answer>) {
        self.link.0.begun.fetch_add(1, SeqCst);
        self.answer = Some(request.into_body());
    }

    fn wire(&self) -> Option<Wire<'_>> {
        None
    }

    fn poll_response(&mut self, _: &mut Context<'_>) -> Poll<Result<Response<Answer>, ExchangeError<Answer>>> {
        match self.answer.take() {
            Some(Answer::Never) | None => Poll::Pending,
            Some(Answer::Refused) => Poll::Ready(Err(ExchangeError::new(Error::new(Kind::Protocol, "refused")))),
            Some(Answer::Unprocessed) => {
                let error = Error::new(Kind::Protocol, "not looked at").with_resend(Resend::Safe);
                Poll::Ready(Err(ExchangeError::new(error)))
            }
            Some(body @ Answer::Upgraded) => {
                let mut response = Response::new(body);
                response.extensions_mut().insert(Hold::default());
                Poll::Ready(Ok(response))
            }
            Some(body) => Poll::Ready(Ok(Response::new(body))),
        }
    }
}

/// All that was asked of the maker.
#[derive(Default)]
pub(crate) struct World {
    /// Attempts wait for the test's word.
    pub(crate) by_hand: AtomicBool,
    /// The shares of the connections made from now on.
    pub(crate) shares: AtomicUsize,
    pub(crate) alive: AtomicUsize,
    /// How often a connection was asked for a share: far from the limit unless nothing goes on.
    pub(crate) shares_taken: AtomicUsize,
    /// Clones of the maker are not ready while this is set.
    pub(crate) busy: AtomicBool,
    pub(crate) panics: AtomicBool,
    attempts: Mutex<Vec<Attempt>>,
    made: Mutex<Vec<Arc<Knobs>>>,
}

struct Attempt {
    host: String,
    /// `None` once the test has said how it ends.
    sender: Option<oneshot::Sender<Result<Fake, Error>>>,
}

impl World {
    fn connection(self: &Arc<Self>, host: &str) -> Fake {
        let mut made = self.made.lock().unwrap();
        let knobs = Arc::new(Knobs {
            host: host.to_owned(),
            open: true.into(),
            ready: true.into(),
            waker: Mutex::default(),
            shares: self.shares.load(SeqCst).into(),
            id: ConnectionId::next(),
            changed: Mutex::default(),
            hint: Mutex::default(),
            begun: 0.into(),
            dropped: false.into(),
            world: Arc::clone(self),
        });
        made.push(Arc::clone(&knobs));
        self.alive.fetch_add(1, SeqCst);
        Fake { link: Arc::new(Link(knobs)), answer: None }
    }

    /// How many attempts there were, those that need no word among them.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.lock().unwrap().len()
    }

    /// The attempt succeeds; whether anybody was still there to see it.
    pub(crate) fn succeed(self: &Arc<Self>, attempt: usize) -> bool {
        let (host, sender) = self.take(attempt);
        sender.send(Ok(self.connection(&host))).is_ok()
    }

    pub(crate) fn fail(&self, attempt: usize) {
        let _ = self.take(attempt).1.send(Err(Error::new(Kind::Connect, "refused by the test")));
    }

    fn take(&self, attempt: usize) -> (String, oneshot::Sender<Result<Fake, Error>>) {
        let attempt = &mut self.attempts.lock().unwrap()[attempt];
        (attempt.host.clone(), attempt.sender.take().unwrap())
    }

    pub(crate) fn is_given_up(&self, attempt: usize) -> bool {
        self.attempts.lock().unwrap()[attempt].sender.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Attempts whose end is still to be told to somebody, each with its host.
    pub(crate) fn under_way(&self) -> Vec<(usize, String)> {
        let attempts = self.attempts.lock().unwrap();
        let live = attempts.iter().enumerate();
        live.filter(|(_, attempt)| attempt.sender.as_ref().is_some_and(|sender| !sender.is_closed()))
            .map(|(number, attempt)| (number, attempt.host.clone()))
            .collect()
    }

    /// Connections that no handle has let go of yet.
    pub(crate) fn living(&self) -> Vec<Arc<Knobs>> {
        self.made.lock().unwrap().iter().filter(|knobs| !knobs.is_dropped()).cloned().collect()
    }

    pub(crate) fn made(&self, number: usize) -> Arc<Knobs> {
        Arc::clone(&self.made.lock().unwrap()[number])
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Maker(pub(crate) Arc<World>);

impl Service<Target> for Maker {
    type Response = Fake;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Fake, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.0.busy.load(SeqCst) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, target: Target) -> Self::Future {
        assert!(!self.0.panics.load(SeqCst), "the maker panics as it was told to");
        let (sender, receiver) = oneshot::channel();
        let by_hand = self.0.by_hand.load(SeqCst);
        let host = target.origin.to_string();
        self.0.attempts.lock().unwrap().push(Attempt { host: host.clone(), sender: by_hand.then_some(sender) });
        let world = Arc::clone(&self.0);
        Box::pin(async move { if by_hand { receiver.await.unwrap() } else { Ok(world.connection(&host)) } })
    }
}

/// A pool, and the world behind it.
pub(crate) fn pool(layer: PoolLayer) -> (FakePool, Arc<World>) {
    let maker = Maker::default();
    (layer.layer(maker.clone()), maker.0)
}

pub(crate) fn target(url: &str) -> Target {
    Target::new(Origin::from_uri(&url.parse().unwrap()).unwrap())
}

/// Asks for a connection; a bare word is a host of plain http.
pub(crate) fn ask(pool: &FakePool, host: &str) -> Checkout<Fake> {
    let url = if host.contains(':') { host.to_owned() } else { format!("http://{host}.test/") };
    pool.clone().call(target(&url))
}

pub(crate) async fn get(pool: &FakePool, host: &str) -> Pooled<Fake> {
    ask(pool, host).await.unwrap()
}

/// What a future says when it is looked at now.
pub(crate) fn now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Breaks an exchange off, which leaves the connection of no further use.
pub(crate) fn spoil(mut pooled: Pooled<Fake>) {
    begin(&mut pooled, Answer::Never);
}

pub(crate) fn begin(pooled: &mut Pooled<Fake>, answer: Answer) {
    pooled.begin(Request::new(answer));
}

/// Open, idle, connecting, waiting, hosts.
pub(crate) fn figures(pool: &FakePool) -> (usize, usize, usize, usize, usize) {
    let PoolStats { open, idle, connecting, waiting, hosts, .. } = pool.stats();
    (open, idle, connecting, waiting, hosts)
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a caller holds: a connection, and a place in the queue.
pub(crate) type Held = Pooled<Fake>;
pub(crate) type Wait = Checkout<Fake>;
