//! Random steps by the hundred thousand, all that a pool can be asked and all that its connections can do, and what holds
//! after each.
//!
//! `TREQ_SEEDS=20000` plays so many seeds, `TREQ_SEED=17` one: a seed plays the same each time.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use http::Response;
use http_body::Body as _;
use tokio::runtime::Handle;
use tokio::time::advance;
use tower::Service as _;
use treq_core::{Connection as _, ConnectionId, Exchange as _, Reuse};
use treq_pool::{PoolLayer, PooledBody};
use treq_testing::Random;

use crate::answer::Answer;
use crate::fake::{Fake, FakePool, Held, Knobs, UNTOLD, Wait, World, begin, now, pool, secs, target};

const ORIGINS: [&str; 4] = ["http://a.test", "https://a.test", "https://b.test", "http://c.test"];

/// Seeds played where nothing else is said.
const SEEDS: u64 = 300;
const STEPS: usize = 200;

/// Somebody who waits.
struct Asked {
    origin: &'static str,
    reuse: Reuse,
    wait: Wait,
}

/// What is held of a connection: with its drop the place is free.
enum Holds {
    Pooled(Held),
    Body(Box<PooledBody<Answer, Fake>>),
    Upgraded(#[allow(dead_code)] Response<PooledBody<Answer, Fake>>),
}

struct Model {
    pool: FakePool,
    world: Arc<World>,
    random: Random,
    per_host: Option<usize>,
    total: Option<usize>,
    has_age: bool,
    keeps: bool,
    asked: Vec<Asked>,
    held: Vec<(ConnectionId, Holds)>,
    /// Connections made for one exchange.
    own: BTreeSet<ConnectionId>,
    /// Connections whose last word was a refusal.
    refusing: BTreeSet<ConnectionId>,
    latest: Vec<ConnectionId>,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut random = Random::new(seed);
        let caps = [None, Some(1), Some(2), Some(4)];
        let (per_host, total) = (caps[random.below(4)], caps[random.below(4)]);
        let has_age = random.one_in(3);
        let (idle_per_host, idle_total) = (random.below(4), 1 + random.below(6));
        let layer = PoolLayer::new()
            .max_per_host(per_host)
            .max_total(total)
            .idle_per_host(idle_per_host)
            .idle_total(idle_total)
            .idle_time(secs(20))
            .wait(secs(30))
            .max_age(has_age.then(|| secs(15)));
        let (pool, world) = pool(layer);
        world.by_hand.store(true, SeqCst);
        Model {
            pool,
            world,
            random,
            per_host,
            total,
            has_age,
            keeps: idle_per_host > 0,
            asked: Vec::new(),
            held: Vec::new(),
            own: BTreeSet::new(),
            refusing: BTreeSet::new(),
            latest: Vec::new(),
        }
    }

    async fn step(&mut self) {
        self.world.shares_taken.store(0, SeqCst);
        match self.random.below(16) {
            0..=4 => self.ask(),
            5 | 6 => match self.take_held() {
                Some((id, Holds::Pooled(held))) => {
                    // Given back in peace, as far as the pool is told.
                    self.refusing.remove(&id);
                    drop(held);
                }
                Some((id, Holds::Body(mut body))) if self.random.one_in(2) => {
                    while now(&mut std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).flatten().is_some() {
                    }
                    self.refusing.remove(&id);
                }
                other => drop(other),
            },
            7 => self.exchange(),
            8 => {
                if let Some((id, Holds::Pooled(mut held))) = self.take_held() {
                    // Broken off, or refused by a peer that has not looked at it.
                    if self.random.one_in(2) {
                        begin(&mut held, Answer::Never);
                    } else {
                        begin(&mut held, Answer::Unprocessed);
                        let _ = now(&mut std::future::poll_fn(|cx| held.poll_response(cx)));
                        self.refusing.insert(id);
                    }
                }
            }
            9 if !self.asked.is_empty() => {
                let at = self.random.below(self.asked.len());
                drop(self.asked.swap_remove(at));
            }
            10 => {
                if let Some(knobs) = self.living() {
                    knobs.close();
                }
            }
            11 => {
                if let Some(knobs) = self.living().filter(|knobs| knobs.shares.load(SeqCst) > 0) {
                    let shares = [1, 1, 2, 5, 1 << 40][self.random.below(5)];
                    knobs.admit(shares);
                }
            }
            12 => advance(secs(self.random.below(6) as u64)).await,
            13 if self.random.one_in(4) => self.pool.close_idle(),
            _ => self.settle_attempt(false),
        }
        if self.random.below(3) > 0 {
            self.look();
        }
    }

