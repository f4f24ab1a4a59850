//! URLs as people and servers write them, made into [`http::Uri`].
//!
//! Text that is already in normal form, which nearly all is, is only looked over once; everything else goes through the
//! [WHATWG URL standard](https://url.spec.whatwg.org/): IDNA, percent-encoding, dot segments, odd IPv4 forms.

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use url::Url;

pub use crate::mask::masked;
use crate::mask::of_uri;
use crate::stand_in::{self, StandIn};
use crate::{Error, Kind, Origin};

/// The longest URL that is taken, in bytes.
pub const MAX_LEN: usize = 65_534;

/// A URL taken apart into what goes out and what stays here.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located {
    /// Scheme, host, port, path and query: an absolute `http` or `https` URL without userinfo and fragment.
    pub uri: Uri,
    /// What stood behind the `#`, still percent-encoded.
    pub fragment: Option<Box<str>>,
    /// What stood before the `@`.
    pub userinfo: Option<Userinfo>,
}

impl std::fmt::Debug for Located {
    /// Without what may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Located")
            .field("uri", &of_uri(&self.uri))
            .field("fragment", &self.fragment.as_ref().map(|_| "…"))
            .field("userinfo", &self.userinfo)
            .finish()
    }
}

impl From<Uri> for Located {
    /// A URL that came without fragment and userinfo.
    fn from(uri: Uri) -> Located {
        Located { uri, fragment: None, userinfo: None }
    }
}

/// User name and password out of a URL, percent-decoded. `Debug` hides both, since a token is often given as the name.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Userinfo {
    /// The user name, possibly empty.
    pub name: Vec<u8>,
    /// The password, possibly empty.
    pub password: Option<Vec<u8>>,
}

impl std::fmt::Debug for Userinfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Userinfo(…)")
    }
}

/// An absolute URL.
///
/// # Errors
///
/// [`Kind::Builder`], naming the value: empty, relative, a scheme other than `http` and `https`, no or a bad host, a
/// port outside 1 to 65535, more than [`MAX_LEN`] bytes.
///
/// ```
/// use treq_core::uri::parse;
///
/// assert_eq!(parse("http://exämple.test/a b").unwrap().uri, "http://xn--exmple-cua.test/a%20b");
/// assert!(parse("example.test").unwrap_err().to_string().contains("\"example.test\""));
/// ```
pub fn parse(text: &str) -> Result<Located, Error> {
    if text.len() > MAX_LEN {
        return Err(too_long(text.len()));
    }
    if is_normal(text) {
        let uri = text.parse::<Uri>().map_err(|error| bad(text, "is not a URL").with_source(error))?;
        return Ok(uri.into());
    }
    if text.trim_ascii().is_empty() {
        return Err(bad(text, "is empty: give an absolute URL, as http://host/path"));
    }
    let (url, stand_in) = stand_in::parsed(text, Url::parse).map_err(|error| explain(text, error))?;
    let located = located(&url, [stand_in, None], text)?;
    if has_domain_login(text) {
        let why = "has a backslash that ends the host, and may be of a user name: percent-encode it, as %5C, or write a slash";
        return Err(bad(text, why));
    }
    Ok(located)
}

/// Returns true for `domain\user:password@host`: as it is, it would go to `domain`, with the password in its path.
fn has_domain_login(text: &str) -> bool {
    if !text.contains('\\') {
        return false;
    }
    // The URL standard takes these out first.
    let text = text.replace(['\t', '\n', '\r'], "");
    let after = text.split_once(':').map_or(&*text, |(_, after)| after).trim_start_matches(['/', '\\']);
    let path = after.find(['/', '\\', '?', '#']).map_or("", |at| &after[at..]);
    // Names have no `?` and no `#`; a password may have all signs.
    let Some(colon) = path.find([':', '?', '#']).filter(|_| path.starts_with('\\')) else { return false };
    path[colon..].starts_with(':') && path[colon..].contains('@')
}

