//! Values that stand for themselves.

use bytes::Bytes;
use http::HeaderMap;
use treq_core::{Origin, uri};

use super::{Matcher, field};
use crate::stub::fields;
use crate::{Params, StubRequest, show};

impl Matcher<field::Method> for &str {
    fn matches(&self, request: &StubRequest) -> bool {
        request.method.as_str().eq_ignore_ascii_case(self)
    }

    fn expected(&self) -> String {
        self.to_ascii_uppercase()
    }

    fn fault(&self) -> Option<String> {
        let is_one = http::Method::from_bytes(self.as_bytes()).is_ok();
        (!is_one).then(|| format!("the expected method {self:?} is none: it is a word, as \"get\""))
    }
}

impl Matcher<field::Method> for http::Method {
    fn matches(&self, request: &StubRequest) -> bool {
        request.method == self
    }

    fn expected(&self) -> String {
        self.to_string()
    }
}

impl Matcher<field::Url> for &str {
    fn matches(&self, request: &StubRequest) -> bool {
        normal(self).is_ok_and(|url| url == request.url)
    }

    fn expected(&self) -> String {
        normal(self).unwrap_or_else(|_| (*self).to_owned())
    }

    fn fault(&self) -> Option<String> {
        normal(self).err()
    }
}

impl Matcher<field::Url> for String {
    fn matches(&self, request: &StubRequest) -> bool {
        Matcher::<field::Url>::matches(&self.as_str(), request)
    }

    fn expected(&self) -> String {
        Matcher::<field::Url>::expected(&self.as_str())
    }

    fn fault(&self) -> Option<String> {
        Matcher::<field::Url>::fault(&self.as_str())
    }
}

/// A URL as [`StubRequest::url`] has it.
fn normal(url: &str) -> Result<String, String> {
    let located = uri::parse(url).map_err(|error| format!("the expected URL {url:?} is none: {error}"))?;
    if located.uri.query().is_some() {
        return Err(format!("the expected URL {url:?} has a query: give it as the params, which come next"));
    }
    let origin =
        Origin::from_uri(&located.uri).map_err(|error| format!("the expected URL {url:?} is none: {error}"))?;
    let path = match located.uri.path() {
        "" => "/",
        path => path,
    };
    Ok(format!("{}://{}{path}", origin.scheme().as_str(), origin.authority()))
}

impl Matcher<field::Params> for Params {
    fn matches(&self, request: &StubRequest) -> bool {
        *self == request.params
    }

    fn expected(&self) -> String {
        show::params(self)
    }

    fn apart(&self, request: &StubRequest) -> Option<(String, String)> {
        show::params_apart(self, &request.params)
    }
}

/// None.
impl Matcher<field::Params> for () {
    fn matches(&self, request: &StubRequest) -> bool {
        request.params.is_empty()
    }

    fn expected(&self) -> String {
        show::params(&Params::default())
    }
}

/// These fields and no others, in any order.
impl Matcher<field::Headers> for HeaderMap {
    fn matches(&self, request: &StubRequest) -> bool {
        sorted(self) == sorted(&request.headers)
    }

    fn expected(&self) -> String {
        show::headers(self)
    }
}

fn sorted(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let mut all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    all.sort_unstable();
    all
}

macro_rules! pairs {
    ($([$($generics:tt)*] $of:ty),+ $(,)?) => {$(
        impl<K: AsRef<str>, V: AsRef<str>, $($generics)*> Matcher<field::Params> for $of {
            fn matches(&self, request: &StubRequest) -> bool {
                params(self) == request.params
            }

            fn expected(&self) -> String {
                show::params(&params(self))
            }

            fn apart(&self, request: &StubRequest) -> Option<(String, String)> {
                show::params_apart(&params(self), &request.params)
            }
        }

        impl<K: AsRef<str>, V: AsRef<[u8]>, $($generics)*> Matcher<field::Headers> for $of {
            fn matches(&self, request: &StubRequest) -> bool {
                fields(self.iter().map(|(name, value)| (name, value))).is_ok_and(|map| map.matches(request))
            }

            fn expected(&self) -> String {
                let map = fields(self.iter().map(|(name, value)| (name, value)));
                map.map_or_else(|why| why, |map| show::headers(&map))
            }

            fn fault(&self) -> Option<String> {
                fields(self.iter().map(|(name, value)| (name, value))).err()
            }
        }
    )+};
}

pairs! { [const N: usize] [(K, V); N], [] Vec<(K, V)> }

fn params<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Params {
    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect()
}

macro_rules! data {
    ($([$($generics:tt)*] $of:ty),+ $(,)?) => {$(
        impl<$($generics)*> Matcher<field::Data> for $of {
            fn matches(&self, request: &StubRequest) -> bool {
                let expected: &[u8] = self.as_ref();
                request.data == expected
            }

            fn expected(&self) -> String {
                show::data(self.as_ref())
            }

            fn apart(&self, request: &StubRequest) -> Option<(String, String)> {
                show::data_apart(self.as_ref(), &request.data)
            }
        }
    )+};
}

data! { [] &str, [] String, [] Bytes, [] Vec<u8>, [] &[u8], [const N: usize] [u8; N], [const N: usize] &[u8; N] }
