//! What a [`RequestSequence`](crate::RequestSequence) compares a request with, field by field.
//!
//! A value stands for itself, [`ANY`] for whatever comes, and the rest for something between. Each field takes its own
//! kinds:
//!
//! | field | a value | loose |
//! |---|---|---|
//! | method | `"get"` (in any case), `Method` | [`ANY`], [`predicate`] |
//! | url | `"http://an.example/foo"`, without query | [`regex`], [`ANY`], [`predicate`] |
//! | params | `[("a", "b")]`, `Vec`, [`Params`](crate::Params), `()` for none | [`ANY`], [`predicate`] |
//! | headers | `[("accept", "*/*")]`, `HeaderMap`: these and no others | [`HasHeaders`], [`HasCookies`], both in a tuple, [`ANY`], [`predicate`] |
//! | data | `"text"`, `Vec<u8>`, `Bytes`, `""` for none | [`JsonSubset`], [`HasForm`], [`HasParts`], [`regex`], [`ANY`], [`predicate`] |

mod content;
mod fields;
mod parts;
mod pattern;
mod values;

use std::fmt;

use crate::StubRequest;

pub use self::content::{HasForm, JsonSubset};
pub use self::fields::{HasCookies, HasHeaders};
pub use self::parts::HasParts;
pub(crate) use self::parts::summary as parts_of;
pub use self::pattern::{Pattern, regex};

/// Which field of a request a [`Matcher`] looks at.
pub mod field {
    /// The method.
    #[derive(Debug)]
    pub enum Method {}
    /// The URL without its query.
    #[derive(Debug)]
    pub enum Url {}
    /// The pairs of the query.
    #[derive(Debug)]
    pub enum Params {}
    /// The header fields.
    #[derive(Debug)]
    pub enum Headers {}
    /// The body.
    #[derive(Debug)]
    pub enum Data {}
}

/// What a field `F` of a request is expected to be. `F` is one of [`field`].
pub trait Matcher<F> {
    /// Whether that field of this request is as expected.
    fn matches(&self, request: &StubRequest) -> bool;

    /// What is expected, in words for a failure's message.
    fn expected(&self) -> String;

    /// What is expected and what came, where the two would look alike: shown in place of
    /// [`expected`](Matcher::expected) and the field as it came.
    fn apart(&self, request: &StubRequest) -> Option<(String, String)> {
        let _ = request;
        None
    }

    /// Why no request can ever match, where that is so: [`expect`](crate::RequestSequence::expect) panics with it.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// Matches whatever a field holds, and as a whole request every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Any;

/// Matches whatever a field holds, and as a whole request every request.
pub const ANY: Any = Any;

/// How it is called.
pub(crate) const ANYTHING: &str = "anything";

impl<F> Matcher<F> for Any {
    fn matches(&self, _: &StubRequest) -> bool {
        true
    }

    fn expected(&self) -> String {
        ANYTHING.to_owned()
    }
}

/// A matcher, for any field, of whatever a closure says yes to; `what` stands in the message of a failure.
///
/// ```
/// use treq_testing::{ANY, RequestSequence, predicate};
///
/// let even = predicate("an even page", |request| {
///     request.params.first("page").and_then(|page| page.parse::<u32>().ok()).is_some_and(|page| page % 2 == 0)
/// });
/// let sequence = RequestSequence::reporting(drop).expect(("get", "http://a.test/", even, ANY, ""), (200, (), "ok"));
/// # assert!(!sequence.consumed());
/// ```
pub fn predicate<P>(what: impl Into<String>, holds: P) -> Predicate<P>
where
    P: Fn(&StubRequest) -> bool,
{
    Predicate { what: what.into(), holds }
}

/// A matcher made by [`predicate`].
#[derive(Clone)]
pub struct Predicate<P> {
    what: String,
    holds: P,
}

impl<F, P: Fn(&StubRequest) -> bool> Matcher<F> for Predicate<P> {
    fn matches(&self, request: &StubRequest) -> bool {
        (self.holds)(request)
    }

    fn expected(&self) -> String {
        self.what.clone()
    }
}

impl<P> fmt::Debug for Predicate<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Predicate").field(&self.what).finish()
    }
}