/// The URL that `reference`, the value of a `Location` field, means when it comes with the answer to `base`
/// ([RFC 9110, section 10.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2)). Bytes that are not UTF-8 are
/// percent-encoded as they are.
///
/// # Errors
///
/// [`Kind::Redirect`], naming the value, for all that [`parse`] refuses.
pub fn resolve(base: &Uri, reference: &[u8]) -> Result<Located, Error> {
    /// Bytes above 0x7F are always encoded, so the set holds nothing more.
    const NOTHING: &AsciiSet = &CONTROLS.remove(0x7f).remove(b'\t').remove(b'\n').remove(b'\r');
    let text = match std::str::from_utf8(reference) {
        Ok(text) => text.into(),
        Err(_) => std::borrow::Cow::from(percent_encode(reference, NOTHING)),
    };
    let redirect = |error: Error| Error::new(Kind::Redirect, error.to_string()).with_source(error);
    if text.len() > MAX_LEN {
        return Err(redirect(too_long(text.len())));
    }
    if is_normal(&text) {
        return parse(&text).map_err(redirect);
    }
    let base = base.to_string();
    let (base, its) = stand_in::parsed(&base, Url::parse).map_err(|error| redirect(explain(&base, error)))?;
    // Of more than two slashes the rest are ignored (URL standard, special authority ignore slashes state), which `url`
    // does behind a scheme only.
    let from_host = text.trim_start_matches(|char: char| char <= ' ').trim_start_matches(['/', '\\']);
    let joined = match text.trim_start_matches(|char: char| char <= ' ').len() - from_host.len() {
        3.. => stand_in::parsed(&format!("//{from_host}"), |text| base.join(text)),
        _ => stand_in::parsed(&text, |text| base.join(text)),
    };
    let (url, stand_in) = joined.map_err(|error| redirect(explain(&text, error)))?;
    located(&url, [stand_in, its], &text).map_err(redirect)
}

fn located(url: &Url, stand_ins: [Option<StandIn>; 2], text: &str) -> Result<Located, Error> {
    let userinfo = (!url.username().is_empty() || url.password().is_some()).then(|| Userinfo {
        name: percent_decode_str(url.username()).collect(),
        password: url.password().map(|password| percent_decode_str(password).collect()),
    });
    let fragment = url.fragment().map(Box::from);
    let parsed = url.host_str().unwrap_or_default();
    let host = stand_ins.iter().flatten().fold(parsed, |host, stand_in| stand_in.host(host));
    let mut plain = format!("{}://{host}", url.scheme());
    if let Some(port) = url.port() {
        plain.push_str(&format!(":{port}"));
    }
    plain.push_str(url.path());
    if let Some(query) = url.query() {
        plain.push('?');
        plain.push_str(query);
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(strange(url.scheme(), text));
    }
    if plain.len() > MAX_LEN {
        return Err(too_long(plain.len()));
    }
    let uri = plain.parse::<Uri>().map_err(|error| bad(text, "is not a URL").with_source(error))?;
    Ok(Located { fragment, userinfo, ..checked(uri, text)? })
}

/// The error of a scheme that is not supported.
fn strange(scheme: &str, text: &str) -> Error {
    /// Those of URLs without an authority, which are told from the user name in `name:password@host`.
    const NO_NAMES: [&str; 6] = ["about", "blob", "data", "javascript", "mailto", "tel"];
    let shown = masked(text);
    let is_shown = shown.trim_start().get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let named = match is_shown || NO_NAMES.contains(&scheme) {
        true => format!("has the scheme {scheme:?}"),
        false => "has another scheme or none".to_owned(),
    };
    bad(text, &format!("{named}: only http and https are supported"))
}

fn checked(uri: Uri, text: &str) -> Result<Located, Error> {
    // Not with the URL: of a text that is none, what looks like a path may be a password.
    Origin::from_uri(&uri).map_err(|error| bad(text, error.message()))?;
    Ok(uri.into())
}

