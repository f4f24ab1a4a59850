use treq_testing::Random;

/// Bytes that mean something to some grammar.
const MARKS: &[u8] = b"\0\t\r\n \"#%&'(),-./:;<=>?@[\\]^_{|}~0a\x7f\x80\xc3\xff";

/// The longest that a mutation makes of it.
const LONGEST: usize = 8 * 1024;

/// The input with a few changes, with pieces of `other` in it.
pub fn mutated(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(7) {
            0 => drop(bytes.splice(at..end, [])),
            1 => bytes.insert(at, *random.pick(MARKS)),
            2 if at < bytes.len() => bytes[at] = *random.pick(MARKS),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 => {
                let piece = bytes[at..end].repeat(1 + random.below(20));
                bytes.splice(at..at, piece);
            }
            5 => {
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(200) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}
