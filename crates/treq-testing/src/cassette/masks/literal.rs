//! A value, found in whatever way it is written.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Text within text within text has no more backslashes in a row before one character.
const RUN_MAX: usize = 64;

/// Shorter pieces of base64 or hex than this are met by chance.
const ENCODED_MIN: usize = 6;

/// A value that may not be in a cassette, with its other spellings.
#[derive(Clone)]
pub(super) struct Literal {
    value: Vec<u8>,
    /// In base64, at each of the three places that it may have in a group of three bytes, and in hex.
    encoded: Vec<Encoded>,
    /// Where a spelling can begin: most of a text is passed over by this.
    first: [bool; 256],
}

#[derive(Clone)]
struct Encoded {
    text: Vec<u8>,
    /// Whether a character before and behind it is made of bits of the value too.
    shares: (bool, bool),
    is_hex: bool,
}

impl Literal {
    pub(super) fn new(value: &[u8]) -> Literal {
        let mut encoded: Vec<_> = (0..3).map(|offset| in_base64(value, offset)).collect();
        let hex = value.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        encoded.push(Encoded { text: hex.into_bytes(), shares: (false, false), is_hex: true });
        encoded.retain(|encoded| encoded.text.len() >= ENCODED_MIN);
        let mut first = [false; 256];
        let spelled = value.first().into_iter().chain(b"%\\&+");
        let others = encoded.iter().filter_map(|encoded| encoded.text.first());
        for byte in spelled.chain(others) {
            let also = match byte {
                b'+' => b'-',
                b'/' => b'_',
                byte => byte.to_ascii_uppercase(),
            };
            (first[usize::from(*byte)], first[usize::from(also)]) = (true, true);
        }
        Literal { value: value.to_vec(), encoded, first }
    }

    /// Whether it is a number, which may stand in JSON without quotes.
    pub(super) fn is_number(&self) -> bool {
        self.value.iter().all(u8::is_ascii_digit)
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }

    /// With which two bytes a spelling can begin; `None` for a value of one byte.
    pub(super) fn starts(&self) -> Option<Vec<[u8; 2]>> {
        let [first, second, ..] = *self.value else { return None };
        let spaced = |byte: u8| if byte == b' ' { b'+' } else { byte };
        let mut starts = Vec::new();
        for first in [first, spaced(first)] {
            starts.extend([second, spaced(second), b'%', b'&', b'\\'].map(|second| [first, second]));
        }
        let digit = char::from_digit(u32::from(first >> 4), 16).map_or(b'0', |digit| digit as u8);
        starts.extend([digit, digit.to_ascii_uppercase(), b'2'].map(|second| [b'%', second]));
        starts.extend(b"alqg#".map(|second| [b'&', second]));
        starts.extend(b"\\nrtbfux\"/'".map(|second| [b'\\', second]));
        for encoded in &self.encoded {
            let [first, second, ..] = *encoded.text else { continue };
            let also = |byte: u8| match byte {
                byte if encoded.is_hex => [byte, byte.to_ascii_uppercase()],
                b'+' => [b'+', b'-'],
                b'/' => [b'/', b'_'],
                byte => [byte, byte],
            };
            starts.extend(also(first).iter().flat_map(|first| also(second).map(|second| [*first, second])));
        }
        starts.sort_unstable();
        starts.dedup();
        Some(starts)
    }

    /// Whether a spelling begins there.
    pub(super) fn is_at(&self, text: &[u8], at: usize) -> bool {
        self.at(text, at, at).is_some()
    }

    /// Where it stands in a text, the first place at or behind `from`.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let mut places = (from..text.len()).filter(|at| self.first[usize::from(text[*at])]);
        places.find_map(|at| self.at(text, at, from))
    }

    fn at(&self, text: &[u8], at: usize, from: usize) -> Option<Range<usize>> {
        if let Some(length) = spelled(&self.value, &text[at..]) {
            return Some(at..at + length);
        }
        let encoded = self.encoded.iter().find(|encoded| encoded.is_at(&text[at..]))?;
        let end = at + encoded.text.len();
        let start = if encoded.shares.0 && at > from && is_base64(text[at - 1]) { at - 1 } else { at };
        let end = if encoded.shares.1 && text.get(end).is_some_and(|byte| is_base64(*byte)) { end + 1 } else { end };
        Some(start..end)
    }
}

