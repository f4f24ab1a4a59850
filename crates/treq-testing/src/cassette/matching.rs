//! Whether a request is the recorded one.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::entry::Asked;
use super::masks::{MASKED, parameter};
use crate::{StubRequest, form};

/// Which recorded request answers for one that is made.
///
/// | | [`strict`](Matching::strict) | [`lenient`](Matching::lenient) |
/// |---|---|---|
/// | method, origin, path | the same | the same |
/// | query | the same text | the same pairs, in any order |
/// | body | the same bytes | JSON of the same value, the same pairs of a form in any order, the same parts whatever their boundary; any other the same bytes |
/// | fields | those of [`header`](Matching::header) | those of [`header`](Matching::header) |
///
/// Both sides are masked before they are compared, and what is masked in the recording matches anything.
#[derive(Clone)]
pub struct Matching {
    rules: Rules,
    headers: Vec<HeaderName>,
    any_origin: bool,
    and: Option<Arc<Closure>>,
}

type Closure = dyn Fn(&StubRequest, &StubRequest) -> bool + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    Strict,
    Lenient,
    None,
}

impl Matching {
    /// Method, URL and body are the same. The default.
    pub fn strict() -> Matching {
        Matching::with(Rules::Strict)
    }

    /// Method, URL and body say the same.
    pub fn lenient() -> Matching {
        Matching::with(Rules::Lenient)
    }

    /// The closure alone says so, of the recorded request and of the one that is made, both masked.
    pub fn by(is_same: impl Fn(&StubRequest, &StubRequest) -> bool + Send + Sync + 'static) -> Matching {
        Matching::with(Rules::None).and(is_same)
    }

    fn with(rules: Rules) -> Matching {
        Matching { rules, headers: Vec::new(), any_origin: false, and: None }
    }

    /// And this field has the same values, or is missing in both.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Matching {
        self.headers.push(name);
        self
    }

    /// Scheme, host and port do not count: for a server that was recorded on a port of its own.
    #[must_use]
    pub fn any_origin(mut self) -> Matching {
        self.any_origin = true;
        self
    }

    /// And the closure says so, of the recorded request and of the one that is made, both masked.
    #[must_use]
    pub fn and(mut self, is_same: impl Fn(&StubRequest, &StubRequest) -> bool + Send + Sync + 'static) -> Matching {
        self.and = Some(match self.and.take() {
            None => Arc::new(is_same),
            Some(first) => Arc::new(move |recorded, asked| first(recorded, asked) && is_same(recorded, asked)),
        });
        self
    }

    /// The parts in which the two differ.
    pub(super) fn differing(&self, recorded: &Asked, asked: &Asked) -> Vec<&'static str> {
        let (theirs, ours) = (Url::of(&recorded.url), Url::of(&asked.url));
        let rules = self.rules;
        let is_lenient = rules == Rules::Lenient;
        let mut differing = Vec::new();
        let mut look = |name, is_same: &dyn Fn() -> bool| {
            if !is_same() {
                differing.push(name);
            }
        };
        if rules != Rules::None {
            let same_origin = || self.any_origin || like(theirs.origin.as_bytes(), ours.origin.as_bytes());
            look("method", &|| recorded.method == asked.method);
            look("url", &|| same_origin() && like(theirs.path.as_bytes(), ours.path.as_bytes()));
            look("query", &|| match is_lenient {
                true => same_pairs(theirs.query.as_bytes(), ours.query.as_bytes()),
                false => like(theirs.query.as_bytes(), ours.query.as_bytes()),
            });
        }
        look("headers", &|| self.headers.iter().all(|name| same_field(name, recorded, asked)));
        if rules != Rules::None {
            look("body", &|| same_body(recorded, asked, is_lenient));
        }
        if let Some(is_same) = &self.and {
            look("closure", &|| is_same(&recorded.as_stub(), &asked.as_stub()));
        }
        differing
    }

    /// The fields that are compared.
    pub(super) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }
}

impl Default for Matching {
    fn default() -> Matching {
        Matching::strict()
    }
}

impl fmt::Debug for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matching")
            .field("rules", &self.rules)
            .field("headers", &self.headers)
            .field("any_origin", &self.any_origin)
            .field("and", &self.and.is_some())
            .finish()
    }
}

/// A URL in pieces, none of which need be valid: a mask may stand anywhere.
pub(super) struct Url {
    pub(super) origin: String,
    pub(super) path: String,
    pub(super) query: String,
}

impl Url {
    pub(super) fn of(url: &str) -> Url {
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
        let (authority, path) =
            if scheme.is_empty() { ("", rest) } else { rest.split_at(rest.find('/').unwrap_or(rest.len())) };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
        let scheme = scheme.to_ascii_lowercase();
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(usual).unwrap_or(&host);
        Url {
            origin: if scheme.is_empty() { String::new() } else { format!("{scheme}://{host}") },
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query.to_owned(),
        }
    }
}

fn same_field(name: &HeaderName, recorded: &Asked, asked: &Asked) -> bool {
    let mut theirs = recorded.message.headers.get_all(name).iter();
    let mut ours = asked.message.headers.get_all(name).iter();
    loop {
        match (theirs.next(), ours.next()) {
            (None, None) => return true,
            (Some(theirs), Some(ours)) if like(theirs.as_bytes(), ours.as_bytes()) => {}
            _ => return false,
        }
    }
}

