use std::ops::Range;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::finder::{Finder, Known};
use super::literal::Literal;
use super::{MASKED, Masks, body, coding, fields};
use crate::cassette::entry::{Answer, Asked, Entry, Message};

/// A value shorter than this is met by chance: it is masked where its name says that it is secret, not elsewhere.
const LEARNED_MIN: usize = 6;

/// A longer one is a document, and is met as a whole only.
const LEARNED_MAX: usize = 4096;

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

/// The masks at work: they learn the secrets that they meet.
pub(in crate::cassette) struct Masker {
    pub(super) masks: Masks,
    finder: Finder,
}

impl Masker {
    pub(in crate::cassette) fn new(masks: Masks) -> Masker {
        Masker { finder: Finder::new(&masks.literals), masks }
    }

    /// Takes note of the secrets of a request.
    pub(in crate::cassette) fn learn_request(&mut self, request: &Asked) {
        let mut found = Vec::new();
        self.named_url(&request.url, &mut found);
        self.named_message(&request.message, &mut found);
        self.keep(found);
    }

    /// Takes note of the secrets of an exchange.
    pub(in crate::cassette) fn learn(&mut self, entry: &Entry) {
        self.learn_request(&entry.request);
        let mut found = Vec::new();
        self.named_message(&entry.response.message, &mut found);
        self.keep(found);
    }

    fn keep(&mut self, found: Vec<Vec<u8>>) {
        for value in found {
            // A server tells a cookie back as it reads it.
            let plain = value.contains(&b'%').then(|| fields::decoded(&String::from_utf8_lossy(&value)));
            self.keep_one(value);
            plain.into_iter().for_each(|plain| self.keep_one(plain));
        }
    }

    fn keep_one(&mut self, value: Vec<u8>) {
        let is_common = COMMON.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
        let is_masked = value.windows(MASKED.len()).any(|part| part == MASKED.as_bytes());
        let is_known = self.finder.all().any(|known| known.is_learned && known.literal.value() == value);
        if (LEARNED_MIN..=LEARNED_MAX).contains(&value.len()) && !is_common && !is_masked && !is_known {
            self.finder.add(Literal::new(&value), true);
        }
    }

    /// The request without its secrets, and without any that are known.
    pub(in crate::cassette) fn request(&self, request: &Asked) -> Asked {
        let url = self.named_url(&request.url, &mut Vec::new());
        Asked {
            method: request.method.clone(),
            url: self.text(&url),
            version: request.version,
            message: self.message(&request.message, false),
        }
    }

    /// The exchange without secrets.
    pub(in crate::cassette) fn entry(&self, entry: &Entry) -> Entry {
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
        let plain = coding::plain(&message.codings(), &message.body);
        let named = self.named_body(kind, &plain, &mut Vec::new());
        let scrubbed = self.scrubbed(named.as_deref().unwrap_or(&plain));
        let mut masked = scrubbed.or(named);
        if message.cut.is_some() {
            let text = masked.as_deref().unwrap_or(&plain);
            if let Some(length) = self.begun(text) {
                let kept = &text[..text.len() - length];
                masked = Some([kept, MASKED.as_bytes()].concat());
            }
        }
        masked.map(Bytes::from)
    }

    /// How much of a literal stands at the end of a body that was cut within it.
    fn begun(&self, text: &[u8]) -> Option<usize> {
        /// Less of it gives nothing away.
        const MIN: usize = 4;
        let begun = |known: &Known| {
            let value = known.literal.value();
            (MIN..value.len()).rev().find(|length| text.ends_with(&value[..*length]))
        };
        self.finder.all().filter_map(begun).max()
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
        for Known { literal, is_learned } in self.finder.found_in(text) {
            let seen = masked.as_deref().unwrap_or(text);
            let mut kept = Vec::new();
            let mut from = 0;
            let mut at = 0;
            while let Some(range) = literal.find(seen, at) {
                at = range.end;
                let stands = if literal.is_number() { number(seen, &range) } else { Stands::InText };
                if *is_learned && stands == Stands::InNumber {
                    continue;
                }
                kept.extend_from_slice(&seen[from..range.start]);
                kept.extend_from_slice(if stands == Stands::Alone { b"0" } else { MASKED.as_bytes() });
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
        let plain = coding::plain(&message.codings(), &message.body);
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

/// Where digits stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    InText,
    /// As part of a longer number, which is another one.
    InNumber,
    /// As a number of JSON, in whose place no text can stand.
    Alone,
}

fn number(text: &[u8], range: &Range<usize>) -> Stands {
    let (before, behind) = (&text[..range.start], &text[range.end..]);
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    if is_digit(before.last()) || is_digit(behind.first()) {
        return Stands::InNumber;
    }
    let opens = before.trim_ascii_end().last().is_some_and(|byte| matches!(byte, b':' | b',' | b'['));
    let closes = behind.trim_ascii_start().first().is_none_or(|byte| matches!(byte, b',' | b']' | b'}'));
    if opens && closes { Stands::Alone } else { Stands::InText }
}

fn owned((name, value): (&HeaderName, &HeaderValue)) -> (HeaderName, HeaderValue) {
    (name.clone(), value.clone())
}
