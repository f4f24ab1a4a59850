//! The text of a proxy's address.

use http::uri::Authority;
use percent_encoding::percent_decode_str;
use treq_core::uri::{self, masked};
use treq_core::{Error, Kind, Origin, UriScheme};

use crate::ProxyScheme;
use crate::credentials::Login;

/// An address taken apart.
pub(crate) struct Address {
    pub(crate) scheme: ProxyScheme,
    pub(crate) origin: Origin,
    pub(crate) login: Option<Login>,
}

pub(crate) fn parse(text: &str) -> Result<Address, Error> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return Err(bad(text, "is empty: give it as http://host:port"));
    }
    let (scheme, rest) = match trimmed.split_once("://") {
        Some((name, rest)) => match name.parse::<ProxyScheme>() {
            Ok(scheme) => (scheme, rest),
            // Its error would show the value, which may hold a secret.
            Err(_) => {
                return Err(bad(text, "has a scheme that is none of http, https, socks4, socks4a, socks5 and socks5h"));
            }
        },
        // As curl and many environments have it.
        None => (ProxyScheme::Http, trimmed),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !matches!(path, "" | "/") {
        let why = "has a path, which no proxy has: leave it out (one of / ? # in a password is written %2F, %3F, %23)";
        return Err(bad(text, why));
    }
    let (userinfo, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (userinfo, place),
        None => ("", authority),
    };
    let (host, port) = split_port(place);
    let port = match port {
        None | Some("") => scheme.default_port(),
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => port,
            _ => return Err(bad(text, "has a port that is not usable: ports go from 1 to 65535")),
        },
    };
    Ok(Address {
        scheme,
        origin: origin(text, scheme, host, port)?,
        login: login(userinfo, scheme).map_err(|error| bad(text, &format!("cannot be used: {error}")))?,
    })
}

/// Host and port; a bare IPv6 literal has colons of its own and no port.
pub(crate) fn split_port(place: &str) -> (&str, Option<&str>) {
    if place.starts_with('[') {
        let end = place.find(']').map_or(place.len(), |at| at + 1);
        let (host, rest) = place.split_at(end);
        // What is not a port makes the host a bad one.
        return match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => (place, None),
        };
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

fn origin(text: &str, scheme: ProxyScheme, host: &str, port: u16) -> Result<Origin, Error> {
    if host.is_empty() {
        return Err(bad(text, "names no host"));
    }
    let not_a_host = || bad(text, "has a host that is none (an IPv6 address stands in brackets)");
    if host.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'\\') {
        return Err(not_a_host());
    }
    // By way of the URL standard: names in other scripts, odd forms of IPv4.
    let located = uri::parse(&format!("http://{host}/")).map_err(|error| not_a_host().with_source(error))?;
    let host = located.uri.host().ok_or_else(not_a_host)?;
    let authority = format!("{host}:{port}").parse::<Authority>().map_err(|error| not_a_host().with_source(error))?;
    let over = if scheme == ProxyScheme::Https { UriScheme::Https } else { UriScheme::Http };
    Origin::from_authority(over, &authority).map_err(|error| not_a_host().with_source(error))
}

fn login(userinfo: &str, scheme: ProxyScheme) -> Result<Option<Login>, Error> {
    if userinfo.is_empty() {
        return Ok(None);
    }
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let login = Login {
        user: percent_decode_str(user).collect(),
        password: password.map(|password| percent_decode_str(password).collect()),
    };
    login.check(scheme)?;
    Ok(Some(login))
}

fn bad(text: &str, why: &str) -> Error {
    /// Enough to find the place, not enough to flood a log.
    const SHOWN: usize = 200;
    let masked = masked(text);
    let mut shown: String = masked.chars().take(SHOWN).collect();
    if shown.len() < masked.len() {
        shown.push('…');
    }
    Error::new(Kind::Builder, format!("the proxy {shown:?} {why}"))
}

#[cfg(test)]
mod tests {
    use crate::Proxy;
    use crate::credentials::Credentials;