/// Where a byte may stand in a URL that the URL standard would leave as it is: bits of [`CLASS`].
const IN_HOST: u8 = 1;
const IN_PATH: u8 = 2;
const IN_QUERY: u8 = 4;

/// One look for each byte of a URL; the rest of what is asked of it, only of the bytes that call for it.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => IN_HOST | IN_PATH | IN_QUERY,
            // Not in a path, where a dot segment might begin: looked at more closely.
            b'.' => IN_HOST | IN_QUERY,
            b'A'..=b'Z' | b'~' | b'/' | b'!' | b'$' | b'&' => IN_PATH | IN_QUERY,
            b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' => IN_PATH | IN_QUERY,
            b'\'' => IN_PATH,
            b'?' | b'%' => IN_QUERY,
            _ => 0,
        };
        byte += 1;
    }
    class
};

fn may_stand(byte: u8, place: u8) -> bool {
    CLASS[usize::from(byte)] & place != 0
}

/// Whether the URL standard would leave `text` as it is, and `http::Uri` reads it in the same way.
fn is_normal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, default_port) = match (bytes.starts_with(b"http://"), bytes.starts_with(b"https://")) {
        (true, _) => (7, 80),
        (_, true) => (8, 443),
        _ => return false,
    };
    // By hand, since every request comes by here: one look at each byte, and notes for what may call for more.
    let start = at;
    let (mut label, mut dashes) = (at, false);
    while let Some(&byte) = bytes.get(at) {
        if !may_stand(byte, IN_HOST) {
            break;
        }
        at += 1;
        match byte {
            b'.' => label = at,
            b'-' => dashes = true,
            _ => {}
        }
    }
    let (host, rest) = (&bytes[start..at], &bytes[at..]);
    let is_host = match bytes[label..at].first() {
        // Nothing, or a dot at the end: that may be a number all the same.
        None => host.strip_suffix(b".").is_some_and(|name| !ends_in_number(name) && !name.is_empty()),
        Some(byte) if byte.is_ascii_digit() => is_normal_ipv4(host),
        Some(_) => true,
    };
    let port_len = match rest.first() {
        Some(b':') => rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len()),
        _ => 0,
    };
    let (port, path) = rest.split_at(port_len);
    let is_name = !dashes || !host.windows(4).any(|part| part == b"xn--");
    is_host && is_name && is_normal_port(port, default_port) && is_normal_path(path)
}

fn ends_in_number(name: &[u8]) -> bool {
    let label = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    label.first().is_none_or(u8::is_ascii_digit)
}

/// None, or `:` and a number from 1 to 65535 as it is usually written, the default left out.
fn is_normal_port(port: &[u8], default: u32) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] if digits.len() <= 5 && digits.first() != Some(&b'0') => {
            let mut number = 0_u32;
            for &byte in digits {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return false;
                }
                number = number * 10 + u32::from(digit);
            }
            number > 0 && number != default && number <= u32::from(u16::MAX)
        }
        _ => false,
    }
}

