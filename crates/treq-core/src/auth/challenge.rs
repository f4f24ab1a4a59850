use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::parser::Parser;

/// A field that is longer than this, in bytes, is left out.
const FIELD_LEN: usize = 8 * 1024;

/// Fields of one name beyond this many are left out.
const FIELDS: usize = 16;

/// The challenges of a 401 or 407 ([RFC 9110, section
/// 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)), in their order.
///
/// ```
/// use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
/// use treq_core::auth::Challenges;
///
/// let mut headers = HeaderMap::new();
/// headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Newauth realm="apps", type=1, Basic realm="simple""#));
/// headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate oYG2MIGzoAMKAQA="));
/// let challenges = Challenges::parse(&headers, &WWW_AUTHENTICATE);
/// let schemes: Vec<&str> = challenges.iter().map(|challenge| challenge.scheme()).collect();
/// assert_eq!(schemes, ["newauth", "basic", "negotiate"]);
/// assert_eq!(challenges.by_scheme("Basic").next().unwrap().param("realm"), Some(&b"simple"[..]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Challenges {
    list: Vec<Challenge>,
}

impl Challenges {
    /// Those of all fields of this name: `WWW-Authenticate` or `Proxy-Authenticate`. What is malformed is left out, and
    /// so is a field of more than 8 KiB, and all behind the sixteenth. The time taken is linear in the length.
    pub fn parse(headers: &HeaderMap, name: &HeaderName) -> Challenges {
        let mut list = Vec::new();
        for value in headers.get_all(name).iter().take(FIELDS) {
            if value.len() <= FIELD_LEN {
                Parser::new(value.as_bytes()).challenges(&mut list);
            }
        }
        Challenges { list }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Challenge> {
        self.list.iter()
    }

    /// Those of one scheme, in whatever case.
    pub fn by_scheme<'a>(&'a self, scheme: &'a str) -> impl Iterator<Item = &'a Challenge> {
        self.list.iter().filter(move |challenge| challenge.scheme.eq_ignore_ascii_case(scheme))
    }

    /// Whether the server says that only the nonce was too old, not the password wrong
    /// ([RFC 7616, section 3.3](https://www.rfc-editor.org/rfc/rfc7616#section-3.3)).
    pub fn is_stale(&self) -> bool {
        self.by_scheme("digest").any(|challenge| challenge.has("stale", "true"))
    }
}

/// One challenge: a scheme with parameters or a `token68`.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Box<str>,
    params: Vec<(Box<str>, Vec<u8>)>,
    token68: Option<Box<str>>,
}

impl Challenge {
    /// Parses a field of one challenge, or of credentials, which are written alike ([RFC 9110, section
    /// 11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4)). None if it is not exactly one.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use treq_core::auth::Challenge;
    ///
    /// let field = HeaderValue::from_static(r#"Digest username="ada", nc=00000001"#);
    /// assert!(Challenge::parse(&field).unwrap().has("nc", "00000001"));
    /// ```
    pub fn parse(value: &HeaderValue) -> Option<Challenge> {
        let mut list = Vec::new();
        Parser::new(value.as_bytes()).challenges(&mut list);
        list.pop().filter(|_| list.is_empty())
    }

    /// Parses a field of parameters alone, such as `Authentication-Info`: a challenge without the name of a scheme.
    pub fn parse_params(value: &HeaderValue) -> Challenge {
        Parser::new(value.as_bytes()).params()
    }

    pub(super) fn new(scheme: &str) -> Challenge {
        Challenge { scheme: scheme.to_ascii_lowercase().into(), params: Vec::new(), token68: None }
    }

    pub(super) fn push(&mut self, name: &[u8], value: Vec<u8>) {
        self.params.push((String::from_utf8_lossy(name).to_ascii_lowercase().into(), value));
    }

    /// Another element of the list that the last parameter is, where that has this name.
    pub(super) fn extend_last(&mut self, name: &str, element: &[u8]) -> bool {
        let Some((_, value)) = self.params.last_mut().filter(|(last, _)| &**last == name) else { return false };
        value.push(b',');
        value.extend_from_slice(element);
        true
    }

    pub(super) fn set_token68(&mut self, value: &[u8]) {
        self.token68 = Some(String::from_utf8_lossy(value).into());
    }

    /// In lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The first parameter of this name, in whatever case, without quotes and escapes: the bytes that the server sent,
    /// which need not be UTF-8.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The same as text: UTF-8, or else Latin-1.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.param(name).map(|value| match std::str::from_utf8(value) {
            Ok(text) => text.into(),
            Err(_) => value.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        })
    }

    /// Whether this parameter has this value, in whatever case.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.param(name).is_some_and(|known| known.eq_ignore_ascii_case(value.as_bytes()))
    }

    /// All parameters in their order, names in lower case; one may occur twice.
    pub fn params(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.params.iter().map(|(name, value)| (&**name, &**value))
    }

    /// What stands in the place of parameters, as with `Negotiate`.
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }
}

impl fmt::Debug for Challenge {
    /// Names only: a nonce is no secret, but a token68 may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.scheme)?;
        f.debug_list().entries(self.params().map(|(name, _)| name)).finish()
    }
}
