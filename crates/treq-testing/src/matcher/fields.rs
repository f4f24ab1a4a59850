//! Of the header fields, some.

use std::fmt;

use http::HeaderMap;
use http::header::COOKIE;

use super::{Matcher, field};
use crate::stub::fields;
use crate::{StubRequest, show};

/// Matches headers among which these are: names in any case, values exactly, and every value listed for a name.
///
/// A client adds fields of its own, and new ones with new versions: a test says only what it is about.
///
/// ```
/// use http::HeaderMap;
/// use treq_testing::HasHeaders;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("accept", "application/json".parse().unwrap());
/// headers.insert("host", "a.test".parse().unwrap());
/// assert_eq!(HasHeaders::new([("Accept", "application/json")]), headers);
/// assert_ne!(HasHeaders::new([("accept", "text/html")]), headers);
/// ```
#[derive(Clone)]
pub struct HasHeaders(Result<HeaderMap, String>);

impl HasHeaders {
    /// Of pairs, in which a name may come several times; text and bytes are alike.
    pub fn new<K: AsRef<str>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (K, V)>) -> HasHeaders {
        HasHeaders(fields(pairs))
    }
}

impl PartialEq<HeaderMap> for HasHeaders {
    fn eq(&self, headers: &HeaderMap) -> bool {
        let there = |(name, value)| headers.get_all(name).iter().any(|other| other == value);
        self.0.as_ref().is_ok_and(|wanted| wanted.iter().all(there))
    }
}

impl PartialEq<HasHeaders> for HeaderMap {
    fn eq(&self, wanted: &HasHeaders) -> bool {
        wanted == self
    }
}

impl Matcher<field::Headers> for HasHeaders {
    fn matches(&self, request: &StubRequest) -> bool {
        *self == request.headers
    }

    fn expected(&self) -> String {
        match &self.0 {
            Ok(wanted) => format!("at least\n{}", show::headers(wanted)),
            Err(why) => why.clone(),
        }
    }

    fn fault(&self) -> Option<String> {
        self.0.as_ref().err().cloned()
    }
}

/// `HasHeaders({"accept": ["application/json"]})`
impl fmt::Debug for HasHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Values<'a>(&'a HeaderMap);
        impl fmt::Debug for Values<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut names: Vec<_> = self.0.keys().map(|name| name.as_str()).collect();
                names.sort_unstable();
                f.debug_map().entries(names.iter().map(|name| (name, Listed(self.0, name)))).finish()
            }
        }
        struct Listed<'a>(&'a HeaderMap, &'a str);
        impl fmt::Debug for Listed<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.0.get_all(self.1)).finish()
            }
        }
        match &self.0 {
            Ok(wanted) => f.debug_tuple("HasHeaders").field(&Values(wanted)).finish(),
            Err(why) => f.debug_tuple("HasHeaders").field(why).finish(),
        }
    }
}

/// Matches headers whose cookies have these among them, names and values exactly.
#[derive(Clone, Debug)]
pub struct HasCookies(Vec<(String, String)>);

impl HasCookies {
    /// Of pairs.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> HasCookies {
        HasCookies(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Matcher<field::Headers> for HasCookies {
    fn matches(&self, request: &StubRequest) -> bool {
        let lines = request.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let cookies: Vec<_> = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('=')).collect();
        let sent = |(name, value): &(String, String)| {
            cookies.iter().any(|(other, cookie)| other.trim() == name && cookie.trim() == value)
        };
        self.0.iter().all(sent)
    }

    fn expected(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("at least the cookies\n{}", pairs.join("\n"))
    }
}

/// Both.
impl<A: Matcher<field::Headers>, B: Matcher<field::Headers>> Matcher<field::Headers> for (A, B) {
    fn matches(&self, request: &StubRequest) -> bool {
        self.0.matches(request) && self.1.matches(request)
    }

    fn expected(&self) -> String {
        format!("{}\nand {}", self.0.expected(), self.1.expected())
    }

    fn fault(&self) -> Option<String> {
        self.0.fault().or_else(|| self.1.fault())
    }
}
