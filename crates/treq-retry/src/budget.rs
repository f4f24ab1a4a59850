use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Into how many parts the time that counts is cut: what is older than that goes a tenth at a time.
const SLOTS: usize = 10;

/// A limit on retries in view of the requests that are made: when a server is down, clients that each send everything
/// three times keep it down.
///
/// Within any [`window`](Budget::window) there are at most [`percent`](Budget::percent) of the requests made in it, and
/// [`min_per_second`](Budget::min_per_second) for each of its seconds, which is what a client with few requests lives
/// on. All clones are one budget, so that several layers can share it:
///
/// ```
/// use std::time::Duration;
/// use treq_retry::{Budget, RetryLayer};
///
/// let budget = Budget::new().window(Duration::from_secs(30)).min_per_second(1).percent(10);
/// let reading = RetryLayer::new().budget(budget.clone());
/// let writing = RetryLayer::new().idempotency_key(true).budget(budget);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Budget(Arc<Inner>);

struct Inner {
    /// The first time that was passed in.
    start: OnceLock<Instant>,
    settings: Settings,
    deposits: Window,
    /// Looking and taking are one step: withdrawals, which are rare, wait for each other, and deposits for nobody.
    withdrawals: Mutex<Window>,
}

#[derive(Clone, Copy)]
struct Settings {
    window: Duration,
    min_per_second: u32,
    percent: u32,
}

impl Budget {
    /// 20 % of the requests and 10 retries per second, within 10 s.
    pub fn new() -> Budget {
        Budget::with(Settings { window: Duration::from_secs(10), min_per_second: 10, percent: 20 })
    }

    /// How long a request and a retry count. (default: 10 s; at least 1 s and at most 60 s)
    ///
    /// As with the other two settings, the result is a new budget: it shares no count with clones of the earlier one.
    pub fn window(self, window: Duration) -> Budget {
        let window = window.clamp(Duration::from_secs(1), Duration::from_secs(60));
        Budget::with(Settings { window, ..self.0.settings })
    }

    /// Retries for each second of the window, however few requests there are. (default: 10)
    pub fn min_per_second(self, retries: u32) -> Budget {
        Budget::with(Settings { min_per_second: retries, ..self.0.settings })
    }

    /// Retries for each hundred requests of the window. (default: 20)
    pub fn percent(self, percent: u32) -> Budget {
        Budget::with(Settings { percent, ..self.0.settings })
    }

    fn with(settings: Settings) -> Budget {
        Budget(Arc::new(Inner {
            start: OnceLock::new(),
            settings,
            deposits: Window::default(),
            withdrawals: Mutex::default(),
        }))
    }

    /// Counts a request, not its retries. Takes no lock.
    pub(crate) fn deposit(&self, now: Instant) {
        self.0.deposits.add(self.0.turn(now));
    }

    /// Takes the right to one retry; `false` if there is none.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let Inner { settings: Settings { window, min_per_second, percent }, deposits, withdrawals, .. } = &*self.0;
        let turn = self.0.turn(now);
        // Counters alone: a panic elsewhere leaves them whole.
        let taken = withdrawals.lock().unwrap_or_else(PoisonError::into_inner);
        let earned = deposits.sum(turn).saturating_mul(u64::from(*percent)) / 100;
        let given = (window.as_secs_f64() * f64::from(*min_per_second)) as u64;
        if taken.sum(turn) >= earned.saturating_add(given) {
            return false;
        }
        taken.add(turn);
        true
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new()
    }
}

impl Inner {
    /// The number of the slot for this time; the first ones are left out, so that no slot yet unused counts.
    fn turn(&self, now: Instant) -> u32 {
        let slot = self.settings.window / SLOTS as u32;
        let past = now.saturating_duration_since(*self.start.get_or_init(|| now)).as_nanos() / slot.as_nanos();
        // Comes round after 13 years at the earliest.
        (past as u32).wrapping_add(SLOTS as u32)
    }
}

/// Counts of the last few slots: in each the number of its turn above, the count below.
#[derive(Default)]
struct Window([AtomicU64; SLOTS]);

impl Window {
    fn add(&self, turn: u32) {
        let more = |slot: u64| match unpack(slot) {
            (of, count) if of == turn => pack(turn, count.saturating_add(1)),
            _ => pack(turn, 1),
        };
        let slot = &self.0[turn as usize % SLOTS];
        // Never refused: the closure always has a next value. Counts order nothing else.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |slot| Some(more(slot)));
    }