    #[test]
    fn takes_what_people_write() {
        for (text, want) in [
            ("http://p.test", "http://p.test:80"),
            ("p.test:3128", "http://p.test:3128"),
            ("p.test", "http://p.test:80"),
            (" HTTP://P.Test:8080/ ", "http://p.test:8080"),
            ("https://p.test", "https://p.test:443"),
            ("https://p.test:80", "https://p.test:80"),
            ("socks4://p.test", "socks4://p.test:1080"),
            ("socks4a://p.test:80", "socks4a://p.test:80"),
            ("socks5://127.1", "socks5://127.0.0.1:1080"),
            ("socks5h://[2001:DB8::1]:443", "socks5h://[2001:db8::1]:443"),
            ("[::1]:3128", "http://[::1]:3128"),
            ("http://bücher.test:1", "http://xn--bcher-kva.test:1"),
            ("http://u:p@p.test:1", "http://…@p.test:1"),
            ("u:p@p.test:1", "http://…@p.test:1"),
            ("http://@p.test", "http://p.test:80"),
            ("http://p.test:", "http://p.test:80"),
        ] {
            assert_eq!(Proxy::try_from(text).unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn takes_urls_and_texts_of_any_kind() {
        let text = "http://u:p%40ss@p.test:1";
        let wanted: Proxy = text.parse().unwrap();
        let url: http::Uri = text.parse().unwrap();
        for proxy in [
            Proxy::try_from(text),
            Proxy::try_from(&text.to_owned()),
            Proxy::try_from(text.to_owned()),
            Proxy::try_from(&url),
            Proxy::try_from(url),
        ] {
            assert!(proxy.unwrap() == wanted);
        }
        // Without a scheme, as `http::Uri` has it too.
        let short: http::Uri = "p.test:3128".parse().unwrap();
        assert_eq!(Proxy::try_from(short).unwrap().to_string(), "http://p.test:3128");
        let path: http::Uri = "http://u:s3cret@p.test/path".parse().unwrap();
        let error = Proxy::try_from(path).unwrap_err().to_string();
        assert!(error.contains("has a path") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn decodes_credentials() {
        for (text, user, password) in [
            ("http://u:p%40ss@p", "u", Some("p@ss")),
            ("http://u:p@ss@p", "u", Some("p@ss")),
            ("http://u@p", "u", None),
            ("http://u:@p", "u", Some("")),
            ("http://:x@p", "", Some("x")),
            ("http://u:a:b@p", "u", Some("a:b")),
            ("http://u:100%@p", "u", Some("100%")),
            ("socks5://a%3Ab:%00@p", "a:b", Some("\0")),
        ] {
            let proxy = Proxy::try_from(text).unwrap();
            let Credentials::Login(login) = proxy.credentials() else { panic!("{text} has no login") };
            assert_eq!(login.user, user.as_bytes(), "{text}");
            assert_eq!(login.password.as_deref(), password.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong_and_never_a_secret() {
        let long = format!("socks5://u:s3cret{}@p", "x".repeat(255));
        for (text, named) in [
            ("", "empty"),
            ("foo://u:s3cret@h", "foo://…@h"),
            ("u:s3cret", "\"u:…\" has a port"),
            ("u:s3cret/x", "\"u:…\" has a path"),
            ("http:/u:s3cret", "\"http:/u:…\""),
            ("http//u:s3cret", "\"http//u:…\""),
            ("http;//u:s3cret/", "\"http;//u:…\""),
            ("socks5:/u:s3cret", "\"socks5:…\""),
            ("proxy=http:/u:s3cret/", "\"proxy=http:…\""),
            ("http://u:s3cret@", "no host"),
            ("http://u:s3cret@h:0", "ports go from"),
            ("http://u:s3cret@h:+1", "ports go from"),
            ("http://u:s3cret@h:99999", "…@h:99999"),
            ("http://u:s3cret/x@h:1", "%2F"),
            ("http://u:s3cret#x@h", "\"http://…\" has a path"),
            ("http://u:s3cret@h/path?key=s3cret", "has a path"),
            ("http://u:s3cret@a b", "a b"),
            ("http://u:s3cret@[::1", "host that is none"),
            ("http://u:s3cret@[::1]x:3", "host that is none"),
            ("http://u:s3cret@::1", "brackets"),
            ("http://u%3A:s3cret@h", "colon"),
            ("socks4://u:s3cret@h", "no password"),
            ("socks4://u%00@h", "zero byte"),
            (&long, "limit is 255"),
        ] {
            let error = Proxy::try_from(text).unwrap_err();
            assert_eq!(error.kind(), treq_core::Kind::Builder);
            assert!(error.to_string().contains(named), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
