use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

use crate::mask::{masked, may_be_port, of_uri};
use crate::{Error, Kind};

/// `http` or `https`: the two schemes that a client connects for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UriScheme {
    /// Plain HTTP, port 80 by default.
    Http,
    /// HTTP over TLS, port 443 by default.
    Https,
}

impl UriScheme {
    /// 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            UriScheme::Http => 80,
            UriScheme::Https => 443,
        }
    }

    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            UriScheme::Http => "http",
            UriScheme::Https => "https",
        }
    }
}

/// UriScheme, host and port ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454#section-4)): what two URLs must share to
/// share connections and credentials.
///
/// The host is kept in lower case, the port left out where it is the scheme's own. Cloning copies no text.
///
/// ```
/// use treq_core::Origin;
///
/// let origin = Origin::from_uri(&"HTTP://Example.test:80/path".parse().unwrap()).unwrap();
/// assert_eq!(origin.to_string(), "http://example.test");
/// assert_eq!((origin.host(), origin.port()), ("example.test", 80));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: UriScheme,
    port: u16,
    /// Where the host ends in `authority`, brackets of an IPv6 literal included.
    host_end: u16,
    /// Host in lower case, port only where it is not the default, never userinfo. `Authority` compares its text
    /// without regard to case, which this text no longer needs: `eq` and `hash` work on the bytes.
    authority: Text,
}

/// The authority's text; compared and hashed as bytes in one piece.
#[derive(Clone)]
struct Text(Authority);

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Text {}

impl TryFrom<&Uri> for Origin {
    type Error = Error;

    fn try_from(uri: &Uri) -> Result<Origin, Error> {
        Origin::from_uri(uri)
    }
}

impl TryFrom<Uri> for Origin {
    type Error = Error;

    fn try_from(uri: Uri) -> Result<Origin, Error> {
        Origin::from_uri(&uri)
    }
}

/// The origin of a URL as people write it.
///
/// ```
/// use treq_core::Origin;
///
/// let origin: Origin = "https://Shop.test:443/cart".parse()?;
/// assert_eq!(origin.to_string(), "https://shop.test");
/// # Ok::<(), treq_core::Error>(())
/// ```
impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Origin, Error> {
        Origin::from_uri(&crate::uri::parse(text)?.uri)
    }
}

impl TryFrom<String> for Origin {
    type Error = Error;

    fn try_from(text: String) -> Result<Origin, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Origin {
    type Error = Error;

    fn try_from(text: &String) -> Result<Origin, Error> {
        text.parse()
    }
}

impl From<&Origin> for Origin {
    fn from(origin: &Origin) -> Origin {
        origin.clone()
    }
}

impl TryFrom<&str> for Origin {
    type Error = Error;

    fn try_from(text: &str) -> Result<Origin, Error> {
        text.parse()
    }
}

impl Origin {
    /// The origin of an absolute URL.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`] for a URL without scheme or host, a scheme other than `http` and `https`, and a port that is
    /// 0, above 65535 or not a number.
    pub fn from_uri(uri: &Uri) -> Result<Origin, Error> {
        let scheme = match uri.scheme_str() {
            Some("http") => UriScheme::Http,
            Some("https") => UriScheme::Https,
            Some(other) => return Err(refused(uri, format!("scheme {other:?} is not supported: use http or https"))),
            None => {
                return Err(refused(uri, format!("the URL {:?} is relative: give it as http://host/…", of_uri(uri))));
            }
        };
        match uri.authority() {
            Some(authority) => Origin::from_authority(scheme, authority).map_err(|error| error.with_url(uri)),
            None => Err(refused(uri, "the URL names no host".to_owned())),
        }
    }