impl Encoded {
    fn is_at(&self, text: &[u8]) -> bool {
        let same = |(want, seen): (&u8, &u8)| match seen {
            _ if self.is_hex => want.eq_ignore_ascii_case(seen),
            // The alphabet for URLs (RFC 4648, section 5).
            b'-' => *want == b'+',
            b'_' => *want == b'/',
            _ => want == seen,
        };
        text.len() >= self.text.len() && self.text.iter().zip(text).all(same)
    }
}

/// The characters that are made of the value alone, where it begins at this byte of a group.
fn in_base64(value: &[u8], offset: usize) -> Encoded {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value);
    let text = STANDARD_NO_PAD.encode(&bytes).into_bytes();
    let before = [0, 2, 3][offset];
    let behind = usize::from(bytes.len() % 3 != 0);
    let end = text.len().saturating_sub(behind).max(before.min(text.len()));
    Encoded {
        text: text.get(before..end).unwrap_or_default().to_vec(),
        shares: (offset > 0, behind > 0),
        is_hex: false,
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// How many bytes of `text`, from its start, spell `value`: as they are, percent-encoded (once or several times), as a
/// form has them, or with the escapes of JSON (once or several times).
fn spelled(value: &[u8], text: &[u8]) -> Option<usize> {
    let mut read = 0;
    let mut rest = value;
    while let Some(first) = rest.first() {
        let behind = text.get(read..)?;
        if *first == b'\\' {
            return backslashes(rest, behind).map(|length| read + length);
        }
        if matches!(first, b'%' | b'&') {
            return signs(rest, behind).map(|length| read + length);
        }
        let (taken, consumed) = piece(rest, behind)?;
        rest = &rest[taken..];
        read += consumed;
    }
    Some(read)
}

/// A value that begins with a sign by which escapes begin too: it stands there escaped, or as it is.
fn signs(value: &[u8], text: &[u8]) -> Option<usize> {
    let sign = *value.first()?;
    let coded = percent(sign, text).or_else(|| entity(sign, text));
    let plain = (text.first() == Some(&sign)).then_some(1);
    let json = escaped(value, text).filter(|_| text.first() == Some(&b'\\')).map(|(_, length)| length);
    let mut lengths = [coded, plain, json].into_iter().flatten();
    lengths.find_map(|length| spelled(&value[1..], &text[length..]).map(|rest| length + rest))
}

/// A value that begins with backslashes: each of them is written once, or twice, or oftener where text stands within
/// text, and what follows may have escapes of its own.
fn backslashes(value: &[u8], text: &[u8]) -> Option<usize> {
    let wanted = run_of(value, usize::MAX);
    // More of them cannot be these.
    let run = run_of(text, wanted * 8);
    if run == 0 {
        let length = percent(b'\\', text)?;
        return spelled(&value[1..], &text[length..]).map(|rest| length + rest);
    }
    let longest_first = [8, 4, 2, 1].into_iter().map(|times| wanted * times).filter(|length| *length <= run);
    let as_it_is = longest_first
        .into_iter()
        .find_map(|length| spelled(&value[wanted..], &text[length..]).map(|rest| length + rest));
    // Or the first by its number, as in `\u005c`.
    as_it_is.or_else(|| {
        let behind = text.get(run..).filter(|behind| behind.starts_with(b"u"))?;
        let (taken, read) = unicode(value, behind)?;
        spelled(&value[taken..], &behind[read..]).map(|rest| run + read + rest)
    })
}

fn run_of(text: &[u8], most: usize) -> usize {
    text.iter().take(most).take_while(|byte| **byte == b'\\').count()
}

/// One byte or character: how much of the value, by how much of the text.
fn piece(value: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let (want, first) = (*value.first()?, *text.first()?);
    if first == want {
        return Some((1, 1));
    }
    match first {
        b'+' if want == b' ' => Some((1, 1)),
        b'%' => percent(want, text).map(|length| (1, length)),
        b'&' => entity(want, text).map(|length| (1, length)),
        b'\\' => escaped(value, text),
        _ => None,
    }
}

fn percent(want: u8, text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'%') {
        return None;
    }
    // `%25` is the sign itself, encoded again.
    let mut at = 1;
    while text.get(at..at + 2) == Some(b"25") && hex(text, at + 2).is_some() {
        at += 2;
    }
    (hex(text, at)? == want).then_some(at + 2)
}

