//! What is kept out of a cassette.

mod body;
mod coding;
mod fields;
mod json;
mod literal;
mod names;

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use self::literal::Literal;
use super::entry::{Answer, Asked, Entry, Message};

pub(super) use self::body::parameter;
pub(super) use self::coding::narrowed;

/// What stands in the place of a secret: a valid value of a cookie, a field, a query, a form, a JSON string.
pub(super) const MASKED: &str = "treq-masked";

/// A value shorter than this is met by chance: it is masked where its name says that it is secret, not elsewhere.
const LEARNED_MIN: usize = 6;

/// Words that stand under secret names without being secrets: masked there, not wherever else they are met.
const COMMON: [&str; 14] = [
    "anonymous",
    "bearer",
    "boolean",
    "default",
    "deleted",
    "digest",
    "example",
    "integer",
    "number",
    "object",
    "private",
    "public",
    "string",
    "undefined",
];

/// What a cassette masks: `treq-masked` stands there instead, `0` in place of a number in JSON.
///
/// | where | by default |
/// |---|---|
/// | fields | `Authorization` (but for its scheme), `Cookie` and `Set-Cookie` (but for names and attributes), `X-Auth-…`, `…-Api-Key`, `…-Token`, `…-Secret` and their like, every value marked sensitive |
/// | URLs, also in `Location`, `Content-Location` and `Referer` | userinfo, values of secret names in query and fragment |
/// | bodies of both directions: forms, JSON at any depth, `multipart/…` | values of secret names |
/// | anywhere | each secret found in one of these places, if it is 6 bytes or longer and no common word, and each [literal](Masks::literal): as it is, percent-encoded, with the escapes of JSON or HTML, in base64 or in hex |
///
/// Secret names are those that end in `password`, `token`, `secret`, `api_key`, `access_key`, `private_key`,
/// `signature` or `assertion`, a few others such as `jwt` and `sid`, and the [added](Masks::name) ones, whatever their case
/// and whatever joins their words.
///
/// Bodies coded with gzip or deflate are looked into, and kept decoded where something was masked. While a recording is
/// made no other coding is asked for; an answer that comes in one nevertheless is not kept, which
/// [`Cassette::finish`](crate::Cassette::finish) tells, unless [`unread_codings`](Masks::unread_codings) says that it
/// may be.
///
/// On replay a masked part matches whatever stands in its place.
#[derive(Clone)]
pub struct Masks {
    by_name: bool,
    headers: Vec<HeaderName>,
    names: Vec<String>,
    literals: Vec<Literal>,
    unread_codings: bool,
}

impl Masks {
    /// The defaults.
    pub fn new() -> Masks {
        Masks { by_name: true, headers: Vec::new(), names: Vec::new(), literals: Vec::new(), unread_codings: false }
    }

    /// Nothing but what is added: for servers whose secrets are none.
    pub fn off() -> Masks {
        Masks { by_name: false, ..Masks::new() }
    }

    /// And the values of this field.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Masks {
        self.headers.push(name);
        self
    }

    /// And values of this name in queries, forms, JSON and multipart bodies.
    #[must_use]
    pub fn name(mut self, name: impl AsRef<str>) -> Masks {
        self.names.push(names::plain(name.as_ref()));
        self
    }

    /// And this value, wherever it stands. An empty one is left out.
    #[must_use]
    pub fn literal(mut self, value: impl AsRef<[u8]>) -> Masks {
        if !value.as_ref().is_empty() {
            self.literals.push(Literal::new(value.as_ref()));
        }
        self
    }

    /// Keeps bodies also in codings that cannot be looked into, `br` and `zstd` among them: secrets may be in there.
    #[must_use]
    pub fn unread_codings(mut self, keep: bool) -> Masks {
        self.unread_codings = keep;
        self
    }

    fn is_secret_header(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        let by_name = self.by_name && (value.is_sensitive() || names::is_secret_header(name.as_str()));
        by_name || self.headers.contains(name)
    }

    fn is_secret_field(&self, name: &str) -> bool {
        self.by_name && names::is_secret_field(name) || self.names.contains(&names::plain(name))
    }

    /// In a query `key` is a key; in JSON it is anything.
    fn is_secret_parameter(&self, name: &str) -> bool {
        self.is_secret_field(name) || self.by_name && name.eq_ignore_ascii_case("key")
    }

    /// Whether any coding but those that can be looked into is to be kept out.
    pub(super) fn looks_into_bodies(&self) -> bool {
        !self.unread_codings && (self.by_name || !self.names.is_empty() || !self.literals.is_empty())
    }

    /// The coding of a body that cannot be looked into, and would have to be.
    pub(super) fn unread<'a>(&self, message: &'a Message) -> Option<&'a str> {
        let coding = message.field(CONTENT_ENCODING);
        let unread = self.looks_into_bodies() && !message.body.is_empty() && !coding::is_known(coding);
        unread.then_some(coding)
    }
}

impl Default for Masks {
    fn default() -> Masks {
        Masks::new()
    }
}

/// How many there are of each: names of secrets are harmless, values are not shown.
impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks")
            .field("by_name", &self.by_name)
            .field("headers", &self.headers)
            .field("names", &self.names)
            .field("literals", &self.literals.len())
            .field("unread_codings", &self.unread_codings)
            .finish()
    }
}

/// The masks at work: they learn the secrets that they meet.
pub(super) struct Masker {
    masks: Masks,
    learned: Vec<Literal>,
}

impl Masker {
    pub(super) fn new(masks: Masks) -> Masker {
        Masker { masks, learned: Vec::new() }
    }

    /// Takes note of the secrets of a request.
    pub(super) fn learn_request(&mut self, request: &Asked) {
        let mut found = Vec::new();
        self.named_url(&request.url, &mut found);
        self.named_message(&request.message, &mut found);
        self.keep(found);
    }