    fn sum(&self, turn: u32) -> u64 {
        let counts = self.0.iter().map(|slot| unpack(slot.load(Ordering::Relaxed)));
        let live = counts.filter(|(of, _)| (turn.wrapping_sub(*of) as usize) < SLOTS);
        live.map(|(_, count)| u64::from(count)).sum()
    }
}

fn pack(turn: u32, count: u32) -> u64 {
    u64::from(turn) << 32 | u64::from(count)
}

fn unpack(slot: u64) -> (u32, u32) {
    ((slot >> 32) as u32, slot as u32)
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("window", &self.0.settings.window)
            .field("min_per_second", &self.0.settings.min_per_second)
            .field("percent", &self.0.settings.percent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within 10 s.
    fn budget(min_per_second: u32, percent: u32) -> Budget {
        Budget::new().min_per_second(min_per_second).percent(percent)
    }

    fn taken(budget: &Budget, now: Instant) -> usize {
        std::iter::repeat_with(|| budget.withdraw(now)).take(100_000).take_while(|&had| had).count()
    }

    #[test]
    fn resends_are_a_share_of_requests_and_a_few_besides() {
        for (min, percent, requests, want) in [
            (0, 20, 0, 0),
            (0, 20, 4, 0),
            (0, 20, 5, 1),
            (0, 20, 1000, 200),
            (10, 20, 1000, 300),
            (10, 0, 1000, 100),
            (0, 0, 1000, 0),
            (0, 250, 10, 25),
        ] {
            let (budget, now) = (budget(min, percent), Instant::now());
            for _ in 0..requests {
                budget.deposit(now);
            }
            assert_eq!(taken(&budget.clone(), now), want, "{min} {percent} {requests}");
            assert_eq!(taken(&budget, now), 0);
        }
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let (budget, now) = (budget(0, 100), Instant::now());
        for _ in 0..10 {
            budget.deposit(now);
        }
        assert!(budget.withdraw(now + Duration::from_secs(8)));
        assert_eq!(taken(&budget, now + Duration::from_secs(10)), 0);
        // The withdrawal of second 8 is gone with the next ten seconds.
        for _ in 0..3 {
            budget.deposit(now + Duration::from_secs(15));
        }
        assert_eq!(taken(&budget, now + Duration::from_secs(15)), 2);
        assert_eq!(taken(&budget, now + Duration::from_secs(19)), 1);
        // A clock that goes back sees what counted then, and a long silence leaves nothing.
        assert_eq!(taken(&budget, now), 10);
        assert!(!budget.withdraw(now + Duration::from_secs(1 << 32)));
    }

    #[test]
    fn threat_rt_05_an_outage_is_not_made_worse_by_more_than_a_quarter() {
        // 60 s in which each of 1,000 requests a second would be sent three times.
        let (budget, start) = (Budget::default(), Instant::now());
        let (mut requests, mut resends) = (0_u32, 0_u32);
        for milli in 0..60_000 {
            let now = start + Duration::from_millis(milli);
            budget.deposit(now);
            requests += 1;
            resends += u32::from(budget.withdraw(now)) + u32::from(budget.withdraw(now));
        }
        assert!(resends * 4 <= requests, "{resends} of {requests}");
        assert!(resends * 6 >= requests, "{resends} of {requests}");
    }

    #[test]
    fn settings_begin_a_budget_of_their_own_and_the_window_has_limits() {
        let now = Instant::now();
        let first = budget(0, 100);
        first.deposit(now);
        assert_eq!(taken(&first.clone().percent(100), now), 0);
        assert_eq!(taken(&first, now), 1);
        for (seconds, want) in [(0, 1), (1, 1), (30, 30), (60, 60), (3600, 60)] {
            let budget = budget(1, 0).window(Duration::from_secs(seconds));
            assert_eq!(taken(&budget, now), want, "{seconds}");
        }
        assert_eq!(format!("{:?}", Budget::new()), "Budget { window: 10s, min_per_second: 10, percent: 20, .. }");
    }

    #[test]
    fn threads_take_no_more_than_there_is() {
        let (budget, now) = (budget(0, 50), Instant::now());
        let all: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..1000).for_each(|_| budget.deposit(now));
                        taken(&budget, now)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(all + taken(&budget, now), 2000);
    }
}
