use std::borrow::Cow;

use http::Uri;

/// What a URL says about cookies.
pub(crate) struct Place<'a> {
    /// In lower case, an IPv6 literal in its brackets. A trailing dot stays: `a.test.` is another host than `a.test`.
    pub(crate) host: Cow<'a, str>,
    pub(crate) path: &'a str,
    /// Whether `Secure` cookies come and go here.
    pub(crate) secure: bool,
}

impl<'a> Place<'a> {
    /// `None` for a URL that is not an absolute one of `http` or `https`: it has no cookies.
    pub(crate) fn of(uri: &'a Uri) -> Option<Place<'a>> {
        let host = lower(uri.host().filter(|host| !host.is_empty())?);
        let secure = match uri.scheme_str()? {
            "https" => true,
            // It never leaves the machine (RFC 6761, section 6.3); browsers and curl take it for secure too.
            "http" => host == "localhost" || host.ends_with(".localhost"),
            _ => return None,
        };
        Some(Place { host, path: uri.path(), secure })
    }

    /// [RFC 6265bis, section 5.1.4](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.4):
    /// the path's directory.
    pub(crate) fn default_path(&self) -> &'a str {
        match self.path.rfind('/') {
            Some(at) if at > 0 && self.path.starts_with('/') => &self.path[..at],
            _ => "/",
        }
    }
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host.into() }
}

/// The value of a `Domain` attribute as a host; empty for none. `None` if it cannot be one.
pub(crate) fn from_attribute(value: &[u8]) -> Option<Cow<'_, str>> {
    let value = value.strip_prefix(b".").unwrap_or(value);
    let text = std::str::from_utf8(value).ok()?;
    if text.is_ascii() {
        return Some(lower(text));
    }
    if text.contains(['/', '\\', '@', ':', '?', '#']) {
        return None;
    }
    // Compared with the host of a URL, which is in its ASCII form.
    let located = treq_core::uri::parse(&format!("http://{text}/")).ok()?;
    located.uri.host().map(|host| Cow::Owned(host.to_owned()))
}

/// Whether the host is an address, which has no parent domains. Whatever ends in a number is one, as in the [WHATWG URL
/// standard](https://url.spec.whatwg.org/#ends-in-a-number-checker).
pub(crate) fn is_address(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    host.starts_with('[') || host.contains(':') || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// [RFC 6265bis, section 5.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.3); both
/// in lower case.
pub(crate) fn domain_match(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(rest) => rest.ends_with('.') && !is_address(host),
        None => false,
    }
}

/// [RFC 6265bis, section 5.1.4](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.4).
pub(crate) fn path_match(path: &str, of_cookie: &str) -> bool {
    match path.strip_prefix(of_cookie) {
        Some(rest) => rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

/// The part of a host that somebody registered, by the [public suffix list](https://publicsuffix.org/list/) that is
/// compiled in: `example.co.uk` of `www.example.co.uk`. `None` for addresses and for public suffixes, among which is
/// every name of one label.
///
/// The host is in lower case, in its Unicode or its ASCII form. A trailing dot is left out of the result.
pub(crate) fn registrable(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.starts_with('.') || is_address(host) {
        return None;
    }
    let length = psl::domain(host.as_bytes())?.as_bytes().len();
    host.get(host.len().checked_sub(length)?..)
}

/// What a jar sorts its cookies by: the registrable domain, or the host where there is none. A cookie and all hosts that
/// it is sent to have the same one.
pub(crate) fn site(host: &str) -> &str {
    registrable(host).unwrap_or_else(|| host.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites() {
        for (host, expected) in [
            ("www.example.co.uk", "example.co.uk"),
            ("example.co.uk.", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("co.uk.", "co.uk"),
            ("localhost", "localhost"),
            ("a.b.unlisted", "b.unlisted"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("b.c.kobe.jp", "b.c.kobe.jp"),
            ("..", ""),
        ] {
            assert_eq!(site(host), expected, "{host}");
        }
    }

    #[test]
    fn domains_match_at_a_dot_and_addresses_never_by_a_part() {
        assert!(domain_match("a.b.test", "b.test"));
        assert!(domain_match("127.0.0.1", "127.0.0.1"));
        for (host, domain) in
            [("ab.test", "b.test"), ("b.test", "a.b.test"), ("127.0.0.1", "0.0.1"), ("1.2.3.04", "3.04")]
        {
            assert!(!domain_match(host, domain), "{host} {domain}");
        }
    }

    #[test]
    fn default_paths() {
        for (url, expected) in [
            ("http://a", "/"),
            ("http://a/x", "/"),
            ("http://a/x/", "/x"),
            ("http://a/x/y", "/x"),
            ("http://a/x/y?q=/z/z", "/x"),
            ("http://a//", "/"),
        ] {
            let uri = url.parse().unwrap();
            assert_eq!(Place::of(&uri).unwrap().default_path(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_on_this_machine_is_secure() {
        for (url, secure) in [
            ("https://a.test/", true),
            ("http://a.test/", false),
            ("http://LOCALHOST:81/", true),
            ("http://app.localhost/", true),
            ("http://notlocalhost/", false),
            ("http://localhost.test/", false),
        ] {
            assert_eq!(Place::of(&url.parse().unwrap()).unwrap().secure, secure, "{url}");
        }
    }

    #[test]
    fn domain_attributes() {
        let host = |value: &str| from_attribute(value.as_bytes()).map(Cow::into_owned);
        assert_eq!(host(".A.Test").as_deref(), Some("a.test"));
        assert_eq!(host(".").as_deref(), Some(""));
        assert_eq!(host("Bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(host("bücher.example/x"), None);
        assert_eq!(from_attribute(b"\xff.test"), None);
    }
}