    /// Takes note of the secrets of an exchange.
    pub(super) fn learn(&mut self, entry: &Entry) {
        self.learn_request(&entry.request);
        let mut found = Vec::new();
        self.named_message(&entry.response.message, &mut found);
        self.keep(found);
    }

    fn keep(&mut self, found: Vec<Vec<u8>>) {
        for value in found {
            let is_common = COMMON.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
            let is_masked = value.windows(MASKED.len()).any(|part| part == MASKED.as_bytes());
            let is_known = self.learned.iter().any(|known| known.value() == value);
            if value.len() >= LEARNED_MIN && !is_common && !is_masked && !is_known {
                self.learned.push(Literal::new(&value));
            }
        }
        // The longest first: one may be a part of another.
        self.learned.sort_by_key(|known| std::cmp::Reverse(known.value().len()));
    }

    /// The request without its secrets, and without any that are known.
    pub(super) fn request(&self, request: &Asked) -> Asked {
        let url = self.named_url(&request.url, &mut Vec::new());
        Asked {
            method: request.method.clone(),
            url: self.text(&url),
            version: request.version,
            message: self.message(&request.message, false),
        }
    }

    /// The exchange without secrets.
    pub(super) fn entry(&self, entry: &Entry) -> Entry {
        let response = &entry.response;
        Entry {
            request: self.request(&entry.request),
            response: Answer {
                reason: response.reason.as_deref().map(|reason| self.text(reason)),
                message: self.message(&response.message, entry.request.method == Method::HEAD),
                ..response.clone()
            },
            ..entry.clone()
        }
    }

    fn message(&self, message: &Message, is_head: bool) -> Message {
        let mut headers = self.headers(&message.headers);
        let body = self.body(message);
        let changed = body.is_some();
        if changed {
            // They speak of the body as it was.
            let describes = [CONTENT_ENCODING.as_str(), "content-md5", "digest", "content-digest", "repr-digest"];
            headers = headers.iter().filter(|(name, _)| !describes.contains(&name.as_str())).map(owned).collect();
        }
        let body = body.unwrap_or_else(|| message.body.clone());
        if changed && !is_head && message.cut.is_none() && headers.contains_key(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let trailers = message.trailers.as_ref().map(|trailers| self.headers(trailers));
        Message { headers, body, trailers, cut: message.cut }
    }

    fn headers(&self, headers: &HeaderMap) -> HeaderMap {
        let mut named = self.named_headers(headers, &mut Vec::new());
        for value in named.values_mut() {
            if let Some(masked) = self.scrubbed(value.as_bytes()) {
                // Of a valid value and the mask nothing else can come.
                *value = HeaderValue::from_bytes(&masked).unwrap_or_else(|_| HeaderValue::from_static(MASKED));
            }
        }
        let is_clean = |name: &HeaderName| self.scrubbed(name.as_str().as_bytes()).is_none();
        if named.keys().all(is_clean) {
            return named;
        }
        let renamed = |(name, value): (&HeaderName, &HeaderValue)| match is_clean(name) {
            true => (name.clone(), value.clone()),
            false => (HeaderName::from_static(MASKED), value.clone()),
        };
        named.iter().map(renamed).collect()
    }

    /// The body without secrets, decoded where that was needed; `None` where there are none in it.
    fn body(&self, message: &Message) -> Option<Bytes> {
        let kind = message.field(CONTENT_TYPE);
        let plain = coding::plain(message.field(CONTENT_ENCODING), &message.body);
        let named = self.named_body(kind, &plain, &mut Vec::new());
        let scrubbed = self.scrubbed(named.as_deref().unwrap_or(&plain));
        scrubbed.or(named).map(Bytes::from)
    }

    fn text(&self, text: &str) -> String {
        match self.scrubbed(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text.to_owned(),
        }
    }

    /// The text with each literal masked; `None` where there is none in it.
    fn scrubbed(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        for literal in self.masks.literals.iter().chain(&self.learned) {
            let seen = masked.as_deref().unwrap_or(text);
            let mut kept = Vec::new();
            let mut from = 0;
            while let Some(range) = literal.find(seen, from) {
                kept.extend_from_slice(&seen[from..range.start]);
                kept.extend_from_slice(MASKED.as_bytes());
                from = range.end;
            }
            if from > 0 {
                kept.extend_from_slice(&seen[from..]);
                masked = Some(kept);
            }
        }
        masked
    }

    fn named_message(&self, message: &Message, found: &mut Vec<Vec<u8>>) {
        self.named_headers(&message.headers, found);
        if let Some(trailers) = &message.trailers {
            self.named_headers(trailers, found);
        }
        let plain = coding::plain(message.field(CONTENT_ENCODING), &message.body);
        self.named_body(message.field(CONTENT_TYPE), &plain, found);
    }

    /// The body with the values of secret names masked; `None` where there are none.
    fn named_body(&self, kind: &str, body: &[u8], found: &mut Vec<Vec<u8>>) -> Option<Vec<u8>> {
        let secrets = body::secrets(kind, body, |name| self.masks.is_secret_field(name));
        if secrets.is_empty() {
            return None;
        }
        let mut masked = Vec::with_capacity(body.len());
        let mut from = 0;
        for secret in secrets {
            masked.extend_from_slice(&body[from..secret.range.start]);
            masked.extend_from_slice(if secret.is_text { MASKED.as_bytes() } else { b"0" });
            from = secret.range.end;
            found.push(secret.value);
        }
        masked.extend_from_slice(&body[from..]);
        Some(masked)
    }
}

fn owned((name, value): (&HeaderName, &HeaderValue)) -> (HeaderName, HeaderValue) {
    (name.clone(), value.clone())
}
