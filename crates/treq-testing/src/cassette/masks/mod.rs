//! What is kept out of a cassette.

mod body;
mod coding;
mod fields;
mod finder;
mod json;
mod literal;
mod masker;

use std::fmt;

use http::{HeaderName, HeaderValue};
use treq_core::{is_credential, is_secret_name};

use self::literal::Literal;
use super::entry::Message;

pub(super) use self::body::parameter;
pub(super) use self::coding::narrowed;
pub(super) use self::masker::Masker;

/// What stands in the place of a secret: a valid value of a cookie, a field, a query, a form, a JSON string.
pub(super) const MASKED: &str = "treq-masked";

/// What a cassette masks: `treq-masked` stands there instead, `0` in place of a number in JSON.
///
/// | where | by default |
/// |---|---|
/// | fields | `Authorization` (but for its scheme), `Cookie` and `Set-Cookie` (but for names and attributes), `X-Auth-…`, `…-Api-Key`, `…-Token`, `…-Secret` and their like, every value marked sensitive |
/// | URLs, also in `Location`, `Content-Location`, `Link`, `Referer` and `Refresh` | userinfo, values of secret names in query and fragment |
/// | bodies of both directions: forms, JSON at any depth, `multipart/…` and such bodies in its parts | values of secret names |
/// | anywhere | each secret found in one of these places, if it has 6 to 4096 bytes and is no common word, and each [literal](Masks::literal): as it is, percent-encoded, with the escapes of JSON or HTML, in base64 or in hex |
///
/// Secret names are those that end in `password`, `token`, `secret`, `api_key`, `access_key`, `private_key`,
/// `signature` or `assertion`, a few others such as `jwt`, `pass` and `sid`, and the [added](Masks::name) ones, whatever
/// their case and whatever joins their words; of those known here also several (`passwords`), numbered ones (`password2`)
/// and repeated ones (`password_confirmation`).
///
/// In other formats, HTML, XML and event streams among them, no names are looked for, nor in JSON and URLs that are strings
/// within JSON, nor in the path of a URL, nor in other fields such as `WWW-Authenticate`: a secret that stands only there is to be given as a literal.
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
        self.names.push(plain(name.as_ref()));
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
        let by_name = self.by_name && (value.is_sensitive() || is_credential(name));
        by_name || self.headers.contains(name)
    }

    fn is_secret_field(&self, name: &str) -> bool {
        self.by_name && is_secret_name(name) || self.names.contains(&plain(name))
    }

    /// In a query `key` is a key, and `code` what OAuth gives out tokens for; in JSON they are anything.
    fn is_secret_parameter(&self, name: &str) -> bool {
        self.is_secret_field(name) || self.by_name && ["key", "code"].iter().any(|own| name.eq_ignore_ascii_case(own))
    }

    /// Whether any coding but those that can be looked into is to be kept out.
    pub(super) fn looks_into_bodies(&self) -> bool {
        !self.unread_codings && (self.by_name || !self.names.is_empty() || !self.literals.is_empty())
    }

    /// The coding of a body that cannot be looked into, and would have to be.
    pub(super) fn unread(&self, message: &Message) -> Option<String> {
        let coding = message.codings();
        let unread = self.looks_into_bodies() && !message.body.is_empty() && !coding::is_known(&coding);
        unread.then_some(coding)
    }
}

/// The name without case and without what joins its words.
fn plain(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
