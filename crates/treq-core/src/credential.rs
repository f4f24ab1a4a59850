//! The names of secrets.

use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::mask::masked;

/// Returns true if a field of this name carries a key, a token or cookies: it is sent to the origin that it is meant for and
/// to no other, and appears in no log.
///
/// There is no register of such names. The list has those of the standards and of well-known services, and common endings. In
/// doubt a field counts as a secret. A challenge (`WWW-Authenticate`) does not.
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
    /// Names with the ending of a secret whose values are public.
    const PUBLIC: [&str; 11] = [
        "accept-signature",
        "cache-key",
        "content-signature",
        "idempotency-key",
        "partition-key",
        "public-key",
        "routing-key",
        "sec-websocket-key",
        "signature",
        "sort-key",
        "surrogate-key",
    ];
    const NAMES: [&str; 6] =
        ["authentication-info", "dpop", "honeycomb-team", "ms-client-principal", "set-cookie", "token"];
    const LAST: [&str; 8] = ["auth", "authentication", "cookie", "crumb", "key", "pat", "session", "ticket"];
    const ANYWHERE: [&str; 9] =
        ["assertion", "authorization", "jwt", "oidc", "otp", "password", "pw", "secret", "wsse"];
    let name = name.as_str();
    let own = name.strip_prefix("x-").unwrap_or(name).replace(['_', '.'], "-");
    // `x-acme-api-key-v2` is an `x-acme-api-key`.
    let own = own.trim_end_matches(|char: char| char.is_ascii_digit());
    let own = own.strip_suffix("-v").or(own.strip_suffix('-')).unwrap_or(own);
    if PUBLIC.contains(&own) || own.starts_with("access-control-") {
        return false;
    }
    let last = own.rsplit('-').next().unwrap_or(own);
    NAMES.contains(&own)
        || own.starts_with("auth-")
        || LAST.contains(&last)
        || own.split('-').any(|word| ANYWHERE.contains(&word))
        || is_secret_name(own)
}

/// Returns true if a parameter of a query or a form, a key of JSON, or a part of a multipart body with this name carries a
/// secret, in any spelling: `api_key`, `apiKey`, `user[password]`.
///
/// ```
/// use treq_core::is_secret_name;
///
/// assert!(is_secret_name("client_secret") && is_secret_name("accessToken"));
/// assert!(!is_secret_name("page") && !is_secret_name("max_tokens"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 50] = [
        "apikey",
        "auth",
        "authcode",
        "authentication",
        "authorization",
        "authorizationcode",
        "bearer",
        "clientassertion",
        "codeverifier",
        "connectsid",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "csrf",
        "cvc",
        "cvv",
        "devicecode",
        "hmac",
        "idtokenhint",
        "jwt",
        "mfacode",
        "oauthverifier",
        "otp",
        "otpcode",
        "pass",
        "passcode",
        "passkey",
        "passphrase",
        "passwd",
        "pin",
        "pincode",
        "proxyauthorization",
        "pw",
        "pwd",
        "samlrequest",
        "samlresponse",
        "securitycode",
        "sessionkey",
        "setcookie",
        "sid",
        "sig",
        "signingkey",
        "ticket",
        "totp",
        "usercode",
        "userpass",
        "verificationcode",
        "xsig",
        "xsrf",
    ];
    const ENDS: [&str; 22] = [
        "accesskey",
        "accesskeyid",
        "apikey",
        "apikeyid",
        "applicationkey",
        "assertion",
        "authkey",
        "authorization",
        "credential",
        "customerkey",
        "encryptionkey",
        "passwd",
        "password",
        "privatekey",
        "secret",
        "secretkey",
        "sessid",
        "sessionid",
        "sharedkey",
        "signature",
        "subscriptionkey",
        "token",
    ];
    let name = plain(name);
    // `password2` and `password_confirmation` are asked for in forms.
    let name = name.trim_end_matches(|char: char| char.is_ascii_digit());
    let name = ["confirmation", "confirm"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    // One of `passwords` is one too; what models count as `tokens` is nothing of the kind.
    let counted = |one: &&str| {
        let kind = one.strip_suffix("token");
        kind.is_some_and(|kind| {
            !["access", "api", "auth", "bearer", "refresh", "session"].iter().any(|of| kind.ends_with(of))
        })
    };
    let one = name.strip_suffix('s').filter(|one| !counted(one)).unwrap_or(name);
    // `user[password]` is how some frameworks nest.
    [name, one].iter().any(|name| NAMES.contains(name) || ENDS.iter().any(|end| name.ends_with(end)))
}

