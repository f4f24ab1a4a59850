//! What is chosen by a seed: the same seed chooses the same.

/// SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }
}

/// At most `count` of the numbers below `calls`, in order.
pub(super) fn choose(seed: u64, name: &str, calls: usize, count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..calls).collect();
    let own = name.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    shuffle(own, &mut all);
    all.truncate(count);
    all.sort_unstable();
    all
}

pub(super) fn shuffle<T>(seed: u64, list: &mut [T]) {
    let mut numbers = Numbers(seed);
    for last in (1..list.len()).rev() {
        list.swap(last, numbers.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_chooses_the_same_again() {
        let chosen = choose(7, "a::b", 100, 6);
        assert_eq!(chosen, choose(7, "a::b", 100, 6));
        assert_ne!(chosen, choose(8, "a::b", 100, 6));
        assert_ne!(chosen, choose(7, "a::c", 100, 6));
        assert!(chosen.len() == 6 && chosen.is_sorted() && chosen.iter().all(|call| *call < 100));
        assert_eq!(choose(7, "a::b", 3, 6), [0, 1, 2]);
    }
}
