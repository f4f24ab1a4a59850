//! The grammar of challenges ([RFC 9110, section 11.3](https://www.rfc-editor.org/rfc/rfc9110#section-11.3)), read
//! leniently, in one pass, without going back further than one word.

use super::Challenge;

/// Reads on from a place in a field's value.
pub(crate) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Parser<'a> {
        Parser { bytes, at: 0 }
    }

    /// Adds all challenges to `into`. What is malformed is left out up to the next comma. A parameter that comes first
    /// belongs to the last challenge that stands there already.
    pub(crate) fn challenges(&mut self, into: &mut Vec<Challenge>) {
        let first = into.len();
        self.read(into, first);
    }

    /// The parameters of a field that is nothing but parameters, as `Authentication-Info`.
    pub(crate) fn params(&mut self) -> Challenge {
        let mut into = vec![Challenge::new("")];
        self.read(&mut into, 0);
        into.swap_remove(0)
    }

    fn read(&mut self, into: &mut Vec<Challenge>, first: usize) {
        loop {
            self.skip(|byte| is_space(byte) || byte == b',');
            if self.at == self.bytes.len() {
                return;
            }
            let word = self.take(is_token);
            if word.is_empty() {
                self.skip_element();
                continue;
            }
            let after = self.at;
            self.skip(is_space);
            if self.peek() == Some(b'=') {
                self.at += 1;
                let value = self.value();
                if let Some(challenge) = into.get_mut(first..).and_then(<[Challenge]>::last_mut) {
                    challenge.push(word, value);
                }
                self.end_element();
                continue;
            }
            // `qop=auth,auth-int`: servers forget the quotes around the list.
            let is_of_qop = [&b"auth"[..], b"auth-int"].iter().any(|of| word.eq_ignore_ascii_case(of));
            if is_of_qop && matches!(self.peek(), None | Some(b',')) {
                let last = into.get_mut(first..).and_then(<[Challenge]>::last_mut);
                if last.is_some_and(|challenge| challenge.extend_last("qop", word)) {
                    continue;
                }
            }
            let mut challenge = Challenge::new(&String::from_utf8_lossy(word));
            // Parameters and the like only behind a space; what else follows a name makes it none.
            if self.at == after && !matches!(self.peek(), None | Some(b',')) {
                self.skip_element();
                continue;
            }
            if let Some(token68) = self.token68() {
                challenge.set_token68(token68);
            }
            into.push(challenge);
        }
    }

    /// A `token68`, where that is what stands here up to the next comma.
    fn token68(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        let word = self.at;
        self.skip(|byte| byte == b'=');
        let end = self.at;
        self.skip(is_space);
        if word > start && matches!(self.peek(), None | Some(b',')) {
            return Some(&self.bytes[start..end]);
        }
        self.at = start;
        None
    }

    /// What stands behind an equals sign: a quoted string without its quotes and escapes, or all up to a space or comma.
    fn value(&mut self) -> Vec<u8> {
        self.skip(is_space);
        if self.peek() != Some(b'"') {
            return self.take(|byte| !is_space(byte) && byte != b',').to_vec();
        }
        self.at += 1;
        let mut value = Vec::new();
        // One that is not closed ends with the field.
        while let Some(byte) = self.next() {
            match byte {
                b'"' => break,
                b'\\' => value.extend(self.next()),
                _ => value.push(byte),
            }
        }
        value
    }

    /// Up to the comma, or to the next parameter where that was forgotten; anything else before it is malformed.
    fn end_element(&mut self) {
        self.skip(is_space);
        let start = self.at;
        let word = !self.take(is_token).is_empty();
        self.skip(is_space);
        let is_param = word && self.peek() == Some(b'=');
        self.at = start;
        if !is_param {
            self.skip_element();
        }
    }

    /// Up to the next comma that is not in quotes.
    fn skip_element(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b',' => return,
                b'"' => drop(self.value()),
                _ => self.at += 1,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, which: impl Fn(u8) -> bool) {
        self.take(which);
    }

    fn take(&mut self, which: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schemes with what they carry, as short text.
    fn parsed(text: &str) -> String {
        let mut list = Vec::new();
        Parser::new(text.as_bytes()).challenges(&mut list);
        let shown = list.iter().map(|challenge| {
            let params = challenge.params().map(|(name, value)| format!(" {name}={}", String::from_utf8_lossy(value)));
            let token68 = challenge.token68().map(|token68| format!(" {token68}"));
            format!("{}{}", challenge.scheme(), params.chain(token68).collect::<String>())
        });
        shown.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn reads_what_is_meant_and_leaves_out_what_is_not() {
        for (text, want) in [
            ("Basic realm = \"foo\"", "basic realm=foo"),
            ("Basic , realm=\"foo\"", "basic realm=foo"),
            (",Basic realm=\"\\f\\o\\o\",, a=b,", "basic realm=foo a=b"),
            ("Digest realm=\"a, Basic b=c\", nonce=x", "digest realm=a, Basic b=c nonce=x"),
            ("Digest realm=\"r\" nonce=\"n\" opaque=o", "digest realm=r nonce=n opaque=o"),
            ("Negotiate, NTLM,Basic realm=r", "negotiate; ntlm; basic realm=r"),
            ("Negotiate a+/~._-==, Basic realm=r", "negotiate a+/~._-==; basic realm=r"),
            ("Negotiate a==b, Basic realm=r", "negotiate a==b; basic realm=r"),
            ("realm=r, Basic a=b", "basic a=b"),
            ("(x) \"a, Digest b\", Basic realm=r", "basic realm=r"),
            ("Basic(x), Digest nonce=n", "digest nonce=n"),
            ("Basic realm=r junk \"a,b\", Digest nonce=n", "basic realm=r; digest nonce=n"),
            ("Basic realm=\"unclosed, Digest nonce=n", "basic realm=unclosed, Digest nonce=n"),
            ("Basic realm=", "basic realm="),
            ("Digest qop=auth,auth-int, algorithm=MD5", "digest qop=auth,auth-int algorithm=MD5"),
            ("Digest qop=AUTH-INT , Auth, Basic realm=r", "digest qop=AUTH-INT,Auth; basic realm=r"),
            ("Digest qop=auth, auth realm=r", "digest qop=auth; auth realm=r"),
        ] {
            assert_eq!(parsed(text), want, "{text}");
        }
    }
}
