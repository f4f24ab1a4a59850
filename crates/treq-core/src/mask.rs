//! Masking of secrets in a text that is, or was meant to be, a URL.

use std::borrow::Cow;

use http::Uri;

/// Returns `text` without what may be a secret in it: userinfo, query, fragment, and path segments that look like keys.
///
/// The text need not be a URL. In one that is not, anything before the last `@` may be a password, since a password may hold
/// the characters that end an authority, and so may anything after a colon in place of a port. If a `?` or `#` comes before that
/// `@`, nothing after the scheme is shown. A URL that is good loses its host if there is an `@` in its path; a [`Uri`], whose parts are
/// known, does not: errors show that.
///
/// ```
/// use treq_core::uri::masked;
///
/// assert_eq!(masked("http://user:pa/ss@a.test/path?key=s3cret#s3cret"), "http://…@a.test/path?…");
/// assert_eq!(masked("https://a.test/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send"), "https://a.test/…/send");
/// ```
pub fn masked(text: &str) -> Cow<'_, str> {
    let start = authority_start(text);
    let (lead, rest) = text.split_at(start);
    let (hidden, rest) = match last_at(rest) {
        // A password with a `?` in it, or an address in a query, with secrets behind it: nobody knows.
        Some(end) if rest[..end].contains(['?', '#']) => return format!("{lead}…").into(),
        Some(end) => ("…@", &rest[end..]),
        None => ("", rest),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (rest, tail) = (&rest[..end], &rest[end..]);
    let dots = match tail.chars().next() {
        Some('?') => "?…",
        Some(_) => "#…",
        None => "",
    };
    // Without a scheme or two slashes there is no authority, unless there was userinfo.
    // Nor is it a path that a colon comes first in: `user:password` of one who forgot the rest.
    let colon_first = rest.find([':', '/', '\\']).is_some_and(|at| rest[at..].starts_with(':'));
    let has_authority = start > 0 || !hidden.is_empty() || colon_first;
    let path = if has_authority { rest.find(['/', '\\']).unwrap_or(rest.len()) } else { 0 };
    let (authority, path) = rest.split_at(path);
    let shown = host_and_port(authority);
    if hidden.is_empty() && dots.is_empty() && shown.len() == authority.len() && !path.split(SLASHES).any(is_key) {
        return text.into();
    }
    let mut masked = String::with_capacity(text.len().min(256));
    masked.push_str(lead);
    masked.push_str(hidden);
    masked.push_str(shown);
    if shown.len() < authority.len() {
        masked.push_str(":…");
    }
    push_path(&mut masked, path);
    masked.push_str(dots);
    masked.into()
}

/// Masks a URL whose parts are known.
pub(crate) fn of_uri(url: &Uri) -> Box<str> {
    let mut masked = String::new();
    if let Some(scheme) = url.scheme_str() {
        masked.push_str(scheme);
        masked.push_str("://");
    }
    if let Some(authority) = url.authority() {
        let whole = authority.as_str();
        if host_and_port(whole).len() < whole.len() && !whole.contains('@') {
            // What would be a port is none: a password that holds what ends an authority.
            return self::masked(&url.to_string()).into();
        }
        masked.push_str(whole.rsplit_once('@').map_or(whole, |(_, host)| host));
    }
    push_path(&mut masked, url.path());
    if url.query().is_some() {
        masked.push_str("?…");
    }
    masked.into()
}

fn push_path(masked: &mut String, path: &str) {
    for segment in path.split_inclusive(SLASHES) {
        let (name, slash) = segment.split_at(segment.trim_end_matches(SLASHES).len());
        masked.push_str(if is_key(name) { "…" } else { name });
        masked.push_str(slash);
    }
}

const SLASHES: [char; 2] = ['/', '\\'];

/// The start of the authority: after a scheme and any number of slashes of either kind
/// ([URL standard](https://url.spec.whatwg.org/#special-authority-ignore-slashes-state)); 0 without either.
fn authority_start(text: &str) -> usize {
    let is_of_scheme = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.') || char <= ' ';
    let scheme = text.find(|char| !is_of_scheme(char)).filter(|&at| text[at..].starts_with(':'));
    let after = scheme.map_or(0, |colon| colon + 1);
    let slashes =
        text[after..].len() - text[after..].trim_start_matches(|char| char <= ' ' || SLASHES.contains(&char)).len();
    match (scheme, text[after..after + slashes].matches(SLASHES).count()) {
        // `user:password@host` has no scheme, and `host:80/` none either.
        (Some(_), 0) => 0,
        (None, 0 | 1) => 0,
        _ => after + slashes,
    }
}

