use std::fmt::Write as _;

use bytes::Bytes;
use treq_core::{Error, Kind};

use crate::escape::shown;

/// What stands between the parts ([RFC 2046, section 5.1.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1)).
#[derive(Clone)]
pub(crate) struct Boundary {
    text: String,
    /// Set by the caller: unlike a random one it may occur in what is sent, so that is looked through.
    chosen: bool,
}

const LONGEST: usize = 70;

impl Boundary {
    /// 128 bits of the system's generator, as 32 hexadecimal digits.
    pub(crate) fn random() -> Result<Boundary, Error> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits).map_err(|error| {
            let message = "the system gave no random bytes for a boundary: set one with `.boundary(..)`";
            Error::new(Kind::Builder, message).with_source(std::io::Error::other(error.to_string()))
        })?;
        let mut text = String::with_capacity(2 * bits.len());
        for byte in bits {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Boundary { text, chosen: false })
    }

    pub(crate) fn chosen(text: String) -> Result<Boundary, Error> {
        let wrong = if text.is_empty() || text.len() > LONGEST {
            format!("it has {} bytes, and 1 to {LONGEST} are allowed", text.len())
        } else if text.ends_with(' ') {
            "it ends in a space".to_owned()
        } else if let Some(odd) = text.chars().find(|&it| !is_bchar(it)) {
            format!("{odd:?} stands in it, and only letters, digits, spaces and '()+_,-./:=? are allowed")
        } else {
            return Ok(Boundary { text, chosen: true });
        };
        Err(Error::new(Kind::Builder, format!("{} is no boundary: {wrong}", shown(text.as_bytes()))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The parameter's value: in quotes where it is no token.
    pub(crate) fn parameter(&self) -> String {
        if self.text.bytes().all(is_token) { self.text.clone() } else { format!("\"{}\"", self.text) }
    }

    /// What finds this boundary in a part's content; none is needed for a random one.
    pub(crate) fn scan(&self) -> Option<Scan> {
        let delimiter = || Scan { delimiter: format!("--{}", self.text).into(), matched: Some(0) };
        self.chosen.then(delimiter)
    }
}

fn is_bchar(it: char) -> bool {
    it.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(it)
}

/// [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Looks for a line that begins with the delimiter, whatever follows it and however the content is cut: readers compare
/// only the beginning of a line, and some take a lone LF for the end of one.
#[derive(Clone)]
pub(crate) struct Scan {
    delimiter: Bytes,
    /// How much of the delimiter this line has begun with; `None` where it began otherwise. The delimiter has no LF, so
    /// nothing within a line can begin a match.
    matched: Option<usize>,
}

impl Scan {
    /// Whether the delimiter is complete with this piece of the content.
    pub(crate) fn finds(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        loop {
            let Some(matched) = self.matched else {
                match rest.iter().position(|&byte| byte == b'\n') {
                    None => return false,
                    Some(end) => rest = &rest[end + 1..],
                }
                self.matched = Some(0);
                continue;
            };
            let wanted = &self.delimiter[matched..];
            let common = wanted.iter().zip(rest).take_while(|(wanted, found)| wanted == found).count();
            if common == wanted.len() {
                return true;
            }
            rest = &rest[common..];
            self.matched = if rest.is_empty() { Some(matched + common) } else { None };
            if rest.is_empty() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn takes_what_the_rfc_allows_and_names_what_it_refuses() {
        for good in ["B", "a b", "'()+_,-./:=?", "0123456789", &"x".repeat(70)] {
            assert!(Boundary::chosen(good.to_owned()).is_ok(), "{good}");
        }
        let long = "x".repeat(71);
        let table = [
            ("", "\"\" is no boundary: it has 0 bytes"),
            (&long, "it has 71 bytes, and 1 to 70"),
            ("a ", "\"a \" is no boundary: it ends in a space"),
            ("a b\"c", "'\"' stands in it"),
            ("a\r\nb", "'\\r' stands in it"),
            ("é", "'é' stands in it"),
        ];
        for (bad, part) in table {
            let error = Boundary::chosen(bad.to_owned()).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn ten_thousand_forms_have_as_many_boundaries() {
        let all: HashSet<String> = (0..10_000).map(|_| Boundary::random().unwrap().text).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(|it| it.len() == 32));
    }

    #[test]
    fn quotes_the_parameter_where_it_must() {
        for (text, parameter) in [("a-B_1.'", "a-B_1.'"), ("a b", "\"a b\""), ("a:b", "\"a:b\""), ("(x)", "\"(x)\"")] {
            assert_eq!(Boundary::chosen(text.to_owned()).unwrap().parameter(), parameter);
        }
    }

    #[test]
    fn finds_the_delimiter_at_the_start_of_any_line_however_it_is_cut() {
        let table = [
            ("--BB", true),
            ("--BBx", true),
            ("x\r\n--BB\r\n", true),
            ("x\n--BB", true),
            ("\n\n--BB", true),
            ("--B\n--BB", true),
            ("--B--BB", false),
            ("x--BB", false),
            ("\r\n--B", false),
            ("\r\n -BB", false),
            ("---BB", false),
            ("\r--BB", false),
            ("", false),
        ];
        let boundary = Boundary::chosen("BB".to_owned()).unwrap();
        for (content, found) in table {
            for size in 1..=content.len().max(1) {
                let mut scan = boundary.scan().unwrap();
                assert_eq!(content.as_bytes().chunks(size).any(|it| scan.finds(it)), found, "{content:?} by {size}");
            }
        }
        assert!(Boundary::random().unwrap().scan().is_none());
    }
}
