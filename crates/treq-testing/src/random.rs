/// Numbers that look random and are the same for a seed on every machine: for tests that search, and name the seed of what they
/// find. Not for secrets.
///
/// ```
/// use treq_testing::Random;
///
/// // What comes out of a sort is in order, and as long as what went in.
/// for seed in 0..100 {
///     let mut random = Random::new(seed);
///     let len = random.below(50);
///     let mut numbers = random.bytes(len);
///     numbers.sort();
///     assert!(numbers.is_sorted() && numbers.len() == len, "seed {seed}");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Random {
        Random::of(seed, 0)
    }

    /// Those of one of several that share a seed.
    pub(crate) fn of(seed: u64, number: u64) -> Random {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mut random = Random(mixed | 1);
        // The first few of neighbouring seeds are alike.
        (0..8).for_each(|_| _ = random.below(2));
        random
    }

    /// A number below the limit.
    ///
    /// # Panics
    ///
    /// If the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        assert!(limit > 0, "no number is below a limit of 0");
        // xorshift64, by Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// Returns true once in `times` calls, on average.
    ///
    /// # Panics
    ///
    /// If `times` is 0.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<'a, T>(&mut self, these: &'a [T]) -> &'a T {
        assert!(!these.is_empty(), "there is nothing to pick from");
        &these[self.below(these.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_its_numbers_and_its_neighbour_has_others() {
        let first = |seed| Random::new(seed).bytes(16);
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        let mut random = Random::new(0);
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| *random.pick(&[1, 2, 3])).collect();
        assert_eq!(seen.len(), 3);
    }
}
