//! Which names stand for secrets.

use http::HeaderName;
use treq_core::is_credential;

/// A field of a request or an answer by which keys are sent. What a server asks with (`WWW-Authenticate`) is none: an
/// answer to it could not be made on replay without it.
pub(super) fn is_secret_header(name: &HeaderName) -> bool {
    let plain = name.as_str().strip_prefix("x-").unwrap_or(name.as_str());
    is_credential(name) || ["authentication-info", "set-cookie2"].contains(&name.as_str()) || is_secret_field(plain)
}

/// A parameter of a query or a form, a key of JSON, a part of a multipart body.
pub(super) fn is_secret_field(name: &str) -> bool {
    const NAMES: [&str; 30] = [
        "apikey",
        "auth",
        "authcode",
        "authentication",
        "authorization",
        "authorizationcode",
        "clientassertion",
        "codeverifier",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "csrf",
        "devicecode",
        "jwt",
        "otp",
        "pass",
        "passwd",
        "passphrase",
        "passcode",
        "proxyauthorization",
        "pw",
        "pwd",
        "sessionkey",
        "setcookie",
        "sid",
        "sig",
        "signingkey",
        "userpass",
        "xsrf",
    ];
    const ENDS: [&str; 14] = [
        "accesskey",
        "accesskeyid",
        "apikey",
        "apikeyid",
        "assertion",
        "encryptionkey",
        "password",
        "privatekey",
        "secret",
        "secretkey",
        "sessid",
        "sessionid",
        "signature",
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

/// The name without case and without what joins its words.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in ["password", "user[password]", "new_password", "access_token", "accessToken", "X-Amz-Signature"] {
            assert!(is_secret_field(name), "{name}");
        }
        for name in [
            "password2",
            "password_confirmation",
            "passwordConfirm",
            "passwords",
            "client_secrets",
            "token1",
            "api_key_2",
            "user_pass",
            "PHPSESSID",
            "JSESSIONID",
            "csrf",
            "access_tokens",
            "signing_key",
            "deviceCode",
        ] {
            assert!(is_secret_field(name), "{name}");
        }
        for name in [
            "max_tokens",
            "tokens",
            "page",
            "user",
            "passage",
            "bypass",
            "pages",
            "keyword",
            "author",
            "design",
            "confirm",
            "s",
            "1",
            "",
        ] {
            assert!(!is_secret_field(name), "{name}");
        }
        for (name, is_secret) in [
            ("x-api-key", true),
            ("set-cookie", true),
            ("x-csrftoken", true),
            ("x-session-id", true),
            ("x-access-key-id", true),
            ("x-hub-signature-256", true),
            ("x-jwt-assertion", true),
            ("authentication", true),
            ("www-authenticate", false),
            ("etag", false),
            ("x-request-id", false),
            ("x-ratelimit-tokens", false),
        ] {
            assert_eq!(is_secret_header(&HeaderName::from_static(name)), is_secret, "{name}");
        }
    }
}
