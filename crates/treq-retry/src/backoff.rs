use std::time::Duration;

/// How long to wait before a request is sent again: exponential backoff with full jitter, which spreads the attempts of
/// many clients evenly over the whole wait instead of letting them come together.
///
/// ```
/// use std::time::Duration;
/// use treq_retry::Backoff;
///
/// let backoff = Backoff::new().base(Duration::from_millis(100)).cap(Duration::from_secs(10));
/// assert_eq!(backoff.ceiling(0), Duration::from_millis(100));
/// assert_eq!(backoff.ceiling(3), Duration::from_millis(800));
/// assert_eq!(backoff.ceiling(30), Duration::from_secs(10));
/// // Half of all random numbers are below this one.
/// assert_eq!(backoff.delay(3, u64::MAX / 2 + 1), Duration::from_millis(400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// From 100 ms up to 10 s.
    #[must_use]
    pub const fn new() -> Backoff {
        Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(10) }
    }

    /// The most that is waited before the first resend; twice as much before each further one. 100 ms unless set; zero
    /// means no waiting at all.
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Backoff {
        self.base = base;
        self
    }

    /// The most that is waited before any resend: 10 s unless set.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Backoff {
        self.cap = cap;
        self
    }

    /// The most that is waited before resend number `resend`, counted from 0.
    #[must_use]
    pub fn ceiling(&self, resend: u32) -> Duration {
        let factor = 2_u32.saturating_pow(resend);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// What is waited before resend number `resend`, counted from 0: `random`, which is evenly spread over all of
    /// `u64`, picks it from zero up to the [ceiling](Backoff::ceiling).
    #[must_use]
    pub fn delay(&self, resend: u32, random: u64) -> Duration {
        // More than 580 years are as good as those.
        let ceiling = u64::try_from(self.ceiling(resend).as_nanos()).unwrap_or(u64::MAX);
        let nanos = (u128::from(ceiling) * u128::from(random)) >> 64;
        // The product of two 64-bit numbers has 64 bits above its lower 64.
        Duration::from_nanos(nanos as u64)
    }
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_cap() {
        let millis = Duration::from_millis;
        for (backoff, want) in [
            (Backoff::new(), [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]),
            (Backoff::new().base(millis(7)).cap(millis(30)), [7, 14, 28, 30, 30, 30, 30, 30, 30]),
            (Backoff::new().base(millis(9)).cap(millis(5)), [5; 9]),
            (Backoff::new().base(Duration::ZERO), [0; 9]),
        ] {
            let seen: Vec<_> = (0..9).map(|resend| backoff.ceiling(resend)).collect();
            assert_eq!(seen, want.map(millis));
        }
    }

    #[test]
    fn delays_lie_between_zero_and_the_ceiling() {
        let backoff = Backoff::new();
        for resend in [0, 1, 5, 31, 32, 63, 64, u32::MAX] {
            let ceiling = backoff.ceiling(resend);
            assert_eq!(backoff.delay(resend, 0), Duration::ZERO);
            assert_eq!(backoff.delay(resend, 1 << 63), ceiling / 2);
            let most = backoff.delay(resend, u64::MAX);
            assert!(most < ceiling && ceiling - most <= Duration::from_nanos(1), "{resend} {most:?}");
        }
    }

    #[test]
    fn no_limits_are_too_large() {
        let endless = Backoff::new().base(Duration::MAX).cap(Duration::MAX);
        assert_eq!(endless.ceiling(u32::MAX), Duration::MAX);
        assert!(endless.delay(u32::MAX, u64::MAX) > Duration::from_secs(500 * 365 * 24 * 3600));
    }
}
