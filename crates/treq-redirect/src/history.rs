use std::fmt;
use std::sync::Arc;
use std::{slice, vec};

use http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version};
use treq_core::uri::masked;

/// The redirects that led to a response, oldest first.
///
/// An extension of the response where there were any; also part of the errors. Clones share it.
///
/// ```
/// use http::Response;
/// use treq_redirect::History;
///
/// /// The URLs that redirected, such as `302 http://a.test/old`.
/// fn trail<B>(response: &Response<B>) -> Vec<String> {
///     let history = response.extensions().get::<History>().into_iter().flatten();
///     history.map(|hop| format!("{} {}", hop.status.as_u16(), hop.url)).collect()
/// }
/// # assert!(trail(&Response::new(())).is_empty());
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct History(Arc<Vec<Hop>>);

impl History {
    pub(crate) fn new(hops: Vec<Hop>) -> History {
        History(Arc::new(hops))
    }

    /// Returns an iterator over the redirects, oldest first.
    pub fn iter(&self) -> slice::Iter<'_, Hop> {
        self.0.iter()
    }

    /// Returns the number of redirects.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there was no redirect.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl AsRef<[Hop]> for History {
    fn as_ref(&self) -> &[Hop] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Hop;
    type IntoIter = slice::Iter<'a, Hop>;

    fn into_iter(self) -> slice::Iter<'a, Hop> {
        self.iter()
    }
}

impl IntoIterator for History {
    type Item = Hop;
    type IntoIter = vec::IntoIter<Hop>;

    /// Copies the redirects if another clone of the history still has them.
    fn into_iter(self) -> vec::IntoIter<Hop> {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One redirect: a request and the head of its response.
///
/// `Debug` shows neither fields nor query. Two hops are equal if all but their extensions is: extensions have no order and
/// cannot be compared.
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

impl PartialEq for Hop {
    fn eq(&self, other: &Hop) -> bool {
        let Hop { method, url, status, version, headers, extensions: _ } = self;
        *method == other.method
            && *url == other.url
            && *status == other.status
            && *version == other.version
            && *headers == other.headers
    }
}

impl Eq for Hop {}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status.as_u16(), self.method, masked(&self.url.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop() -> Hop {
        Hop {
            method: Method::GET,
            url: "http://user:secret@a.test:81/x?key=secret".parse().unwrap(),
            status: StatusCode::FOUND,
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter([(http::header::SET_COOKIE, "sid=secret".parse().unwrap())]),
            extensions: Extensions::new(),
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", History::new(vec![hop()])), "[302 GET http://…@a.test:81/x?…]");
    }

    #[test]
    fn hops_are_compared_without_their_extensions() {
        let mut other = hop();
        other.extensions.insert(7_u8);
        assert_eq!(hop(), other);
        for change in [
            |hop: &mut Hop| hop.method = Method::HEAD,
            |hop: &mut Hop| hop.url = "http://b.test/".parse().unwrap(),
            |hop: &mut Hop| hop.status = StatusCode::SEE_OTHER,
            |hop: &mut Hop| hop.version = Version::HTTP_2,
            |hop: &mut Hop| hop.headers.clear(),
        ] {
            let mut other = hop();
            change(&mut other);
            assert_ne!(hop(), other);
        }
    }

    #[test]
    fn a_history_is_iterated_by_reference_and_by_value() {
        let history = History::new(vec![hop(), hop()]);
        assert_eq!((history.len(), history.is_empty(), history.as_ref().len()), (2, false, 2));
        assert_eq!((&history).into_iter().count(), 2);
        let kept = history.clone();
        // Of a shared history, a copy.
        assert!(history.into_iter().eq([hop(), hop()]));
        assert_eq!(kept, History::new(vec![hop(), hop()]));
        assert!(kept.into_iter().eq([hop(), hop()]));
    }
}