    fn ask(&mut self) {
        let origin = ORIGINS[self.random.below(ORIGINS.len())];
        let reuse = match self.random.below(8) {
            0 | 1 => Reuse::Never,
            2 if !self.latest.is_empty() => Reuse::After(self.latest[self.random.below(self.latest.len())]),
            _ => Reuse::Any,
        };
        self.look();
        let served = reuse != Reuse::Never && self.could_serve(origin, reuse).is_some();
        let is_first = !self.asked.iter().any(|asked| asked.origin == origin);
        let mut target = target(&format!("{origin}/"));
        target.reuse = reuse;
        let mut asked = Asked { origin, reuse, wait: self.pool.clone().call(target) };
        let attempts = self.world.attempts();
        match now(&mut asked.wait) {
            Some(got) => self.got(&asked, got.ok()),
            None => {
                assert!(!(served && is_first), "an idle connection is passed over for {reuse:?} of {origin}");
                self.asked.push(asked);
            }
        }
        assert!(!served || !is_first || self.world.attempts() == attempts, "a connection is made next to an idle one");
    }

    fn got(&mut self, asked: &Asked, got: Option<Held>) {
        let Some(held) = got else { return };
        let id = held.id().unwrap();
        match asked.reuse {
            Reuse::Never => assert!(self.own.insert(id), "another's connection, where one of its own was asked for"),
            Reuse::After(after) => assert!(id > after || self.refusing.contains(&id), "{id} is not after {after}"),
            _ => {}
        }
        assert!(asked.reuse == Reuse::Never || !self.own.contains(&id), "a connection for one exchange serves another");
        self.latest.push(id);
        self.held.push((id, Holds::Pooled(held)));
    }

    /// An exchange comes to its response: its body is read later, or its connection is handed over.
    fn exchange(&mut self) {
        let Some((id, Holds::Pooled(mut held))) = self.take_held() else { return };
        let upgrades = self.random.one_in(4);
        begin(&mut held, if upgrades { Answer::Upgraded } else { Answer::of([1, 2, 3]) });
        let Some(Ok(response)) = now(&mut std::future::poll_fn(|cx| held.poll_response(cx))) else {
            panic!("no response");
        };
        drop(held);
        let holds = if upgrades { Holds::Upgraded(response) } else { Holds::Body(Box::new(response.into_body())) };
        self.held.push((id, holds));
    }

    fn take_held(&mut self) -> Option<(ConnectionId, Holds)> {
        let at = self.random.below(self.held.len().max(1));
        (at < self.held.len()).then(|| self.held.swap_remove(at))
    }

    fn living(&mut self) -> Option<Arc<Knobs>> {
        let living = self.world.living();
        let at = self.random.below(living.len().max(1));
        living.get(at).cloned()
    }

    /// An attempt comes to its end.
    fn settle_attempt(&mut self, well: bool) {
        let under_way = self.world.under_way();
        if under_way.is_empty() {
            return;
        }
        let (attempt, origin) = &under_way[self.random.below(under_way.len())];
        if !well && self.random.one_in(4) {
            return self.world.fail(*attempt);
        }
        let kinds = if origin.starts_with("https") { &[0, 1, 2, 5, UNTOLD, UNTOLD, 1 << 40][..] } else { &[0] };
        self.world.shares.store(kinds[self.random.below(kinds.len())], SeqCst);
        self.world.succeed(*attempt);
    }