/// Four numbers up to 255 without leading zeros.
fn is_normal_ipv4(host: &[u8]) -> bool {
    let (mut numbers, mut number, mut digits) = (1, 0_u32, 0);
    for &byte in host {
        match byte {
            b'0'..=b'9' if digits == 0 || number > 0 => {
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
                if number > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 => {
                numbers += 1;
                (number, digits) = (0, 0);
            }
            _ => return false,
        }
    }
    numbers == 4 && digits > 0
}

/// Nothing, or `/` and only bytes that stay as they are, and no dot segment, plain or encoded.
fn is_normal_path(path: &[u8]) -> bool {
    if path.first().is_some_and(|&byte| byte != b'/') {
        return false;
    }
    for (at, &byte) in path.iter().enumerate() {
        if may_stand(byte, IN_PATH) {
            continue;
        }
        let fine = match byte {
            b'.' => path[at - 1] != b'/',
            b'%' => !matches!(path.get(at + 1..at + 3), Some([b'2', b'e' | b'E'])),
            b'?' => return path[at..].iter().all(|&byte| may_stand(byte, IN_QUERY)),
            _ => false,
        };
        if !fine {
            return false;
        }
    }
    true
}

fn bad(text: &str, why: &str) -> Error {
    /// Enough to find the place, not enough to flood a log.
    const SHOWN: usize = 200;
    let text = masked(text);
    let end = (0..=SHOWN.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let dots = if end < text.len() { "…" } else { "" };
    Error::new(Kind::Builder, format!("the URL {:?}{dots} {why}", &text[..end]))
}

fn too_long(len: usize) -> Error {
    Error::new(Kind::Builder, format!("a URL of {len} bytes is too long: the limit is {MAX_LEN}"))
}

fn explain(text: &str, error: url::ParseError) -> Error {
    let why = match error {
        url::ParseError::RelativeUrlWithoutBase => "is relative: give it as http://host/path",
        url::ParseError::EmptyHost => "names no host",
        url::ParseError::InvalidPort => "has a port that is not usable: ports go from 1 to 65535",
        _ => "cannot be understood",
    };
    bad(text, why).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_url_taken_apart_shows_no_secret() {
        for text in
            ["http://user:s3cret@a.test/x?key=s3cret#s3cret", "http://s3cret@a.test/x@y", "http://a.test/x%3Fs3cret"]
        {
            let shown = format!("{:?}", parse(text).unwrap());
            assert!(!shown.contains("s3cret") && shown.contains("a.test/x"), "{shown}");
        }
    }

    #[test]
    fn leaves_normal_text_alone_and_normalises_the_rest() {
        for (text, want) in [
            ("http://a.test/x/y?q=1&r=%20", "http://a.test/x/y?q=1&r=%20"),
            ("http://a.test", "http://a.test/"),
            ("HTTP://A.Test:80/", "http://a.test/"),
            ("http://a.test:80/x", "http://a.test/x"),
            ("https://a.test:443", "https://a.test/"),
            ("https://a.test:80/", "https://a.test:80/"),
            ("http://a.test/b/../c/./d", "http://a.test/c/d"),
            ("http://a.test/%2e%2E/c", "http://a.test/c"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("http://0x7f.0.0.1:81/", "http://127.0.0.1:81/"),
            ("http://[::1]:80/x", "http://[::1]/x"),
            ("http://my_host.test/", "http://my_host.test/"),
            ("  http://a.test/\"q\"?'|\n", "http://a.test/%22q%22?%27|"),
            ("https://bücher.test:443/ü", "https://xn--bcher-kva.test/%C3%BC"),
            ("http:\\\\a.test\\b", "http://a.test/b"),
            // Labels that stand for no name are nobody's business here: URL standard, domain to ASCII.
            ("http://xn--a/", "http://xn--a/"),
            ("HTTP://u:p@XN--a.Xn--zn7c.TEST:81/x?y#z", "http://xn--a.xn--zn7c.test:81/x?y"),
            ("http://xn--%61.test/xn--a", "http://xn--a.test/xn--a"),
        ] {
            assert_eq!(parse(text).unwrap().uri.to_string(), want, "{text}");
        }
    }

    #[test]
    fn agrees_with_the_url_crate_where_it_takes_the_short_way() {
        for text in
            ["http://a.b-c_d.test:8080/p.q/..r/%20?./..&'", "https://1.2.3.4/", "http://a.test./", "http://a--b/x@y:z"]
        {
            let url = Url::parse(text).unwrap();
            assert_eq!(parse(text).unwrap().uri.to_string(), url.to_string(), "{text}");
        }
    }

    #[test]
    fn takes_userinfo_and_fragment_aside() {
        let located = parse("http://us%40er:p%3Aw@a.test/x#frag").unwrap();
        assert_eq!(located.uri, "http://a.test/x");
        assert_eq!(located.fragment.as_deref(), Some("frag"));
        let userinfo = located.userinfo.unwrap();
        assert_eq!((userinfo.name, userinfo.password), (b"us@er".to_vec(), Some(b"p:w".to_vec())));
    }

    /// Whatever takes the quick way is what the URL standard would make of it.
    #[test]
    fn the_quick_way_is_taken_only_where_nothing_changes() {
        const PIECES: &[&str] = &[
            "a",
            "b1",
            "x",
            "xn--",
            "-",
            "_",
            ".",
            "..",
            "/",
            "//",
            "?",
            "#",
            "@",
            ":",
            "80",
            "0",
            "1.2.3.4",
            "256",
            "01",
            "%",
            "%2e",
            "%2E",
            "%41",
            "~",
            "'",
            "\"",
            "[",
            "]",
            "::1",
            "\\",
            " ",
            "\t",
            "A",
            "é",
            "&",
            "=",
            "+",
            ";",
            ",",
            "!",
            "$",
            "(",
            "*",
            "test",
            "65536",
            "0x7f",
            "localhost",
            "{",
            "|",
            "^",
            "`",
            "<",
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut quick = 0;
        for _ in 0..200_000 {
            let count = next(9);
            let text: String = ["http://", "https://"][next(2)]
                .chars()
                .chain((0..count).flat_map(|_| PIECES[next(PIECES.len())].chars()))
                .collect();
            if !is_normal(&text) {
                continue;
            }
            quick += 1;
            let url = Url::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let default_port = url.port().is_none() && text.contains(":80") | text.contains(":443");
            assert!(url.as_str() == text || url.as_str() == format!("{text}/") || default_port, "{text} is {url}");
            assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{text}");
            let uri: Uri = text.parse().unwrap();
            assert_eq!(uri.host(), url.host_str(), "{text}");
            assert_eq!((uri.path(), uri.query()), (url.path(), url.query()), "{text}");
        }
        assert!(quick > 2_000, "{quick}");
    }

    #[test]
    fn names_what_it_refuses_and_no_password() {
        for (text, part) in [
            ("", "empty"),
            ("example.test/x", "relative"),
            ("/x", "relative"),
            ("ftp://a.test/", "\"ftp\""),
            ("http://a.test:0/", "1 to 65535"),
            ("http://a.test:65536/", "1 to 65535"),
            ("http://", "host"),
            ("http:///", "host"),
            ("http://a b/", "cannot be understood"),
            ("mailto:a@b", "\"mailto\""),
            ("http://u:secret@a.test:0/?key=secret", "1 to 65535"),
            ("http://u:0/secret@a.test/", "1 to 65535"),
            ("secret:x-oauth-basic@a.test/", "another scheme"),
            ("secret:@a.test/", "another scheme"),
            ("http://a.test:0/?to=b@c.test&key=secret", "1 to 65535"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), Kind::Builder, "{text}");
            assert!(error.to_string().contains(part), "{text}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let long = format!("http://a.test/{}", "x".repeat(MAX_LEN));
        assert!(parse(&long).unwrap_err().to_string().contains("65534"));
    }

    #[test]
    fn resolves_against_the_base() {
        let base: Uri = "http://a.test/b/c?d".parse().unwrap();
        for (reference, want) in [
            (&b"e"[..], "http://a.test/b/e"),
            (b"/e", "http://a.test/e"),
            (b"?q", "http://a.test/b/c?q"),
            (b"//h.test/x", "http://h.test/x"),
            (b"https://h.test", "https://h.test/"),
            (b"/caf\xe9", "http://a.test/caf%E9"),
            ("/caf\u{e9}".as_bytes(), "http://a.test/caf%C3%A9"),
        ] {
            assert_eq!(resolve(&base, reference).unwrap().uri.to_string(), want);
        }
        assert_eq!(resolve(&base, b"ftp://x/").unwrap_err().kind(), Kind::Redirect);
    }
}
