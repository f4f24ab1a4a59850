//! Stubs.

use super::Difference;
use crate::{Case, Json};

pub(super) const RULES: &[Difference] = &[
    Difference::meant("the pairs of a query and those of a form are kept apart", |case, it| {
        it.field == "handler.params" && has_both(case)
    }),
    Difference::meant("a stub may give a header several values", |_, it| {
        it.field == "stub.status_of_lists" && it.seen == "200"
    }),
    Difference::meant("a matcher in a debugger shows texts as Rust does", |_, it| {
        it.field == "matcher.repr" && it.want == as_bytes(&it.seen)
    }),
    Difference::meant("who has no reporter has a test that fails: nobody reads a log", |_, it| {
        it.field == "sequence.effect" && it.seen == "the test fails"
    }),
];

/// Whether a call has params, and pairs as its body.
fn has_both(case: &Case) -> bool {
    let calls = case.given.map().unwrap_or_default().iter().filter(|(key, _)| key.starts_with("stub."));
    let pairs = |call: &Json, key: &str| call.get(key).and_then(Json::map).is_some_and(|map| !map.is_empty());
    calls.into_iter().any(|(_, call)| pairs(call, "params") && pairs(call, "data"))
}

/// Texts in quotation marks as Python writes bytes.
fn as_bytes(text: &str) -> String {
    let mut pieces = text.split('"');
    let mut written = pieces.next().unwrap_or_default().to_owned();
    for (at, piece) in pieces.enumerate() {
        written.push_str(if at % 2 == 0 { "b'" } else { "'" });
        written.push_str(piece);
    }
    written
}