fn same_body(recorded: &Asked, asked: &Asked, is_lenient: bool) -> bool {
    let (theirs, ours) = (&recorded.message.body[..], &asked.message.body[..]);
    if recorded.message.cut.is_some() {
        // Of what is not there anything may have been.
        return like(&[theirs, MASKED.as_bytes()].concat(), ours);
    }
    if !is_lenient {
        return like(theirs, ours);
    }
    let kinds = [recorded, asked].map(|side| side.message.field(CONTENT_TYPE));
    let are = |essence: &str| kinds.iter().all(|kind| kind.to_ascii_lowercase().contains(essence));
    if are("application/x-www-form-urlencoded") {
        return same_pairs(theirs, ours);
    }
    if are("multipart/") {
        let [theirs, ours] = [(theirs, kinds[0]), (ours, kinds[1])].map(|(body, kind)| unbounded(body, kind));
        return like(&theirs, &ours);
    }
    if are("json") {
        if let (Ok(theirs), Ok(ours)) = (serde_json::from_slice(theirs), serde_json::from_slice(ours)) {
            return same_value(&theirs, &ours);
        }
    }
    like(theirs, ours)
}

fn same_value(recorded: &Value, asked: &Value) -> bool {
    match (recorded, asked) {
        (Value::String(theirs), Value::String(ours)) => like(theirs.as_bytes(), ours.as_bytes()),
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(theirs, ours)| same_value(theirs, ours))
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            let same = |(name, value)| ours.get(name).is_some_and(|ours| same_value(value, ours));
            theirs.len() == ours.len() && theirs.iter().all(same)
        }
        (Value::Number(theirs), Value::Number(ours)) => theirs == ours || theirs.as_f64() == ours.as_f64(),
        _ => recorded == asked,
    }
}

fn same_pairs(recorded: &[u8], asked: &[u8]) -> bool {
    let (theirs, mut ours) = (form::pairs(recorded), form::pairs(asked));
    let mut find = |(name, value): &(String, String)| {
        let same = |pair: &(String, String)| pair.0 == *name && like(value.as_bytes(), pair.1.as_bytes());
        ours.iter().position(same).map(|at| ours.remove(at)).is_some()
    };
    // Those without a mask choose first, so that a mask does not take what is theirs.
    let (open, closed): (Vec<_>, Vec<_>) = theirs.into_iter().partition(|(_, value)| value.contains(MASKED));
    let all = closed.iter().chain(&open).all(&mut find);
    all && ours.is_empty()
}

/// A multipart body with a boundary that is always the same.
fn unbounded(body: &[u8], kind: &str) -> Vec<u8> {
    let boundary = parameter(kind, "boundary").unwrap_or_default();
    let delimiter = format!("--{boundary}");
    if boundary.is_empty() {
        return body.to_vec();
    }
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(delimiter.as_bytes()) {
            text.extend_from_slice(b"--boundary");
            rest = behind;
        } else {
            text.push(rest[0]);
            rest = &rest[1..];
        }
    }
    text
}

/// Whether the two are equal, where a mask in the recorded one stands for anything.
fn like(recorded: &[u8], asked: &[u8]) -> bool {
    if recorded == asked {
        return true;
    }
    // Where they begin to differ a mask must have begun: long bodies are not searched for one in vain.
    let same = recorded.iter().zip(asked).take_while(|(theirs, ours)| theirs == ours).count();
    if position(&recorded[..recorded.len().min(same + MASKED.len())], MASKED.as_bytes()).is_none() {
        return false;
    }
    let mut pieces = Vec::new();
    let mut rest = recorded;
    while let Some(at) = position(rest, MASKED.as_bytes()) {
        pieces.push(&rest[..at]);
        rest = &rest[at + MASKED.len()..];
    }
    let Some((first, between)) = pieces.split_first() else { return recorded == asked };
    let Some(mut asked) = asked.strip_prefix(*first).and_then(|asked| asked.strip_suffix(rest)) else { return false };
    for piece in between {
        match position(asked, piece) {
            Some(at) => asked = &asked[at + piece.len()..],
            None => return false,
        }
    }
    true
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_stands_for_anything() {
        let table = [
            ("", "", true),
            ("a", "a", true),
            ("a", "b", false),
            ("treq-masked", "", true),
            ("treq-masked", "anything", true),
            ("a=treq-masked&b", "a=xyz&b", true),
            ("a=treq-masked&b", "a=xyz&c", false),
            ("a=treq-masked&b=treq-masked&c", "a=1&b=2&c", true),
            ("a=treq-masked&b=treq-masked&c", "a=1&c", false),
            ("xtreq-maskedx", "x", false),
        ];
        for (recorded, asked, want) in table {
            assert_eq!(like(recorded.as_bytes(), asked.as_bytes()), want, "{recorded} and {asked}");
        }
    }

    #[test]
    fn urls_fall_into_pieces() {
        let url = Url::of("HTTP://u:p@A.test:80?x=/1?");
        assert_eq!((url.origin.as_str(), url.path.as_str(), url.query.as_str()), ("http://a.test", "/", "x=/1?"));
        let url = Url::of("/a?b");
        assert_eq!((url.origin.as_str(), url.path.as_str(), url.query.as_str()), ("", "/a", "b"));
    }
}
