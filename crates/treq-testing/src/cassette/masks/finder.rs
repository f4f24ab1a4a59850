//! Many values, looked for at once.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::literal::Literal;

/// The values that are looked for, by the two bytes with which a spelling of theirs may begin: one look at a text tells
/// which of them are in it, however many there are.
pub(super) struct Finder {
    known: Vec<Known>,
    starts: HashMap<u16, Vec<usize>>,
    /// Which of `starts` there are: most of a text is passed over by this.
    is_start: Vec<bool>,
    /// Those that have only one byte.
    short: Vec<usize>,
}

pub(super) struct Known {
    pub(super) literal: Literal,
    /// Whether it was met, and not given.
    pub(super) is_learned: bool,
}

impl Finder {
    pub(super) fn new(given: &[Literal]) -> Finder {
        let is_start = vec![false; usize::from(u16::MAX) + 1];
        let mut finder = Finder { known: Vec::new(), starts: HashMap::new(), is_start, short: Vec::new() };
        given.iter().for_each(|literal| finder.add(literal.clone(), false));
        finder
    }

    pub(super) fn add(&mut self, literal: Literal, is_learned: bool) {
        let number = self.known.len();
        match literal.starts() {
            Some(starts) => {
                for start in starts.into_iter().map(u16::from_be_bytes) {
                    self.is_start[usize::from(start)] = true;
                    self.starts.entry(start).or_default().push(number);
                }
            }
            None => self.short.push(number),
        }
        self.known.push(Known { literal, is_learned });
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.iter()
    }

    /// Those that a text has: the given ones, then the longest of the others first, as one may be a part of another.
    pub(super) fn found_in(&self, text: &[u8]) -> impl Iterator<Item = &Known> {
        let mut is_there = vec![false; self.known.len()];
        self.short.iter().for_each(|number| is_there[*number] = true);
        for (at, pair) in text.windows(2).enumerate() {
            let start = u16::from_be_bytes([pair[0], pair[1]]);
            if !self.is_start[usize::from(start)] {
                continue;
            }
            for number in self.starts.get(&start).into_iter().flatten() {
                is_there[*number] = is_there[*number] || self.known[*number].literal.is_at(text, at);
            }
        }
        let there = self.known.iter().zip(is_there).filter(|(_, is_there)| *is_there);
        let mut there: Vec<_> = there.map(|(known, _)| known).collect();
        there.sort_by_key(|known| known.is_learned.then(|| Reverse(known.literal.value().len())));
        there.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_there_are_found_in_their_order() {
        let mut finder = Finder::new(&[Literal::new(b"\x07"), Literal::new(b"given")]);
        for value in ["short-one", "a longer one", "not there", "short-one-and-more"] {
            finder.add(Literal::new(value.as_bytes()), true);
        }
        let found = |text: &str| -> Vec<String> {
            let values = finder.found_in(text.as_bytes()).map(|known| known.literal.value().to_vec());
            values.map(|value| String::from_utf8(value).unwrap()).collect()
        };
        assert_eq!(found(""), ["\x07"]);
        let all = ["\x07", "given", "short-one-and-more", "a longer one", "short-one"];
        assert_eq!(found("short-one-and-more; %61+longer%20one, GIVEN given"), all);
        assert_eq!(found("YSBsb25nZXIgb25l"), ["\x07", "a longer one"]);
    }
}
