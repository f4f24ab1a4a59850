//! Which request fields a redirect drops.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use treq_core::is_credential;

/// Drops what describes a body that is no longer sent ([RFC 9110, section
/// 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).
pub(crate) fn drop_content(headers: &mut HeaderMap) {
    retain(headers, |name, _| !is_content(name));
}

/// Drops what was meant for the origin that the chain leaves.
pub(crate) fn drop_credentials(headers: &mut HeaderMap, further: &[HeaderName]) {
    retain(headers, |name, value| {
        !(value.is_sensitive() || is_credential(name) || is_of_origin(name) || further.contains(name))
    });
}

fn is_content(name: &HeaderName) -> bool {
    /// Beside `content-*`.
    const CONTENT: [&str; 6] = ["digest", "expect", "last-modified", "repr-digest", "trailer", "transfer-encoding"];
    let name = name.as_str();
    name.starts_with("content-") || CONTENT.contains(&name)
}

/// No secrets, but true of one origin only: its name, and what it would ask for credentials with.
///
/// Preconditions stay: they are the caller's, and a write that lost its `If-None-Match: *` on the way would overwrite, a range
/// without its `If-Range` be one of another version. [RFC 9110, section
/// 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4) has only those removed that the implementation added.
fn is_of_origin(name: &HeaderName) -> bool {
    [header::HOST, header::WWW_AUTHENTICATE].contains(name)
}

/// Keeps the names for all of whose values `keep` holds, in their order.
fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName, &HeaderValue) -> bool) {
    let dropped: Vec<HeaderName> =
        headers.iter().filter(|(name, value)| !keep(name, value)).map(|(name, _)| name.clone()).collect();
    if dropped.is_empty() {
        return;
    }
    // Built anew: `HeaderMap::remove` changes the order of the rest.
    let kept = headers.iter().filter(|(name, _)| !dropped.contains(name));
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
    fn content_fields_go_with_the_body() {
        let names = ["content-length", "content-type", "content-digest", "digest", "expect", "transfer-encoding", "te"];
        assert_eq!(left(drop_content, &names), ["te"]);
    }
}
