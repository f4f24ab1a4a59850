//! Which request fields a redirect drops.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use treq_core::is_credential;

/// Drops what describes a body that is no longer sent ([RFC 9110, section
/// 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).
pub(crate) fn drop_content(headers: &mut HeaderMap) {
    retain(headers, |name| !is_content(name));
}

/// Drops what was meant for the origin that the chain leaves.
pub(crate) fn drop_credentials(headers: &mut HeaderMap, further: &[HeaderName]) {
    let is_dropped = |name: &HeaderName| {
        is_credential(name)
            || is_of_origin(name)
            || further.contains(name)
            || headers.get_all(name).iter().any(HeaderValue::is_sensitive)
    };
    let dropped: HashSet<HeaderName> = headers.keys().filter(|name| is_dropped(name)).cloned().collect();
    retain(headers, |name| !dropped.contains(name));
}

/// Drops the preconditions of a method that is no longer sent.
///
/// They are about the resource that the method was to change. The redirect leads to another resource, which describes the
/// outcome ([RFC 9110, section 15.4.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4.4)): with the `If-None-Match: *`
/// of a PUT its response would be a 304, with the `If-Match` a 412 ([section
/// 13.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1)), but the caller wants the outcome.
pub(crate) fn drop_preconditions(headers: &mut HeaderMap) {
    retain(headers, |name| !is_precondition(name));
}

fn is_content(name: &HeaderName) -> bool {
    /// Beside `content-*`.
    const CONTENT: [&str; 6] = ["digest", "expect", "last-modified", "repr-digest", "trailer", "transfer-encoding"];
    let name = name.as_str();
    name.starts_with("content-") || CONTENT.contains(&name)
}

/// Returns true for fields that are no secrets, but belong to one origin: its name, and challenges.
///
/// The caller's preconditions stay: a write without its `If-None-Match: *` would overwrite, and a range without its
/// `If-Range` could be of another version. [RFC 9110, section
/// 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4) removes only those that the implementation added.
fn is_of_origin(name: &HeaderName) -> bool {
    [header::HOST, header::WWW_AUTHENTICATE].contains(name)
}

/// Returns true for the preconditions of RFC 9110, section 13.1, and of WebDAV and CalDAV.
fn is_precondition(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "if" || name.starts_with("if-")
}

/// Keeps the names for which `keep` holds, in their order.
fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    // One without the other asks for something else: a part of whatever is there now, or nothing at all (RFC 9110, section
    // 13.1.5).
    let breaks_pair = headers.contains_key(header::IF_RANGE) && !(keep(&header::RANGE) && keep(&header::IF_RANGE));
    let keeps = |name: &HeaderName| keep(name) && !(breaks_pair && [header::RANGE, header::IF_RANGE].contains(name));
    if headers.keys().all(&keeps) {
        return;
    }
    // Built anew: `HeaderMap::remove` changes the order of the rest.
    let kept = headers.iter().filter(|(name, _)| keeps(name));
    *headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(drop: impl Fn(&mut HeaderMap), names: &[&'static str]) -> Vec<String> {
        let value = HeaderValue::from_static("v");
        let mut headers: HeaderMap = names.iter().map(|name| (HeaderName::from_static(name), value.clone())).collect();
        drop(&mut headers);
        headers.keys().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn credentials_go_and_the_rest_stays() {
        let names = [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-api-key",
            "my-api-key",
            "api-key",
            "private-token",
            "x-amz-security-token",
            "x-goog-api-key",
            "x-auth-user",
            "x-auth-token",
            "x-proxy-authorization",
            "host",
            "x-rapidapi-key",
            "mine",
            "accept",
            "x-keep",
            "user-agent",
            "idempotency-key",
            "range",
            "if-range",
            "if-match",
            "if-none-match",
            "if-unmodified-since",
        ];
        let mine = [HeaderName::from_static("mine")];
        let left = left(|headers| drop_credentials(headers, &mine), &names);
        assert_eq!(left, names[names.iter().position(|name| *name == "accept").unwrap()..]);
    }

    #[test]
    fn one_sensitive_value_drops_all_of_its_name() {
        let mut secret = HeaderValue::from_static("2");
        secret.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", secret);
        headers.append("x-b", HeaderValue::from_static("3"));
        drop_credentials(&mut headers, &[]);
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("x-b"));
    }

    #[test]
    fn a_range_and_its_condition_are_dropped_together() {
        let names = ["range", "if-range", "accept"];
        for (sensitive, want) in [("range", 1), ("if-range", 1), ("accept", 2), ("mine", 3)] {
            let further = [HeaderName::from_static(sensitive)];
            assert_eq!(left(|headers| drop_credentials(headers, &further), &names).len(), want, "{sensitive}");
        }
        assert_eq!(left(drop_preconditions, &names), ["accept"]);
        assert_eq!(left(drop_preconditions, &["range", "if-match", "if"]), ["range"]);
    }

    #[test]
    fn each_of_many_names_is_asked_for_a_fixed_number_of_times() {
        let work = |count: usize| {
            let asked = std::cell::Cell::new(0_usize);
            let fields = (0..count).map(|at| (HeaderName::try_from(format!("x-{at}")).unwrap(), HeaderValue::from(at)));
            let mut headers: HeaderMap = fields.collect();
            retain(&mut headers, |_| {
                asked.set(asked.get() + 1);
                false
            });
            assert!(headers.is_empty());
            asked.get()
        };
        let (few, many) = (work(1000), work(4000));
        assert!(many <= 4 * few + 16, "{few} {many}");
    }

    #[test]
    fn content_fields_go_with_the_body() {
        let names = ["content-length", "content-type", "content-digest", "digest", "expect", "transfer-encoding", "te"];
        assert_eq!(left(drop_content, &names), ["te"]);
    }
}
