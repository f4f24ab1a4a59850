use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version};
use treq_core::uri::masked;

/// The redirects that led to a response, oldest first: a slice of [`Hop`]s.
///
/// An extension of the response where there were any; also part of the errors. Clones share it.
#[derive(Clone, Default)]
pub struct History(Arc<Vec<Hop>>);

impl History {
    pub(crate) fn new(hops: Vec<Hop>) -> History {
        History(Arc::new(hops))
    }
}

impl Deref for History {
    type Target = [Hop];

    fn deref(&self) -> &[Hop] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Hop;
    type IntoIter = std::slice::Iter<'a, Hop>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One redirect: a request and the head of its answer. `Debug` shows neither fields nor query.
#[derive(Clone)]
#[non_exhaustive]
pub struct Hop {
    /// The method of the request.
    pub method: Method,
    /// The URL of the request, without userinfo.
    pub url: Uri,
    /// The status of the answer.
    pub status: StatusCode,
    /// The answer's version of HTTP.
    pub version: Version,
    /// The answer's fields.
    pub headers: HeaderMap,
    /// What the services below said of the answer.
    pub extensions: Extensions,
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status.as_u16(), self.method, masked(&self.url.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let hop = Hop {
            method: Method::GET,
            url: "http://user:secret@a.test:81/x?key=secret".parse().unwrap(),
            status: StatusCode::FOUND,
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter([(http::header::SET_COOKIE, "sid=secret".parse().unwrap())]),
            extensions: Extensions::new(),
        };
        assert_eq!(format!("{:?}", History::new(vec![hop])), "[302 GET http://…@a.test:81/x?…]");
    }
}