/// The start of the text after the last `@`, which may be percent-encoded.
fn last_at(text: &str) -> Option<usize> {
    // Those of other widths too: names of hosts may be written with them.
    let plain = text.rmatch_indices(['@', '＠', '﹫']).next().map(|(at, sign)| at + sign.len());
    let encoded = text.rfind("%40").map(|at| at + 3);
    plain.max(encoded)
}

/// The authority without a port that is not a number.
fn host_and_port(authority: &str) -> &str {
    let colon = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|colon| bracket + colon),
        // An address that nobody closed.
        None if authority.starts_with('[') => None,
        None => authority.find(':'),
    };
    let is_of_port = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-');
    match colon {
        Some(colon) if !authority[colon + 1..].bytes().all(is_of_port) => &authority[..colon],
        _ => authority,
    }
}

/// Returns true if a path segment looks like a key rather than a name: long, in ASCII, with digits or in mixed case.
fn is_key(segment: &str) -> bool {
    /// The least length of a key: shorter segments are mostly names, versions and numbers.
    const LEAST: usize = 20;
    if segment.len() < LEAST || !segment.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| segment.bytes().any(|byte| test(&byte));
    let (digits, letters) = (has(u8::is_ascii_digit), has(u8::is_ascii_alphabetic));
    // Words that are joined by dashes or dots change their case at their beginnings only.
    let longest = segment.split(['-', '_', '.']).map(str::len).max().unwrap_or(0);
    letters && longest >= LEAST / 2 && (digits || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_userinfo_query_fragment_and_keys() {
        for (text, shown) in [
            ("http://a.test/path/x.html", "http://a.test/path/x.html"),
            ("http://a.test:8080/path", "http://a.test:8080/path"),
            ("http://[::1]:81/", "http://[::1]:81/"),
            ("/path/to", "/path/to"),
            ("", ""),
            ("http://user:s3cret@a.test/", "http://…@a.test/"),
            ("http://user:pa/s3cret@a.test/", "http://…@a.test/"),
            ("http://user:pa?s3cret@a.test/", "http://…"),
            ("http://a.test/?to=b@c.test&key=s3cret", "http://…"),
            ("/x#b@s3cret", "…"),
            ("http:/user:s3cret@a.test:0/", "http:/…@a.test:0/"),
            ("http:user:s3cret@a.test:0/", "…@a.test:0/"),
            ("http:\\\\user:s3cret@a.test", "http:\\\\…@a.test"),
            ("//user:s3cret@a.test/x", "//…@a.test/x"),
            (" ht\ttp://user:s3cret@a.test/", " ht\ttp://…@a.test/"),
            ("user:s3cret@a.test", "…@a.test"),
            ("user:s3cret", "user:…"),
            ("a.test:80/x", "a.test:80/x"),
            ("/x:y", "/x:y"),
            ("http://user:s3cret@:80/", "http://…@:80/"),
            ("http://user:s3cret%40a.test/", "http://…@a.test/"),
            ("http://user:s3cret＠a.test", "http://…@a.test"),
            ("user:s3cret﹫a.test", "…@a.test"),
            ("http://user:s3cret", "http://user:…"),
            ("http://[::1]:s3cret/", "http://[::1]:…/"),
            ("http://[::1", "http://[::1"),
            ("/login?to=s3cret", "/login?…"),
            ("mailto:a?//s3cret@host.test", "…"),
            ("mailto:s3cret@host.test", "…@host.test"),
            ("http://a.test#s3cret", "http://a.test#…"),
            ("http://a.test/x#s3cret?s3cret", "http://a.test/x#…"),
            ("https://a.test/bot1:AAHdqTcvCH1vGs3cretJxf/x", "https://a.test/…/x"),
            ("https://a.test/0f8fad5b-d9cb-469f-a165-70867728950e", "https://a.test/…"),
            (
                "https://a.test/2026-11-28-a-long-name-of-an-article",
                "https://a.test/2026-11-28-a-long-name-of-an-article",
            ),
            (
                "https://a.test/releases/ubuntu-24.04.1-desktop-amd64.iso",
                "https://a.test/releases/ubuntu-24.04.1-desktop-amd64.iso",
            ),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    /// Tests that no text is cut inside a character.
    #[test]
    fn any_text_can_be_shown() {
        const PIECES: [&str; 16] =
            ["a", "http", ":", "//", "/", "\\", "@", "?", "#", "é", "%40", "[", "]", " ", "80", "🦀"];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200_000 {
            let mut text = String::new();
            for _ in 0..10 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                text.push_str(PIECES[(random % 16) as usize]);
            }
            let shown = masked(&text);
            assert!(shown.matches('@').count() <= 1, "{text}: {shown}");
        }
    }
}
