use bytes::Bytes;
use http::{HeaderValue, Uri};
use treq_core::auth::Challenge;
use treq_core::{Error, Origin};

use super::algorithm::{Algorithm, hex};
use crate::AuthErrorReason;
use crate::error::unusable;

pub(crate) struct User {
    pub(crate) name: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

/// "Quality of protection" ([RFC 7616, section 3.3](https://www.rfc-editor.org/rfc/rfc7616#section-3.3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qop {
    /// As in RFC 2069: no count and no client nonce.
    None,
    Auth,
    /// The body is covered too.
    AuthInt,
}

impl Qop {
    /// `auth` where it is offered. None at all where only others are than are known.
    fn of(offered: Option<&[u8]>) -> Option<Qop> {
        let Some(offered) = offered.filter(|offered| !offered.trim_ascii().is_empty()) else { return Some(Qop::None) };
        let has = |name: &str| {
            offered.split(|&byte| byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
        };
        match (has("auth"), has("auth-int")) {
            (true, _) => Some(Qop::Auth),
            (false, true) => Some(Qop::AuthInt),
            (false, false) => None,
        }
    }
}

/// What a challenge began, and how far its nonce is used.
pub(crate) struct Session {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    opaque: Option<Vec<u8>>,
    pub(crate) algorithm: Algorithm,
    /// As the server spelled it.
    algorithm_name: Option<Vec<u8>>,
    pub(crate) qop: Qop,
    utf8: bool,
    userhash: bool,
    domain: Vec<String>,
    /// How many requests have carried the nonce.
    count: u32,
    /// The nonces that went into the key of a `-sess` algorithm: the first ones stay for the whole session.
    key_nonces: Option<(Vec<u8>, String)>,
}

impl Session {
    /// None where the challenge cannot be answered.
    pub(crate) fn of(challenge: &Challenge) -> Option<Session> {
        let bytes = |name: &str| challenge.param(name).map(<[u8]>::to_vec);
        let domain = challenge.text("domain").unwrap_or_default();
        Some(Session {
            realm: bytes("realm")?,
            nonce: bytes("nonce")?,
            opaque: bytes("opaque"),
            algorithm: Algorithm::of(challenge.param("algorithm"))?,
            algorithm_name: bytes("algorithm"),
            qop: Qop::of(challenge.param("qop"))?,
            utf8: challenge.has("charset", "utf-8"),
            userhash: challenge.has("userhash", "true"),
            domain: domain.split_ascii_whitespace().map(str::to_owned).collect(),
            count: 0,
            key_nonces: None,
        })
    }

    /// Whether a count of the one is a count of the other.
    pub(crate) fn is_same(&self, other: &Session) -> bool {
        (&self.nonce, &self.realm, self.algorithm, self.qop) == (&other.nonce, &other.realm, other.algorithm, other.qop)
    }

    /// Goes on where the other one, which is the same, has come to.
    pub(crate) fn counting_on_from(self, known: Session) -> Session {
        Session { count: known.count, key_nonces: known.key_nonces, ..self }
    }

    /// Whether this field, which was sent, is of this session.
    pub(crate) fn sent(&self, field: &Challenge) -> bool {
        let realm = field.param("realm") == Some(&self.realm);
        let algorithm = field.param("algorithm") == self.algorithm_name.as_deref();
        let key = match &self.key_nonces {
            Some((_, cnonce)) => field.param("cnonce") == Some(cnonce.as_bytes()),
            None => true,
        };
        realm && algorithm && key && field.param("nonce") == Some(&self.nonce)
    }

    /// The same with the nonce that the server wants from here on.
    pub(crate) fn with_nonce(self, nonce: &[u8]) -> Session {
        let count = if self.nonce == nonce { self.count } else { 0 };
        Session { nonce: nonce.to_vec(), count, ..self }
    }