    /// The origin of a scheme and an authority (`host`, `host:port`; userinfo is left out).
    ///
    /// # Errors
    ///
    /// As [`Origin::from_uri`].
    pub fn from_authority(scheme: UriScheme, authority: &Authority) -> Result<Origin, Error> {
        let whole = authority.as_str();
        let bytes = whole.as_bytes();
        let cut = Cut::of(bytes);
        if cut.host_start == cut.host_end {
            return Err(Error::new(Kind::Builder, format!("{:?} names no host", masked(&format!("//{whole}")))));
        }
        let host_end = u16::try_from(cut.host_end - cut.host_start)
            .map_err(|_| Error::new(Kind::Builder, format!("a host name of {} bytes is too long", whole.len())))?;
        let port = port(&bytes[cut.host_end..], scheme)?;
        // Nearly always the text is in normal form and is shared, not copied.
        let default = port == scheme.default_port();
        let usual = default == (cut.host_end == bytes.len()) && bytes.get(cut.host_end + 1) != Some(&b'0');
        let authority = if cut.host_start == 0 && !cut.upper && usual {
            authority.clone()
        } else {
            normalised(&whole[cut.host_start..cut.host_end], port, scheme)?
        };
        Ok(Origin { scheme, port, host_end, authority: Text(authority) })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> UriScheme {
        self.scheme
    }

    /// The host in lower case; an IPv6 literal without its brackets.
    pub fn host(&self) -> &str {
        let host = &self.authority.0.as_str()[..usize::from(self.host_end)];
        host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
    }

    /// The port, given or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they stand in a `Host` field and in a URL: in lower case, the default port left out, an IPv6
    /// literal in brackets ([RFC 9110, section 7.2](https://www.rfc-editor.org/rfc/rfc9110#section-7.2)).
    pub fn authority(&self) -> &Authority {
        &self.authority.0
    }

    /// Whether TLS is spoken with this origin.
    pub fn is_https(&self) -> bool {
        self.scheme == UriScheme::Https
    }
}

/// Where the host of an authority stands, found in one pass: every request comes by here.
struct Cut {
    host_start: usize,
    host_end: usize,
    upper: bool,
}

/// The bytes that [`Cut::of`] looks at twice.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = b'A';
    while byte <= b'Z' {
        special[byte as usize] = true;
        byte += 1;
    }
    special[b'@' as usize] = true;
    special[b':' as usize] = true;
    special[b']' as usize] = true;
    special
};

impl Cut {
    fn of(authority: &[u8]) -> Cut {
        let mut cut = Cut { host_start: 0, host_end: authority.len(), upper: false };
        for (at, &byte) in authority.iter().enumerate() {
            if !SPECIAL[usize::from(byte)] {
                continue;
            }
            match byte {
                b'@' => cut = Cut { host_start: at + 1, host_end: authority.len(), upper: false },
                // The last colon, unless a bracket closes behind it.
                b':' => cut.host_end = at,
                // Elsewhere it is no bracket of an address, but perhaps a part of a password in place of a port.
                b']' if authority[cut.host_start] == b'[' => cut.host_end = authority.len(),
                b'A'..=b'Z' => cut.upper = true,
                _ => {}
            }
        }
        cut
    }
}

/// The port of `:8080`; the default of `` and `:`.
fn port(text: &[u8], scheme: UriScheme) -> Result<u16, Error> {
    let digits = text.strip_prefix(b":").unwrap_or(text);
    if digits.is_empty() {
        return Ok(scheme.default_port());
    }
    let mut number = 0_u32;
    for &byte in digits {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        number = if digit < 10 { (number * 10 + digit).min(TOO_LARGE) } else { TOO_LARGE };
    }
    match u16::try_from(number) {
        Ok(port) if port > 0 => Ok(port),
        _ => {
            // In place of a number a password may stand whose host is missing.
            let text = String::from_utf8_lossy(digits);
            let shown = if may_be_port(&text) { text } else { "…".into() };
            Err(Error::new(Kind::Builder, format!("port {shown:?} is not usable: ports go from 1 to 65535")))
        }
    }
}

/// One more than the last port.
const TOO_LARGE: u32 = 65_536;

fn normalised(host: &str, port: u16, scheme: UriScheme) -> Result<Authority, Error> {
    let mut text = host.to_ascii_lowercase();
    if port != scheme.default_port() {
        text.push(':');
        text.push_str(&port.to_string());
    }
    Authority::try_from(text)
        .map_err(|error| Error::new(Kind::Builder, format!("{host:?} is not a host name")).with_source(error))
}

fn refused(uri: &Uri, message: String) -> Error {
    Error::new(Kind::Builder, message).with_url(uri)
}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The text holds the port where it is not the default, so scheme and text say all.
        state.write(self.authority.0.as_str().as_bytes());
        state.write_u8(self.scheme as u8);
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Origin, Error> {
        Origin::from_uri(&text.parse().unwrap())
    }

    #[test]
    fn leaves_out_what_does_not_distinguish() {
        let plain = of("http://example.test/").unwrap();
        for same in
            ["http://EXAMPLE.test", "http://example.test:80/x", "http://u:p@example.test:080/", "http://example.test:/"]
        {
            assert_eq!(of(same).unwrap(), plain, "{same}");
        }
        assert_eq!(of("http://a.test:08080").unwrap(), of("http://a.test:8080").unwrap());
        for other in ["https://example.test/", "http://example.test:8080/", "http://example.test./"] {
            assert_ne!(of(other).unwrap(), plain, "{other}");
        }
    }

    #[test]
    fn keeps_brackets_of_ipv6_in_the_authority_only() {
        let origin = of("https://[2001:DB8::1]:8443/").unwrap();
        assert_eq!(origin.host(), "2001:db8::1");
        assert_eq!(origin.authority().as_str(), "[2001:db8::1]:8443");
    }

    #[test]
    fn takes_underscores_and_refuses_bad_ports_by_name() {
        assert_eq!(of("http://my_host.test").unwrap().host(), "my_host.test");
        for (url, named) in [("http://a:0/", "\"0\""), ("http://a:65536/", "\"65536\"")] {
            let error = of(url).unwrap_err();
            assert_eq!(error.kind(), Kind::Builder);
            assert!(error.to_string().contains(named), "{error}");
        }
        assert!(of("ftp://a/").unwrap_err().to_string().contains("\"ftp\""));
        assert!(of("/only/path").unwrap_err().to_string().contains("relative"));
    }
}
