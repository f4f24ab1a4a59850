use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, Method, request};
use treq_core::{Origin, UriScheme};

use crate::{Arrival, form};

/// A request as a stub sees it: whole.
#[derive(Clone)]
#[non_exhaustive]
pub struct StubRequest {
    /// The method.
    pub method: Method,
    /// Scheme, host in lower case, port unless it is the scheme's own, and path (at least `/`), percent-encoded as it
    /// came. The query stands in `params`.
    pub url: String,
    /// The query's pairs, decoded.
    pub params: Params,
    /// All fields.
    pub headers: HeaderMap,
    /// The body.
    pub data: Bytes,
    /// How it came; `None` where it was not by way of a [`MemoryServer`](crate::MemoryServer).
    pub arrival: Option<Arrival>,
}

/// Pairs of a query or of a form: names with their values, both sorted, so that the order of sending does not count.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, Vec<String>>);

impl StubRequest {
    pub(crate) fn new(head: request::Parts, data: Bytes) -> StubRequest {
        let arrival = head.extensions.get::<Arrival>().cloned();
        StubRequest {
            url: url(&head, arrival.as_ref()),
            params: Params::read(head.uri.query().unwrap_or_default().as_bytes()),
            method: head.method,
            headers: head.headers,
            data,
            arrival,
        }
    }

    /// The pairs of a body of the type `application/x-www-form-urlencoded`; `None` for another.
    pub fn form(&self) -> Option<Params> {
        let kind = self.content_type()?.split(';').next()?.trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| Params::read(&self.data))
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// The `Content-Type` field.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }
}

fn url(head: &request::Parts, arrival: Option<&Arrival>) -> String {
    let path = match head.uri.path() {
        "" => "/",
        path => path,
    };
    let scheme = match (arrival, head.uri.scheme_str()) {
        (Some(arrival), _) => arrival.origin().scheme(),
        (None, Some("https")) => UriScheme::Https,
        (None, _) => UriScheme::Http,
    };
    // The host is what the request says; where it says none, or what is no host, the one that was connected to.
    let said = head.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let said = said.or_else(|| head.uri.authority().cloned());
    let said = said.and_then(|host| Origin::from_authority(scheme, &host).ok());
    match said.as_ref().or(arrival.map(Arrival::origin)) {
        Some(origin) => format!("{}://{}{path}", scheme.as_str(), origin.authority()),
        None => path.to_owned(),
    }
}

impl Params {
    pub(crate) fn read(text: &[u8]) -> Params {
        form::pairs(text).into_iter().collect()
    }

    /// The values of a name, sorted; none where it is not there.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first value of a name.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Names and values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each value of `others` is there, as often as it is in `others`.
    pub(crate) fn contain(&self, others: &Params) -> bool {
        others.iter().all(|(name, values)| {
            let there = self.all(name);
            let count = |list: &[String], value: &String| list.iter().filter(|other| *other == value).count();
            values.iter().all(|value| count(there, value) >= count(values, value))
        })
    }
}

/// Method, URL and the fields' names: the rest may be secret.
impl fmt::Debug for StubRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StubRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Params {
        let mut params = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in pairs {
            params.entry(name.into()).or_default().push(value.into());
        }
        params.values_mut().for_each(|values| values.sort_unstable());
        Params(params)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
