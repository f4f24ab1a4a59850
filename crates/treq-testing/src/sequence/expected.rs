use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::matcher::{ANYTHING, Any, Matcher, field};
use crate::{StubReply, StubRequest};

/// A request as it is expected: made of `(method, url, params, headers, data)`, each a [`Matcher`] of its field, or of
/// [`ANY`](crate::ANY), which is any request.
#[derive(Clone)]
pub struct Expected {
    method: Arc<dyn Matcher<field::Method> + Send + Sync>,
    url: Arc<dyn Matcher<field::Url> + Send + Sync>,
    params: Arc<dyn Matcher<field::Params> + Send + Sync>,
    headers: Arc<dyn Matcher<field::Headers> + Send + Sync>,
    data: Arc<dyn Matcher<field::Data> + Send + Sync>,
}

/// One step of a sequence.
pub(super) struct Entry {
    pub(super) request: Expected,
    pub(super) reply: StubReply,
    /// Entries of the same step may come in any order.
    pub(super) step: usize,
    /// The first is 1.
    pub(super) number: usize,
    /// Where the test says so.
    pub(super) at: &'static Location<'static>,
}

/// How one field came out.
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) expected: String,
    pub(super) matches: bool,
    /// Both sides, where they would look alike.
    pub(super) apart: Option<(String, String)>,
}

impl Expected {
    /// Field by field, in order.
    pub(super) fn compare(&self, request: &StubRequest) -> [Compared; 5] {
        fn compared<F>(name: &'static str, matcher: &dyn Matcher<F>, request: &StubRequest) -> Compared {
            let matches = matcher.matches(request);
            let apart = if matches { None } else { matcher.apart(request) };
            Compared { name, expected: matcher.expected(), matches, apart }
        }
        [
            compared("method", &*self.method, request),
            compared("url", &*self.url, request),
            compared("params", &*self.params, request),
            compared("headers", &*self.headers, request),
            compared("data", &*self.data, request),
        ]
    }

    /// The names of the fields that are otherwise.
    pub(super) fn differing(&self, request: &StubRequest) -> Vec<&'static str> {
        self.compare(request).iter().filter(|field| !field.matches).map(|field| field.name).collect()
    }

    /// Why no request can be it.
    pub(super) fn fault(&self) -> Option<String> {
        let head = self.method.fault().or_else(|| self.url.fault()).or_else(|| self.params.fault());
        head.or_else(|| self.headers.fault()).or_else(|| self.data.fault())
    }

    /// Method and URL.
    pub(super) fn line(&self) -> String {
        let (method, url) = (self.method.expected(), self.url.expected());
        match (method == ANYTHING, url == ANYTHING) {
            (true, true) => "any request".to_owned(),
            (true, false) => format!("any method, {url}"),
            (false, true) => format!("{method}, any URL"),
            (false, false) => format!("{method} {url}"),
        }
    }
}

impl<M, U, P, H, D> From<(M, U, P, H, D)> for Expected
where
    M: Matcher<field::Method> + Send + Sync + 'static,
    U: Matcher<field::Url> + Send + Sync + 'static,
    P: Matcher<field::Params> + Send + Sync + 'static,
    H: Matcher<field::Headers> + Send + Sync + 'static,
    D: Matcher<field::Data> + Send + Sync + 'static,
{
    fn from((method, url, params, headers, data): (M, U, P, H, D)) -> Expected {
        Expected {
            method: Arc::new(method),
            url: Arc::new(url),
            params: Arc::new(params),
            headers: Arc::new(headers),
            data: Arc::new(data),
        }
    }
}

impl From<Any> for Expected {
    fn from(any: Any) -> Expected {
        Expected::from((any, any, any, any, any))
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expected").field(&self.line()).finish()
    }
}
