//! Text by a regular expression.

use regex_lite::Regex;

use super::{Matcher, field};
use crate::StubRequest;

/// A matcher of the URL without its query, or of a body of UTF-8, by a regular expression in the syntax of
/// [`regex-lite`](regex_lite); it need not match the whole text unless it says so by `^` and `$`.
///
/// ```
/// use treq_testing::{ANY, RequestSequence, regex};
///
/// let (order, cups) = (regex(r"/orders/\d+$"), regex("^cups=[1-9]$"));
/// let sequence = RequestSequence::reporting(drop).expect(("put", order, ANY, ANY, cups), (204, (), ""));
/// # assert!(!sequence.consumed());
/// ```
///
/// [`expect`](crate::RequestSequence::expect) panics with what is wrong with the expression.
pub fn regex(expression: &str) -> Pattern {
    Pattern { expression: expression.to_owned(), regex: Regex::new(expression).map_err(|error| error.to_string()) }
}

/// A matcher made by [`regex`].
#[derive(Clone, Debug)]
pub struct Pattern {
    expression: String,
    regex: Result<Regex, String>,
}

impl Pattern {
    fn is_in(&self, text: &str) -> bool {
        self.regex.as_ref().is_ok_and(|regex| regex.is_match(text))
    }

    fn words(&self) -> String {
        format!("text that matches /{}/", self.expression)
    }

    fn wrong(&self) -> Option<String> {
        let error = self.regex.as_ref().err()?;
        Some(format!("/{}/ is not a regular expression: {error}", self.expression))
    }
}

impl Matcher<field::Url> for Pattern {
    fn matches(&self, request: &StubRequest) -> bool {
        self.is_in(&request.url)
    }

    fn expected(&self) -> String {
        self.words()
    }

    fn fault(&self) -> Option<String> {
        self.wrong()
    }
}

impl Matcher<field::Data> for Pattern {
    fn matches(&self, request: &StubRequest) -> bool {
        std::str::from_utf8(&request.data).is_ok_and(|text| self.is_in(text))
    }

    fn expected(&self) -> String {
        self.words()
    }

    fn fault(&self) -> Option<String> {
        self.wrong()
    }
}
