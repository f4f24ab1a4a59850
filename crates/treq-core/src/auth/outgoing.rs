use std::borrow::Cow;
use std::fmt;

use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

#[cfg(doc)]
use super::{BodyHash, Scheme, Step};
use crate::MaskedFields;
use crate::uri::masked;

/// What a [`Scheme`] can know of the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content<'a> {
    /// It can be read before it is sent: ask by [`Step::Hash`].
    Unread,
    /// What [`BodyHash::finish`] gave.
    Hashed(&'a [u8]),
    /// It can be read only once, by being sent. A challenge cannot be answered either, only remembered.
    Once,
}

/// The head of a request that is about to go out.
pub struct Outgoing<'a> {
    method: &'a Method,
    uri: &'a Uri,
    target: Option<&'a str>,
    field: HeaderName,
    headers: &'a mut HeaderMap,
    content: Content<'a>,
    refused: Option<&'a HeaderValue>,
    waits: u32,
    written: Written,
}

/// What is to be put back before the request is handed out again.
enum Written {
    Nothing,
    /// The scheme's own field alone, and what it was before.
    Field(Option<HeaderValue>),
    /// Perhaps anything.
    Fields(Box<HeaderMap>),
}

impl fmt::Debug for Outgoing<'_> {
    /// Without what may be a secret in the fields, the URL and the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", self.method)
            .field("uri", &masked(&self.uri.to_string()))
            .field("headers", &MaskedFields(self.headers))
            .finish_non_exhaustive()
    }
}

impl<'a> Outgoing<'a> {
    /// A request to an origin, whose body is [`Unread`](Content::Unread).
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a mut HeaderMap) -> Outgoing<'a> {
        Outgoing::with_field(AUTHORIZATION, method, uri, None, headers)
    }

    /// A request to a proxy, for `Proxy-Authorization`. For CONNECT the URI is the authority alone, and `target` is too;
    /// for a forwarded request `target` is the whole URL ([RFC 9112, section
    /// 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
    ///
    /// ```
    /// use http::{HeaderMap, Method};
    /// use treq_core::auth::{Outgoing, basic};
    ///
    /// let (method, uri, mut headers) = (Method::CONNECT, "a.test:443".parse()?, HeaderMap::new());
    /// let mut connect = Outgoing::for_proxy(&method, &uri, "a.test:443", &mut headers);
    /// assert_eq!((connect.is_to_proxy(), connect.target().as_ref()), (true, "a.test:443"));
    /// connect.authorize(basic(b"u", b"p"));
    /// assert_eq!(headers["proxy-authorization"], "Basic dTpw");
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    pub fn for_proxy(method: &'a Method, uri: &'a Uri, target: &'a str, headers: &'a mut HeaderMap) -> Outgoing<'a> {
        Outgoing::with_field(PROXY_AUTHORIZATION, method, uri, Some(target), headers)
    }

    fn with_field(
        field: HeaderName,
        method: &'a Method,
        uri: &'a Uri,
        target: Option<&'a str>,
        headers: &'a mut HeaderMap,
    ) -> Outgoing<'a> {
        let (content, refused, waits, written) = (Content::Unread, None, 0, Written::Nothing);
        Outgoing { method, uri, target, field, headers, content, refused, waits, written }
    }

    /// The same with another request target than path and query.
    #[must_use]
    pub fn with_target(self, target: &'a str) -> Outgoing<'a> {
        Outgoing { target: Some(target), ..self }
    }

    /// The same with what is known of its body.
    #[must_use]
    pub fn with_content(self, content: Content<'a>) -> Outgoing<'a> {
        Outgoing { content, ..self }
    }

    /// The same with the credentials that were refused.
    #[must_use]
    pub fn with_refused(self, refused: Option<&'a HeaderValue>) -> Outgoing<'a> {
        Outgoing { refused, ..self }
    }

    /// The same after so many waits.
    pub(super) fn with_waits(self, waits: u32) -> Outgoing<'a> {
        Outgoing { waits, ..self }
    }

    /// The method.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The URL; of CONNECT the authority.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request target as it stands in the request line: path and query, unless a proxy is asked.
    pub fn target(&self) -> Cow<'a, str> {
        match (self.target, self.uri.path_and_query(), self.uri.authority()) {
            (Some(target), ..) => target.into(),
            // `http://a.test?q` is asked for as `/?q` (RFC 9112, section 3.2.1).
            (None, Some(path), _) if path.as_str().starts_with('?') => path.to_string().into(),
            (None, Some(path), _) => path.as_str().into(),
            (None, None, authority) => authority.map_or("", |authority| authority.as_str()).into(),
        }
    }

    /// Whether it is a proxy that is asked.
    pub fn is_to_proxy(&self) -> bool {
        self.field == PROXY_AUTHORIZATION
    }

    /// The fields, without those of the scheme.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// The fields, to add to them. Secrets are to be marked [sensitive](HeaderValue::set_sensitive).
    ///
    /// Those of a CONNECT go to the proxy and to nobody else. Those of a request that a proxy forwards reach the origin
    /// too, all but `Proxy-Authorization`.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        if !matches!(self.written, Written::Fields(_)) {
            let mut before = Box::new(self.headers.clone());
            if let Written::Field(field) = std::mem::replace(&mut self.written, Written::Nothing) {
                set(&mut before, &self.field, field);
            }
            self.written = Written::Fields(before);
        }
        self.headers
    }

    /// What is known of the body.
    pub fn content(&self) -> Content<'a> {
        self.content
    }

    /// The credentials that the challenge refuses, as they were sent: of a token that several requests share it may have
    /// been renewed meanwhile. None before anything was asked, and where the request had none.
    pub fn refused(&self) -> Option<&'a HeaderValue> {
        self.refused
    }

    /// How often the scheme has waited for this call, by [`Step::Wait`].
    pub fn waits(&self) -> u32 {
        self.waits
    }

    /// Sets `Authorization`, or `Proxy-Authorization`, and marks it sensitive.
    pub fn authorize(&mut self, mut value: HeaderValue) {
        value.set_sensitive(true);
        let before = self.headers.insert(self.field.clone(), value);
        // perf: no scheme that sets this field alone, as nearly all do, pays for a copy of the others.
        if matches!(self.written, Written::Nothing) {
            self.written = Written::Field(before);
        }
    }

    /// Takes back all that was put on the request.
    pub(super) fn reset(&mut self) {
        match std::mem::replace(&mut self.written, Written::Nothing) {
            Written::Nothing => {}
            Written::Field(before) => set(self.headers, &self.field, before),
            Written::Fields(before) => *self.headers = *before,
        }
    }
}