    /// Whether this URL lies in the protection space: under one of the paths of `domain`, or anywhere where there are
    /// none.
    pub(crate) fn covers(&self, uri: &Uri) -> bool {
        let within = |space: &str| {
            let rest = uri.path().strip_prefix(space.split(['?', '#']).next().unwrap_or_default());
            rest.is_some_and(|rest| space.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        };
        self.domain.is_empty()
            || self.domain.iter().any(|space| match space.parse::<Uri>() {
                Ok(space) if space.scheme().is_some() => {
                    matches!((Origin::from_uri(&space), Origin::from_uri(uri)), (Ok(one), Ok(other)) if one == other)
                        && within(space.path())
                }
                _ => within(space),
            })
    }

    /// The value of the field for the next request ([RFC 7616, section
    /// 3.4](https://www.rfc-editor.org/rfc/rfc7616#section-3.4)). `body` is the hash of the body in hex, and counts for
    /// `auth-int` only.
    pub(crate) fn field(
        &mut self,
        user: &User,
        method: &str,
        target: &str,
        body: &str,
        cnonce: String,
    ) -> Result<HeaderValue, Error> {
        let mut cnonce = cnonce;
        if self.algorithm.sess {
            let nonces = self.key_nonces.get_or_insert_with(|| (self.nonce.clone(), cnonce));
            cnonce = nonces.1.clone();
        }
        self.count = self.count.wrapping_add(1);
        let count = format!("{:08x}", self.count);
        let key = self.key(user);
        let covered = match self.qop {
            Qop::AuthInt => self.hash(&[method.as_bytes(), target.as_bytes(), body.as_bytes()]),
            Qop::None | Qop::Auth => self.hash(&[method.as_bytes(), target.as_bytes()]),
        };
        let response = self.response(&key, &self.nonce, &count, &cnonce, &covered);

        let mut field = Field::new();
        field.name(user, self);
        field.quoted("realm", &self.realm);
        field.quoted("nonce", &self.nonce);
        field.quoted("uri", target.as_bytes());
        if let Some(name) = &self.algorithm_name {
            field.plain("algorithm", name);
        }
        field.quoted("response", response.as_bytes());
        if let Some(opaque) = &self.opaque {
            field.quoted("opaque", opaque);
        }
        if let Some(qop) = self.qop_name() {
            field.plain("qop", qop.as_bytes());
            field.plain("nc", count.as_bytes());
        }
        if self.qop != Qop::None || self.algorithm.sess {
            field.quoted("cnonce", cnonce.as_bytes());
        }
        if self.userhash {
            field.plain("userhash", b"true");
        }
        field.finish()
    }

    /// The `rspauth` that answers this field ([section 3.5](https://www.rfc-editor.org/rfc/rfc7616#section-3.5)).
    pub(crate) fn proof(&self, user: &User, sent: &Challenge) -> Option<String> {
        let text = |name: &str| sent.text(name);
        let covered = self.hash(&[b"", sent.param("uri")?]);
        Some(self.response(&self.key(user), sent.param("nonce")?, &text("nc")?, &text("cnonce")?, &covered))
    }

    /// The hash of A1.
    fn key(&self, user: &User) -> String {
        let key = self.hash(&[&user.name, &self.realm, &user.password]);
        match &self.key_nonces {
            Some((nonce, cnonce)) => self.hash(&[key.as_bytes(), nonce, cnonce.as_bytes()]),
            None => key,
        }
    }

    fn response(&self, key: &str, nonce: &[u8], count: &str, cnonce: &str, covered: &str) -> String {
        let (key, covered) = (key.as_bytes(), covered.as_bytes());
        match self.qop_name() {
            None => self.hash(&[key, nonce, covered]),
            Some(qop) => self.hash(&[key, nonce, count.as_bytes(), cnonce.as_bytes(), qop.as_bytes(), covered]),
        }
    }

    fn hash(&self, parts: &[&[u8]]) -> String {
        self.algorithm.hash.of(parts)
    }

    fn qop_name(&self) -> Option<&'static str> {
        match self.qop {
            Qop::None => None,
            Qop::Auth => Some("auth"),
            Qop::AuthInt => Some("auth-int"),
        }
    }
}

/// The text of a field under way.
struct Field(Vec<u8>);

impl Field {
    fn new() -> Field {
        Field(b"Digest ".to_vec())
    }

    /// `username`, or where it does not fit in there, `username*`.
    fn name(&mut self, user: &User, session: &Session) {
        let name = &user.name;
        if session.userhash {
            let hash = session.hash(&[name, &session.realm]);
            return self.quoted("username", hash.as_bytes());
        }
        let fits = !name.iter().any(u8::is_ascii_control) && (name.is_ascii() || !session.utf8);
        if fits || std::str::from_utf8(name).is_err() {
            return self.quoted("username", name);
        }
        let mut encoded = b"UTF-8''".to_vec();
        for &byte in name {
            match byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                true => encoded.push(byte),
                false => encoded.extend([&b"%"[..], hex(&[byte]).to_ascii_uppercase().as_bytes()].concat()),
            }
        }
        self.plain("username*", &encoded);
    }

    fn plain(&mut self, name: &str, value: &[u8]) {
        if self.0.last() != Some(&b' ') {
            self.0.extend(b", ");
        }
        self.0.extend(name.as_bytes());
        self.0.push(b'=');
        self.0.extend(value);
    }

    fn quoted(&mut self, name: &str, value: &[u8]) {
        self.plain(name, b"\"");
        for &byte in value {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(byte);
        }
        self.0.push(b'"');
    }

    fn finish(self) -> Result<HeaderValue, Error> {
        HeaderValue::from_maybe_shared(Bytes::from(self.0))
            .map_err(|_| unusable(AuthErrorReason::Name, "the user name fits into no header field"))
    }
}
