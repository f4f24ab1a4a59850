//! URLs and references, and what is shown of them.

use http::Uri;
use treq_core::uri::{masked, parse, resolve};
use treq_core::{Error, Kind, Origin};

use super::{lines, with_secret};
use crate::oracle::{keeps_secret, shows_nothing, tells_nothing};

const BASES: [&str; 3] = ["http://a.test/b/c;d?q", "https://[::1]:8443/", "http://user@a.test/x/../y"];

/// The first line is read as it is; the next three stand around a secret, as userinfo, query and fragment.
pub(super) fn run(input: &[u8]) {
    read(&String::from_utf8_lossy(input));
    let [scheme, before, after, end] = lines::<4>(input).map(String::from_utf8_lossy);
    let secret = with_secret(&before, &after);
    // Userinfo ends with the last `@` before a query or a fragment.
    let plain = !scheme.contains(['/', '\\', '?', '#', '@', ':']) && !end.contains('@');
    if plain {
        read_secret(&format!("{scheme}://u:{secret}@{end}"));
        read_login(&format!("http://corp\\u:{}@{end}", secret.replace(['/', '\\'], "")));
        read_secret(&format!("//{secret}@{end}"));
    }
    read_secret(&format!("{scheme}?{secret}"));
    read_secret(&format!("{scheme}#{secret}"));
    read_slip(&scheme, &before, &secret);
}

/// A login of a Windows domain, whose backslash is a slash to URLs. Of what can be sent, an error shows no password.
fn read_login(text: &str) {
    if let Ok(url) = parse(text) {
        tells_nothing(&Error::new(Kind::Connect, "no").with_url(&url.uri));
    }
}

/// What people write who slip: no `@` and no host, another sign of the same look, or its escape.
fn read_slip(lead: &str, before: &str, secret: &str) {
    let is_plain = |text: &str| text.chars().all(|char| char.is_alphanumeric() || char.is_ascii_punctuation());
    let is_sign = |char: char| matches!(char, '/' | '\\' | '?' | '#' | '@' | ':' | ';' | '%' | '[');
    // A slash would end a good host, and lead out of what should have been a query.
    let key = secret.replace(['/', '\\'], "");
    // An `@` ends what may be a password, and begins a host.
    let ends = secret.contains(['@', '＠', '﹫', '%', '\t', '\n', '\r']);
    if !ends {
        read_secret(&format!("http://a.test/x;key={key}"));
    }
    if !ends && is_plain(lead) && !lead.contains(is_sign) && before.starts_with(|char: char| char.is_ascii_alphabetic())
    {
        for sign in ["//", "://", ";//", ":/\\", ":"] {
            read_secret(&format!("{lead}{sign}u:{secret}"));
        }
    }
    for at in ["%40", "＠", "﹫", "%EF%BC%A0", "%4\t0"] {
        read_secret(&format!("http://u:{key}{at}a.test:0/"));
    }
    for query in ["?", "%3F", "%3f", "%23", "？", "＃", "﹖"] {
        read_secret(&format!("http://a.test/x{query}key={key}"));
    }
    // What follows a `#` is no part of a `Uri`.
    if let Ok(uri) = format!("//u:{}@a.test/x", secret.replace('#', "")).parse::<Uri>() {
        tells_nothing(&Error::new(Kind::Connect, "no").with_url(&uri));
        if let Err(error) = Origin::from_uri(&uri) {
            tells_nothing(&error);
        }
    }
    // `corp\u:password@host` with a `?` in the password; what ends a segment of the path ends what is known of it.
    let key = key.replace(['#', '?'], "");
    if let Ok(uri) = format!("http://corp/u:{key}?{key}@a.test/x").parse::<Uri>() {
        tells_nothing(&Error::new(Kind::Connect, "no").with_url(&uri));
    }
}

fn read(text: &str) {
    let shown = masked(text);
    assert!(shown.matches('@').count() <= 1 && shown.len() <= text.len() + 16, "{text:?} is shown as {shown:?}");
    if let Ok(url) = parse(text) {
        let again = url.uri.to_string();
        let parsed = parse(&again).expect("what is written can be read");
        assert_eq!(parsed.uri, url.uri, "{text:?}");
    }
    for base in BASES {
        let base = base.parse().expect("a URL");
        if let Ok(url) = resolve(&base, text.as_bytes()) {
            let scheme = url.uri.scheme_str();
            assert!(matches!(scheme, Some("http" | "https")) && url.uri.authority().is_some(), "{text:?}: {url:?}");
        }
    }
}

fn read_secret(text: &str) {
    keeps_secret(&masked(text));
    match parse(text) {
        // Of a good URL with an `@` in its path the path is known for one.
        Ok(url) if url.uri.path().contains('@') => shows_nothing(&url.userinfo),
        Ok(url) => shows_nothing(&url),
        Err(error) => tells_nothing(&error),
    }
    for base in BASES {
        if let Err(error) = resolve(&base.parse().expect("a URL"), text.as_bytes()) {
            tells_nothing(&error);
        }
    }
}