fn set(headers: &mut HeaderMap, name: &HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

/// A request that was sent, as [`Scheme::accept`] sees it.
#[derive(Clone, Copy)]
pub struct SentHead<'a> {
    uri: &'a Uri,
    authorization: Option<&'a HeaderValue>,
    to_proxy: bool,
}

impl fmt::Debug for SentHead<'_> {
    /// Without the credentials, and without what may be a secret in the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentHead")
            .field("uri", &masked(&self.uri.to_string()))
            .field("to_proxy", &self.to_proxy)
            .finish_non_exhaustive()
    }
}

impl<'a> SentHead<'a> {
    /// A request for this URL that went out with this `Authorization`, or with none.
    pub fn new(uri: &'a Uri, authorization: Option<&'a HeaderValue>) -> SentHead<'a> {
        SentHead { uri, authorization, to_proxy: false }
    }

    /// A request to a proxy, as [`Outgoing::for_proxy`], that went out with this `Proxy-Authorization`.
    pub fn for_proxy(uri: &'a Uri, authorization: Option<&'a HeaderValue>) -> SentHead<'a> {
        SentHead { uri, authorization, to_proxy: true }
    }

    /// The URL; of CONNECT the authority.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The field that carried the credentials.
    pub fn authorization(&self) -> Option<&'a HeaderValue> {
        self.authorization
    }

    /// Whether the response's fields of proxies count, and not those of origins.
    pub fn is_to_proxy(&self) -> bool {
        self.to_proxy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let (method, uri) = (Method::GET, "http://user:s3cret@a.test/x?key=s3cret".parse().unwrap());
        let mut headers = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_static("sid=s3cret"))]);
        let value = HeaderValue::from_static("s3cret");
        let shown = format!("{:?}", SentHead::new(&uri, Some(&value)));
        let shown = format!("{shown} {:?}", Outgoing::new(&method, &uri, &mut headers));
        assert!(!shown.contains("s3cret") && shown.contains("a.test/x"), "{shown}");
    }

    #[test]
    fn targets_are_those_of_the_request_line() {
        for (uri, target) in [
            ("http://a.test", "/"),
            ("http://a.test?q=1", "/?q=1"),
            ("http://a.test/x?q=1", "/x?q=1"),
            ("a.test:443", "a.test:443"),
            ("*", "*"),
        ] {
            let (uri, mut headers) = (uri.parse().unwrap(), HeaderMap::new());
            assert_eq!(Outgoing::new(&Method::GET, &uri, &mut headers).target(), target);
        }
    }
}
