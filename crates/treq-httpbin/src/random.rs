use std::hash::{BuildHasher, RandomState};

const LENGTH: usize = 624;
const SHIFT: usize = 397;

/// The Mersenne Twister (MT19937), seeded and read as Python's `random` does: so that `?seed=` gives httpbin's bytes.
pub(crate) struct Random {
    state: [u32; LENGTH],
    next: usize,
}

impl Random {
    pub(crate) fn seeded(seed: u64) -> Random {
        // The seed is an array of 32-bit words, the lowest first, without leading zeros.
        let words = [seed as u32, (seed >> 32) as u32];
        let key = if words[1] == 0 { &words[..1] } else { &words[..] };
        let mut random = Random::initial();
        let state = &mut random.state;
        let mut at = 1;
        for step in 0..LENGTH {
            let before = mix(state[at - 1]);
            let word = step % key.len();
            state[at] = (state[at] ^ before.wrapping_mul(1_664_525)).wrapping_add(key[word]).wrapping_add(word as u32);
            at = advance(state, at);
        }
        for _ in 1..LENGTH {
            let before = mix(state[at - 1]);
            state[at] = (state[at] ^ before.wrapping_mul(1_566_083_941)).wrapping_sub(at as u32);
            at = advance(state, at);
        }
        state[0] = 0x8000_0000;
        random
    }

    /// Seeded by what the standard library's hash maps are seeded by.
    pub(crate) fn new() -> Random {
        Random::seeded(RandomState::new().hash_one(0))
    }

    fn initial() -> Random {
        let mut state = [19_650_218; LENGTH];
        for at in 1..LENGTH {
            state[at] = mix(state[at - 1]).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        Random { state, next: LENGTH }
    }

    pub(crate) fn word(&mut self) -> u32 {
        if self.next == LENGTH {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// What `randint(0, 255)` gives: nine bits, again until they fit into eight.
    pub(crate) fn byte(&mut self) -> u8 {
        loop {
            if let Ok(byte) = u8::try_from(self.word() >> 23) {
                return byte;
            }
        }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.byte()).take(count).collect()
    }

    /// A number from 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(self.word()) / (f64::from(u32::MAX) + 1.0)
    }

    fn refill(&mut self) {
        for at in 0..LENGTH {
            let joined = self.state[at] & 0x8000_0000 | self.state[(at + 1) % LENGTH] & 0x7fff_ffff;
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + SHIFT) % LENGTH] ^ joined >> 1 ^ twist;
        }
        self.next = 0;
    }
}

fn mix(word: u32) -> u32 {
    word ^ word >> 30
}

/// The place behind `at`; past the end the last word is carried to the front.
fn advance(state: &mut [u32; LENGTH], at: usize) -> usize {
    if at + 1 < LENGTH {
        return at + 1;
    }
    state[0] = state[LENGTH - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_bytes_that_python_gives() {
        assert_eq!(Random::seeded(1).bytes(5), [68, 32, 130, 60, 253]);
        assert_eq!(Random::seeded(0x1_0000_0002).bytes(5), SEEDED_BY_33_BITS);
        assert_eq!(Random::seeded(7).bytes(1000)[995..], LAST_OF_1000);
        let fraction = Random::new().fraction();
        assert!((0.0..1.0).contains(&fraction));
    }

    const SEEDED_BY_33_BITS: [u8; 5] = [28, 46, 43, 184, 86];
    const LAST_OF_1000: [u8; 5] = [22, 247, 161, 27, 198];
}
