use std::fmt;
use std::str::FromStr;

use treq_core::uri::masked;
use treq_core::{Error, Kind};

/// How a proxy is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS4, names resolved here.
    Socks4,
    /// SOCKS4a: names resolved by the proxy.
    Socks4a,
    /// SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)), names resolved here.
    Socks5,
    /// SOCKS5, names resolved by the proxy.
    Socks5h,
}

impl ProxyScheme {
    pub(crate) const ALL: [ProxyScheme; 6] = [
        ProxyScheme::Http,
        ProxyScheme::Https,
        ProxyScheme::Socks4,
        ProxyScheme::Socks4a,
        ProxyScheme::Socks5,
        ProxyScheme::Socks5h,
    ];

    /// As it stands in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks4 => "socks4",
            ProxyScheme::Socks4a => "socks4a",
            ProxyScheme::Socks5 => "socks5",
            ProxyScheme::Socks5h => "socks5h",
        }
    }

    /// 80, 443 or 1080.
    pub fn default_port(self) -> u16 {
        match self {
            ProxyScheme::Http => 80,
            ProxyScheme::Https => 443,
            _ => 1080,
        }
    }

    pub(crate) fn is_http(self) -> bool {
        matches!(self, ProxyScheme::Http | ProxyScheme::Https)
    }
}

impl fmt::Display for ProxyScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProxyScheme {
    type Err = Error;

    /// Reads a scheme in any case.
    fn from_str(text: &str) -> Result<ProxyScheme, Error> {
        ProxyScheme::ALL.into_iter().find(|known| text.eq_ignore_ascii_case(known.as_str())).ok_or_else(|| {
            let shown: String = masked(text).chars().take(32).collect();
            let message =
                format!("invalid proxy scheme {shown:?}: use http, https, socks4, socks4a, socks5 or socks5h");
            Error::new(Kind::Builder, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_shown() {
        for scheme in ProxyScheme::ALL {
            assert_eq!(scheme.to_string().parse::<ProxyScheme>().unwrap(), scheme);
        }
        assert_eq!("SOCKS5h".parse::<ProxyScheme>().unwrap(), ProxyScheme::Socks5h);
        for text in ["", "ftp", "http:", " http"] {
            let error = text.parse::<ProxyScheme>().unwrap_err();
            assert_eq!(error.kind(), Kind::Builder);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
