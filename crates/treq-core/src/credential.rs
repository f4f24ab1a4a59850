use http::HeaderName;

/// Whether a request field of this name carries a key, a token or cookies: what goes to the origin that it is meant for and to
/// no other, and stands in no log.
///
/// There is no register of such names: these are the standards', those of well-known services, and the endings by which
/// others go. A field too many is taken for a secret rather than one too few.
///
/// ```
/// use http::{HeaderName, header};
/// use treq_core::is_credential;
///
/// assert!(is_credential(&header::AUTHORIZATION));
/// assert!(is_credential(&HeaderName::from_static("x-acme-api-key")));
/// assert!(!is_credential(&header::ACCEPT));
/// ```
pub fn is_credential(name: &HeaderName) -> bool {
    const NAMES: [&str; 12] = [
        "api-key",
        "apikey",
        "auth",
        "authorization",
        "cookie",
        "cookie2",
        "dpop",
        "proxy-authorization",
        "token",
        "x-auth",
        "x-functions-key",
        "x-goog-api-key",
    ];
    const ENDS: [&str; 10] = [
        "-access-key",
        "-api-key",
        "-apikey",
        "-authorization",
        "-credential",
        "-password",
        "-secret",
        "-signature",
        "-subscription-key",
        "-token",
    ];
    let name = name.as_str();
    NAMES.contains(&name) || name.starts_with("x-auth-") || ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_other_fields() {
        for name in ["cookie", "my-api-key", "private-token", "x-amz-security-token", "x-auth-user", "x-csrf-token"] {
            assert!(is_credential(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["accept", "author", "idempotency-key", "etag", "www-authenticate", "set-cookie", "range"] {
            assert!(!is_credential(&HeaderName::from_static(name)), "{name}");
        }
    }
}