fn entity(want: u8, text: &[u8]) -> Option<usize> {
    let names: &[&[u8]] = match want {
        b'&' => &[b"&amp;"],
        b'<' => &[b"&lt;"],
        b'>' => &[b"&gt;"],
        b'"' => &[b"&quot;", b"&#34;", b"&#x22;"],
        b'\'' => &[b"&apos;", b"&#39;", b"&#x27;"],
        _ => &[],
    };
    names.iter().find(|name| text.starts_with(name)).map(|name| name.len())
}

fn escaped(value: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let run = run_of(text, RUN_MAX);
    let behind = text.get(run..)?;
    let want = *value.first()?;
    let plain = match behind.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        byte @ (b'"' | b'/' | b'\'') => *byte,
        b'u' => return unicode(value, behind).map(|(taken, read)| (taken, run + read)),
        b'x' => return (hex(behind, 1)? == want).then_some((1, run + 3)),
        _ => return None,
    };
    (plain == want).then_some((1, run + 1))
}

/// `uXXXX`, or two of them where they are surrogates.
fn unicode(value: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    let unit = |at: usize| Some(u16::from_be_bytes([hex(text, at)?, hex(text, at + 2)?]));
    let first = unit(1)?;
    let mut units = vec![first];
    let mut read = 5;
    if (0xd800..0xdc00).contains(&first) {
        let run = run_of(text.get(5..)?, RUN_MAX);
        units.push(unit(5 + run + 1)?);
        read = 5 + run + 5;
    }
    let char = char::decode_utf16(units).next()?.ok()?;
    let mut bytes = [0; 4];
    let bytes = char.encode_utf8(&mut bytes).as_bytes();
    value.starts_with(bytes).then_some((bytes.len(), read))
}

fn hex(text: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = digit(text.get(at)?)? * 16 + digit(text.get(at + 1)?)?;
    u8::try_from(byte).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn finds(value: &str, text: &str) {
        let literal = Literal::new(value.as_bytes());
        assert!(literal.find(text.as_bytes(), 0).is_some(), "{value} in {text}");
        let found = super::super::finder::Finder::new(&[literal]).found_in(text.as_bytes()).count();
        assert_eq!(found, 1, "{value} in {text}");
    }

    #[test]
    fn a_value_is_found_in_every_spelling() {
        let value = "Käse \"&\\/\n\u{1f9c0} end";
        finds(value, &format!("x{value}x"));
        finds(value, &serde_json::to_string(value).unwrap());
        finds(value, &serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap());
        finds(value, "K\\u00e4se \\u0022&\\\\\\/\\n\\ud83e\\uddc0 end");
        finds(value, "a=K%C3%A4se+%22%26%5c/%0A%F0%9F%A7%80%20end");
        finds(value, "a=K%25C3%25A4se%2520%2522%2526%255C%2F%250A%25F0%259F%25A7%2580%2520end");
        for before in ["", "a", "ab"] {
            for behind in ["", "c", "cd"] {
                let text = format!("{before}{value}{behind}");
                finds(value, &STANDARD.encode(&text));
                finds(value, &URL_SAFE.encode(&text));
            }
        }
        for value in [
            " a",
            "a ",
            "&a",
            "<a",
            "\"a",
            "'a",
            "\n\u{1}",
            "\\a",
            "/a",
            "\u{e4}a",
            "%a",
            "~\u{1f9c0}",
            "\u{8}\u{c}\r\t",
        ] {
            let json = serde_json::to_string(value).unwrap();
            let utf16: String = value.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            let form: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;").replace('\'', "&#x27;");
            let twice = form.replace('%', "%25");
            for text in
                [value, &json, &utf16, &form, &html, &twice, &value.replace(' ', "+"), &value.replace('/', "\\/")]
            {
                finds(value, &format!("x{text}x"));
            }
        }
        finds("secret", "736563726574");
        finds("secret", "736563726574".to_uppercase().as_str());
    }

    #[test]
    fn what_is_another_value_is_not_found() {
        let literal = Literal::new(b"secret");
        for text in ["secre", "Secret", "sec%72", "", "c2Vjcm", "%", "%7", "\\", "\\u00"] {
            assert_eq!(literal.find(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(literal.find(b"sec%72et", 0), Some(0..8));
        assert_eq!(Literal::new(b"a\\b").find(b"a\\\\b", 0), Some(0..4));
        assert_eq!(Literal::new(b"a\\b").find(b"a\\b", 0), Some(0..3));
        assert_eq!(Literal::new(b"a\\\"b").find(b"a\\\\\\\"b", 0), Some(0..6));
    }
}
