use std::time::SystemTime;

use crate::call::Call;
use crate::clock::http_date;
use crate::reply::Reply;
use crate::{echo, status};

/// What `/get` tells, unless the client says that it has it.
pub(crate) fn etag(call: &Call) -> Reply {
    let tag = call.segment(1);
    let names = |tags: &[String]| tags.iter().any(|other| other == tag || other == "*");
    let none_match = tags(call.header("if-none-match"));
    let any_match = tags(call.header("if-match"));
    if !none_match.is_empty() {
        if names(&none_match) {
            return status::of(304).header("etag", tag);
        }
    } else if !any_match.is_empty() && !names(&any_match) {
        return status::of(412);
    }
    echo::get(call).header("etag", tag)
}

/// A 304 to any condition.
pub(crate) fn cache(call: &Call) -> Reply {
    let given = |name: &str| call.header(name).is_some_and(|value| !value.is_empty());
    if given("if-modified-since") || given("if-none-match") {
        return status::of(304);
    }
    echo::get(call).header("last-modified", &http_date(SystemTime::now())).header("etag", &echo::random_hex())
}

pub(crate) fn max_age(call: &Call) -> Reply {
    echo::get(call).header("cache-control", &format!("public, max-age={}", call.number(1)))
}

/// The tags of a list, without their quotes and without regard to their weakness.
fn tags(field: Option<String>) -> Vec<String> {
    let field = field.filter(|field| !field.is_empty());
    let parts = field.iter().flat_map(|field| field.split(','));
    parts
        .map(|part| {
            let part = part.trim();
            let opaque = part.strip_prefix("W/").unwrap_or(part);
            opaque.trim_matches('"').to_owned()
        })
        .collect()
}