/// Header fields whose `Debug` shows secret values and those marked sensitive as `…`, and values with a URL in them
/// [masked](crate::uri::masked).
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("set-cookie", "sid=7f".parse().unwrap());
/// headers.insert("location", "/login?next=7f".parse().unwrap());
/// let shown = format!("{:?}", treq_core::MaskedFields(&headers));
/// assert_eq!(shown, r#"{"set-cookie": "…", "location": "/login?…"}"#);
/// ```
#[derive(Clone, Copy)]
pub struct MaskedFields<'a>(
    /// The fields.
    pub &'a HeaderMap,
);

impl fmt::Debug for MaskedFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const URLS: [HeaderName; 5] =
            [header::CONTENT_LOCATION, header::LINK, header::LOCATION, header::REFERER, header::REFRESH];
        let shown = |name: &HeaderName, value: &HeaderValue| {
            if value.is_sensitive() || is_credential(name) {
                return "…".to_owned();
            }
            let text = String::from_utf8_lossy(value.as_bytes());
            let is_url = URLS.contains(name) || text.contains("://");
            if is_url { masked(&text).into_owned() } else { text.into_owned() }
        };
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name.as_str(), shown(name, value)))).finish()
    }
}

/// The name in lower case, letters and digits only.
fn plain(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_other_fields() {
        for name in [
            "acme-key-v2",
            "jenkins-crumb",
            "php-auth-pw",
            "x-authorization-bearer",
            "x-bunq-client-authentication",
            "x-honeycomb-team",
            "x-ms-client-principal",
            "x-pat",
            "api-key",
            "api-key-2",
            "api_key",
            "apikey",
            "auth",
            "authentication",
            "authorization",
            "cf-access-jwt-assertion",
            "cookie",
            "dd-application-key",
            "dpop",
            "my-api-key",
            "ocp-apim-subscription-key",
            "private-token",
            "proxy-authorization",
            "set-cookie",
            "set-cookie2",
            "token",
            "x-access-key-id",
            "x-amz-security-token",
            "x-amzn-oidc-data",
            "x-amz-server-side-encryption-customer-key",
            "x-auth",
            "x-auth-user",
            "x-csrf-token",
            "x-csrftoken",
            "x-functions-key",
            "x-goog-api-key",
            "x-hub-signature-256",
            "x-github-otp",
            "x-jwt-payload",
            "x-password-hash",
            "x-wsse",
            "x-ms-authorization-auxiliary-token",
            "x-otp",
            "x-rapidapi-key",
            "x-session",
            "x-session-id",
            "x-user-session",
        ] {
            assert!(is_credential(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "accept",
            "accept-signature",
            "access-control-allow-credentials",
            "author",
            "content-type",
            "etag",
            "idempotency-key",
            "if-match",
            "keep-alive",
            "partition_key",
            "range",
            "sec-websocket-accept",
            "sec-websocket-key",
            "signature-input",
            "surrogate-key",
            "traceparent",
            "user-agent",
            "www-authenticate",
            "x-cache-key",
            "x-forwarded-for",
            "x-idempotency-key",
            "x-ratelimit-tokens",
            "x-request-id",
            "x-token-type",
        ] {
            assert!(!is_credential(&HeaderName::from_static(name)), "{name}");
        }
    }

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "PHPSESSID",
            "JSESSIONID",
            "X-Amz-Signature",
            "accessToken",
            "access_token",
            "access_tokens",
            "api_key_2",
            "client_secrets",
            "connect.sid",
            "csrf",
            "cvv",
            "deviceCode",
            "id_token_hint",
            "new_password",
            "oauth_verifier",
            "otp_code",
            "password",
            "password2",
            "passwordConfirm",
            "password_confirmation",
            "passwords",
            "signing_key",
            "ticket",
            "token1",
            "user[password]",
            "user_pass",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "1",
            "author",
            "bypass",
            "confirm",
            "design",
            "keyword",
            "max_tokens",
            "page",
            "pages",
            "passage",
            "s",
            "spinning",
            "tickets_count",
            "tokens",
            "user",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
