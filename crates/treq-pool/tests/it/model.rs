//! Thousands of random steps, and what holds after each.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tokio::runtime::Handle;
use tokio::time::advance;
use treq_pool::PoolLayer;

use crate::fake::{FakePool, Held, Wait, World, ask, now, pool, secs, spoil};

const HOSTS: [&str; 3] = ["a", "b", "c"];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

struct Model {
    pool: FakePool,
    world: Arc<World>,
    random: Random,
    per_host: Option<usize>,
    total: Option<usize>,
    shares: usize,
    asked: Vec<(String, Wait)>,
    held: Vec<Held>,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let caps = [None, Some(1), Some(2), Some(4)];
        let (per_host, total) = (caps[random.below(4)], caps[random.below(4)]);
        let shares = [0, 0, 1, 3][random.below(4)];
        let layer = PoolLayer::new()
            .max_per_host(per_host)
            .max_total(total)
            .idle_per_host(random.below(4))
            .idle_total(1 + random.below(6))
            .idle_time(secs(20))
            .wait(secs(30))
            .max_age((random.below(3) == 0).then(|| secs(15)));
        let (pool, world) = pool(layer);
        world.by_hand.store(true, SeqCst);
        world.shares.store(shares, SeqCst);
        Model { pool, world, random, per_host, total, shares, asked: Vec::new(), held: Vec::new() }
    }

    async fn step(&mut self) {
        match self.random.below(10) {
            0..=2 => {
                let host = HOSTS[self.random.below(HOSTS.len())];
                let scheme = if self.random.below(4) == 0 { "https" } else { "http" };
                let asked = ask(&self.pool, &format!("{scheme}://{host}.test/"));
                self.asked.push((format!("{host}.test"), asked));
            }
            3 | 4 if !self.held.is_empty() => {
                let at = self.random.below(self.held.len());
                drop(self.held.swap_remove(at));
            }
            5 if !self.held.is_empty() => {
                let at = self.random.below(self.held.len());
                spoil(self.held.swap_remove(at));
            }
            6 if !self.asked.is_empty() => {
                let at = self.random.below(self.asked.len());
                drop(self.asked.remove(at));
            }
            7 => {
                let living = self.world.living();
                if !living.is_empty() {
                    living[self.random.below(living.len())].close();
                }
            }
            8 => advance(secs(self.random.below(6) as u64)).await,
            _ => {
                let under_way = self.world.under_way();
                if !under_way.is_empty() {
                    let (attempt, _) = under_way[self.random.below(under_way.len())];
                    if self.random.below(4) == 0 {
                        self.world.fail(attempt);
                    } else {
                        self.world.succeed(attempt);
                    }
                }
            }
        }
        if self.random.below(3) > 0 {
            self.look();
        }
    }

    /// Everybody who asked looks what there is, until nobody finds anything.
    fn look(&mut self) {
        loop {
            let before = self.asked.len();
            let held = &mut self.held;
            self.asked.retain_mut(|(_, asked)| match now(asked) {
                Some(got) => {
                    held.extend(got);
                    false
                }
                None => true,
            });
            self.pool.stats();
            if self.asked.len() == before {
                return;
            }
        }
    }

    fn check(&mut self) {
        self.look();
        let stats = self.pool.stats();
        let (living, under_way) = (self.world.living(), self.world.under_way());
        assert_eq!(stats.connecting, under_way.len(), "connecting: {stats:?}");
        assert_eq!(stats.open, living.len() + under_way.len(), "open: {stats:?}");
        assert_eq!(stats.waiting, self.asked.len(), "waiting: {stats:?}");
        if self.shares == 0 {
            assert_eq!(stats.in_use(), self.held.len(), "in use: {stats:?}");
        } else {
            let least = self.held.len().div_ceil(self.shares);
            assert!((least..=self.held.len()).contains(&stats.in_use()), "in use: {stats:?}");
        }
        assert!(self.total.is_none_or(|total| stats.open <= total), "the total: {stats:?}");
        for host in HOSTS.map(|host| format!("{host}.test")) {
            let making = under_way.iter().filter(|(_, of)| *of == host).count();
            let asked = self.asked.iter().filter(|(of, _)| *of == host).count();
            let open = living.iter().filter(|knobs| knobs.host == host).count() + making;
            // Plain and over TLS are two kinds of target with a cap each.
            assert!(self.per_host.is_none_or(|cap| open <= 2 * cap), "{host}: {open} open");
            let may_share = self.shares > 0 || making > 0;
            let room = self.per_host.is_none_or(|cap| open < cap)
                && self.total.is_none_or(|total| stats.open < total || stats.idle > 0);
            assert!(asked <= making || may_share || !room, "{host} starves: {stats:?}");
        }
    }

    /// All goes; nothing may be left.
    async fn end(mut self) {
        self.look();
        self.asked.clear();
        self.held.clear();
        for (attempt, _) in self.world.under_way() {
            self.world.fail(attempt);
        }
        settle().await;
        let stats = self.pool.stats();
        assert_eq!((stats.open, stats.connecting, stats.waiting), (stats.idle, 0, 0), "{stats:?}");
        // Time enough for the task that closes to look twice.
        for _ in 0..4 {
            tokio::time::sleep(secs(25)).await;
        }
        assert_eq!((self.world.alive(), self.pool.stats().hosts), (0, 0));
        drop(self.pool);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }
}

/// Attempts that nobody waits for are tasks of their own: time for them to see what has happened.
async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_no_limit_broken_whatever_happens() {
    for seed in 1..=150 {
        let mut model = Model::new(seed);
        for step in 0..300 {
            model.step().await;
            settle().await;
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model.check()));
            assert!(checked.is_ok(), "seed {seed}, step {step}");
        }
        model.end().await;
    }
}