    /// Everybody who asked looks what there is, until nobody finds anything: what one finds, or closes on the way, may be the room
    /// of another that has looked already.
    fn look(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            let before = (self.asked.len(), self.world.attempts());
            for mut asked in std::mem::take(&mut self.asked) {
                match now(&mut asked.wait) {
                    Some(got) => self.got(&asked, got.ok()),
                    None => self.asked.push(asked),
                }
            }
            self.pool.stats();
            quiet = if before == (self.asked.len(), self.world.attempts()) { quiet + 1 } else { 0 };
        }
    }

    fn users(&self, id: ConnectionId) -> usize {
        self.held.iter().filter(|(held, _)| *held == id).count()
    }

    /// An open connection that admits one more, as far as can be seen from outside.
    fn could_serve(&self, origin: &str, reuse: Reuse) -> Option<ConnectionId> {
        let good = |knobs: &Arc<Knobs>| {
            let (id, shares) = (knobs.id, knobs.shares.load(SeqCst));
            let users = self.users(id);
            let admits = match shares {
                UNTOLD | 0 => users == 0,
                shares => users < shares,
            };
            let is_later = match reuse {
                Reuse::After(after) => id > after,
                _ => true,
            };
            let is_good = knobs.open.load(SeqCst) && !self.own.contains(&id) && !self.refusing.contains(&id);
            // Whether it is too old, or idle too long, or making room for another, only the pool knows.
            knobs.host == origin && admits && is_later && is_good && !self.has_age && self.total.is_none() && self.keeps
        };
        self.world.living().iter().find(|knobs| good(knobs)).map(|knobs| knobs.id)
    }

    fn check(&mut self) {
        self.look();
        let stats = self.pool.stats();
        let (living, under_way) = (self.world.living(), self.world.under_way());
        assert_eq!(stats.connecting, under_way.len(), "connecting: {stats:?}");
        assert_eq!(stats.open, living.len() + under_way.len(), "open: {stats:?}");
        let owners = self.asked.iter().filter(|asked| asked.reuse == Reuse::Never).count();
        let waiting = self.asked.len() - owners..=self.asked.len();
        assert!(waiting.contains(&stats.waiting), "waiting: {stats:?}, not {waiting:?}");
        // Each that is in use has a user: none is lost, none is counted twice.
        let in_use: BTreeSet<_> = self.held.iter().map(|(id, _)| *id).collect();
        assert_eq!(stats.in_use(), in_use.len(), "in use: {stats:?}");
        assert!(self.total.is_none_or(|total| stats.open <= total), "the total: {stats:?}");
        for origin in ORIGINS {
            let making = under_way.iter().filter(|(_, of)| *of == origin).count();
            let open = living.iter().filter(|knobs| knobs.host == origin).count() + making;
            assert!(self.per_host.is_none_or(|cap| open <= cap), "{origin}: {open} open");
            let waits: Vec<_> = self.asked.iter().filter(|asked| asked.origin == origin).collect();
            for asked in &waits {
                let good = self.could_serve(origin, asked.reuse).filter(|_| asked.reuse != Reuse::Never);
                assert!(good.is_none(), "{:?} of {origin} waits next to {good:?}: {stats:?}", asked.reuse);
            }
            let has_room = self.per_host.is_none_or(|cap| open < cap)
                && self.total.is_none_or(|total| stats.open < total || stats.idle > 0);
            let is_untold = |knobs: &Arc<Knobs>| {
                knobs.host == origin && knobs.shares.load(SeqCst) == UNTOLD && self.users(knobs.id) > 0
            };
            let expects = origin.starts_with("https") && (making > 0 || living.iter().any(is_untold));
            assert!(waits.len() <= making || expects || !has_room, "{origin} starves: {stats:?}");
        }
    }

    /// What a failure is understood by.
    #[allow(clippy::print_stderr)]
    fn show(&self) {
        for asked in &self.asked {
            eprintln!("asked: {} {:?}", asked.origin, asked.reuse);
        }
        for knobs in self.world.living() {
            let (id, shares, open) = (knobs.id, knobs.shares.load(SeqCst), knobs.open.load(SeqCst));
            let marks = (self.own.contains(&id), self.refusing.contains(&id));
            eprintln!(
                "{}: {id} of {shares}, {} users, open: {open}, own and refusing: {marks:?}",
                knobs.host,
                self.users(id)
            );
        }
        eprintln!("under way: {:?}; caps: {:?} {:?}", self.world.under_way(), self.per_host, self.total);
    }

    /// All comes to its end; nothing may be left.
    async fn end(mut self) {
        self.look();
        if self.random.one_in(2) {
            self.asked.clear();
        }
        for _ in 0..1_000 {
            if self.asked.is_empty() {
                break;
            }
            self.world.shares_taken.store(0, SeqCst);
            self.held.clear();
            self.settle_attempt(true);
            // A peer that says nothing of its limit would be waited for as long as the agent lets it.
            for knobs in self.world.living().iter().filter(|knobs| knobs.shares.load(SeqCst) == UNTOLD) {
                knobs.admit(1);
            }
            settle().await;
            self.look();
        }
        assert!(self.asked.is_empty(), "{} wait without end: {:?}", self.asked.len(), self.pool.stats());
        self.held.clear();
        for (attempt, _) in self.world.under_way() {
            self.world.fail(attempt);
        }
        settle().await;
        let stats = self.pool.stats();
        assert_eq!((stats.open, stats.connecting, stats.waiting), (stats.idle, 0, 0), "{stats:?}");
        if self.random.one_in(2) {
            self.pool.close_idle();
            assert_eq!((self.world.alive(), self.pool.stats().open), (0, 0));
        }
        // Time enough for the task that closes to look twice.
        for _ in 0..4 {
            tokio::time::sleep(secs(25)).await;
        }
        assert_eq!((self.world.alive(), self.pool.stats().hosts), (0, 0));
        drop(self.pool);
        settle().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }
}

/// Attempts that nobody waits for are tasks of their own: time for them to see what has happened.
async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

async fn play(seed: u64) {
    let mut model = Model::new(seed);
    for step in 0..STEPS {
        model.step().await;
        settle().await;
        let checked = catch_unwind(AssertUnwindSafe(|| model.check()));
        if checked.is_err() {
            model.show();
        }
        assert!(checked.is_ok(), "TREQ_SEED={seed}, step {step}");
    }
    model.end().await;
}

#[test]
fn nothing_is_lost_and_no_limit_broken_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("TREQ_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("TREQ_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(seed))));
        assert!(played.is_ok(), "TREQ_SEED={seed}");
    }
}
