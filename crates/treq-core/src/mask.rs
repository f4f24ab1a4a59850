//! Masking of secrets in a text that is, or was meant to be, a URL.

use std::borrow::Cow;

use http::Uri;

/// Returns `text` without what may be a secret in it: userinfo, query, fragment, path parameters, and path segments that look
/// like keys.
///
/// The text need not be a URL. In one that is not, anything before the last `@` may be a password, since a password may hold
/// the characters that end an authority; if a `?` or `#` comes before that `@`, nothing after the scheme is shown. Nor is anything
/// after a colon in place of a port, or from a host on that none can be. A URL that is good loses its host if there is an `@`
/// in its path; a [`Uri`], whose parts are known, does not: errors show that.
///
/// ```
/// use treq_core::uri::masked;
///
/// assert_eq!(masked("http://user:pa/ss@a.test/path?key=s3cret#s3cret"), "http://…@a.test/path?…");
/// assert_eq!(masked("https://a.test/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send"), "https://a.test/…/send");
/// ```
pub fn masked(text: &str) -> Cow<'_, str> {
    // What the URL standard takes out of a URL first may stand inside any sign.
    if text.contains(['\t', '\n', '\r']) {
        return masked(&text.replace(['\t', '\n', '\r'], "")).into_owned().into();
    }
    let start = authority_start(text);
    let (lead, rest) = text.split_at(start);
    let (hidden, rest) = match last_at(rest) {
        // A password with a `?` in it, or an address in a query, with secrets behind it: nobody knows.
        Some(end) if query_start(&rest[..end]).is_some() => return format!("{}…", path_of(lead)).into(),
        Some(end) => ("…@", &rest[end..]),
        None => ("", rest),
    };
    let (rest, tail) = rest.split_at(query_start(rest).unwrap_or(rest.len()));
    // Without a scheme or two slashes there is no authority, unless there was userinfo.
    // Nor is it a path that a colon comes first in: `user:password` of one who forgot the rest.
    // A backslash may be that of `DOMAIN\user:password`.
    let colon_first = rest.find([':', '/']).is_some_and(|at| rest[at..].starts_with(':'));
    let other_colon = sign_in(&rest[..rest.find(SLASHES).unwrap_or(rest.len())], &COLONS);
    let has_authority = start > 0 || !hidden.is_empty() || colon_first || other_colon;
    let slashes = if colon_first && start == 0 { &SLASHES[..1] } else { &SLASHES };
    let end_of_authority = if has_authority { rest.find(slashes).unwrap_or(rest.len()) } else { 0 };
    let (authority, path) = rest.split_at(end_of_authority);
    // `http:/user:password` and `http://http://user:password`: what follows no port begins anew.
    let twice = path.strip_prefix(SLASHES).is_some_and(|rest| rest.starts_with(SLASHES));
    let anew = match authority.strip_suffix(':') {
        Some(_) if start == 0 => !path.is_empty(),
        other => twice && (other.is_some() || is_http(authority)),
    };
    let login = path.starts_with('\\') && path.contains(':');
    let shown = part_that_is_a_host(authority).or((anew || login).then_some(authority));
    // What follows an `@` in a path is a segment, and may be a key.
    let shown = shown.or((!hidden.is_empty() && is_key(authority)).then_some(""));
    if let Some(host) = shown {
        return format!("{}{hidden}{host}…", path_of(lead)).into();
    }
    let is_shown = |path: &str| path.split(SLASHES).all(|segment| shown_of(segment).len() == segment.len());
    if hidden.is_empty() && tail.is_empty() && is_shown(lead) && is_shown(path) {
        return text.into();
    }
    let mut masked = String::with_capacity(text.len().min(256));
    push_path(&mut masked, lead);
    masked.push_str(hidden);
    masked.push_str(authority);
    push_path(&mut masked, path);
    masked.push_str(dots(tail));
    masked.into()
}

/// Masks a URL whose parts are known.
pub(crate) fn of_uri(url: &Uri) -> Box<str> {
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        // What looks like a path may be a whole URL.
        return masked(&url.to_string()).into();
    };
    let whole = authority.as_str();
    let host = whole.rsplit_once('@').map_or(whole, |(_, host)| host);
    let name = host.trim_end_matches(':');
    let anew = url.path().starts_with("//") && (is_http(name) || name.is_empty());
    // `user:1234/5@host`: a port may be the beginning of a password, which holds what ends an authority. And what was written as
    // `domain\user:password@host` is here with a slash.
    let has_port = host.contains(':') && !host.ends_with(']');
    let may_be_login = last_at(url.path())
        .is_some_and(|end| has_port || url.path()[..end].contains(':') || sign_in(&url.path()[..end], &COLONS));
    if part_that_is_a_host(host).is_some() || name.is_empty() || anew || may_be_login {
        return masked(&url.to_string()).into();
    }
    // So may be the query's `@`: of `domain\user:pass?word@host` the path has a colon, of `user:1234?5@host` there is none.
    if url.query().is_some_and(|query| last_at(query).is_some()) {
        if has_port && url.path() == "/" {
            return format!("{scheme}://{}…", &host[..=host.rfind(':').unwrap_or(0)]).into();
        }
        if sign_in(url.path(), &[":"]) || sign_in(url.path(), &COLONS) {
            return format!("{scheme}://{host}/…").into();
        }
    }
    let (path, tail) = url.path().split_at(query_start(url.path()).unwrap_or(url.path().len()));
    let mut masked = format!("{scheme}://{host}");
    push_path(&mut masked, path);
    masked.push_str(if url.query().is_some() { "?…" } else { dots(tail) });
    masked.into()
}

fn path_of(path: &str) -> String {
    let mut masked = String::new();
    push_path(&mut masked, path);
    masked
}

fn push_path(masked: &mut String, path: &str) {
    for segment in path.split_inclusive(SLASHES) {
        let (name, slash) = segment.split_at(segment.trim_end_matches(SLASHES).len());
        let shown = shown_of(name);
        masked.push_str(shown);
        masked.push_str(if shown.len() < name.len() { "…" } else { "" });
        masked.push_str(slash);
    }
}

/// The beginning of a path segment that can be shown: nothing of a key, nor what follows `;`, as in `cart;jsessionid=1A`.
fn shown_of(segment: &str) -> &str {
    let name = segment.find(';').map_or(segment, |at| &segment[..=at]);
    if is_key(name) { "" } else { name }
}

const SLASHES: [char; 2] = ['/', '\\'];

/// The start of the authority: after a scheme and any number of slashes of either kind
/// ([URL standard](https://url.spec.whatwg.org/#special-authority-ignore-slashes-state)), or after two slashes or more that follow
/// what should have been a scheme, as in `<http://` and `http//`; 0 without either.
fn authority_start(text: &str) -> usize {
    let is_of_scheme = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.') || char <= ' ';
    let is_slash = |char: char| char <= ' ' || SLASHES.contains(&char);
    let scheme = text.find(|char| !is_of_scheme(char)).filter(|&at| text[at..].starts_with(':'));
    if let Some(colon) = scheme {
        let after = &text[colon + 1..];
        let slashes = after.len() - after.trim_start_matches(is_slash).len();
        // `user:password@host` has no scheme, and `host:80/` none either. Nor has `token:/@host` one, while `http:/host` has.
        let count = after[..slashes].matches(SLASHES).count();
        return if count > 1 || (count == 1 && is_http(&text[..colon])) { colon + 1 + slashes } else { 0 };
    }
    let doubles = ["//", "\\\\", "/\\", "\\/"].iter().filter_map(|double| text.find(double));
    let Some(first) = doubles.min() else { return 0 };
    let before = text[..first].strip_suffix([':', ';']).unwrap_or(&text[..first]).trim_start_matches('\u{feff}');
    // Behind a sign of userinfo or of a query they are a part of that, and before an `@` of what may be a password.
    let is_sign = |char: char| matches!(char, ':' | '@' | '?' | '#' | '%' | ';') || is_odd(char);
    if before.contains(is_sign) || (!before.is_empty() && last_at(text).is_some()) {
        return 0;
    }
    text.len() - text[first..].trim_start_matches(is_slash).len()
}

/// `@`, `?` and `#` in other widths too, since names of hosts may be written with them, and percent-encoded, by mistake mostly.
const AT_SIGNS: [&str; 6] = ["@", "＠", "﹫", "%40", "%EF%BC%A0", "%EF%B9%AB"];
const COLONS: [&str; 7] = ["：", "﹕", "︓", "%3A", "%EF%BC%9A", "%EF%B9%95", "%EF%B8%93"];
const QUERY_SIGNS: [&str; 14] = [
    "?",
    "#",
    "？",
    "＃",
    "﹖",
    "﹟",
    "︖",
    "%3F",
    "%23",
    "%EF%BC%9F",
    "%EF%BC%83",
    "%EF%B9%96",
    "%EF%B9%9F",
    "%EF%B8%96",
];

fn is_http(scheme: &str) -> bool {
    ["http", "https"].iter().any(|name| scheme.trim_start().eq_ignore_ascii_case(name))
}

/// The start of the text after the last `@`.
fn last_at(text: &str) -> Option<usize> {
    text.char_indices().rev().find_map(|(at, _)| Some(at + sign_at(text, at, &AT_SIGNS)?.len()))
}

fn sign_in(text: &str, signs: &[&str]) -> bool {
    text.char_indices().any(|(at, _)| sign_at(text, at, signs).is_some())
}

/// The start of the query or the fragment.
fn query_start(text: &str) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).find(|&at| sign_at(text, at, &QUERY_SIGNS).is_some())
}

/// The one of the signs that stands here.
fn sign_at<'a>(text: &str, at: usize, signs: &[&'a str]) -> Option<&'a str> {
    let here = &text.as_bytes()[at..];
    let stands = |sign: &&&str| here.get(..sign.len()).is_some_and(|it| it.eq_ignore_ascii_case(sign.as_bytes()));
    // Nearly all of a URL is something else.
    if here[0].is_ascii_alphanumeric() { None } else { signs.iter().find(stands).copied() }
}

/// What stands for a query and a fragment.
fn dots(tail: &str) -> &'static str {
    match tail.chars().next() {
        None => "",
        Some('#') => "#…",
        Some(_) => "?…",
    }
}

/// Of an authority that is not a host and perhaps a port, the part that is, with the colon of a bad port; `None` for a good one.
fn part_that_is_a_host(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.find(']') {
        Some(bracket) if authority.starts_with('[') => authority.split_at(bracket + 1),
        // An address that nobody closed.
        None if authority.starts_with('[') => (authority, ""),
        _ => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_of_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b']');
    // Any of these signs may end the host, in another spelling; in brackets a colon may stand before a password.
    let is_host = !host.contains(|char| matches!(char, '%' | ';') || is_odd(char))
        && (!host.starts_with('[') || !host.contains(':') || host[1..].bytes().all(is_of_address));
    match rest.strip_prefix(':') {
        _ if !is_host => Some(""),
        // A token may be given as the user name.
        Some(port) if !may_be_port(port) && is_key(host) => Some(""),
        Some(port) if !may_be_port(port) => Some(&authority[..=host.len()]),
        None if !rest.is_empty() => Some(host),
        _ => None,
    }
}

/// Returns true for what was meant to be a port, though it may be too large: five digits, and a sign. More may be a password.
pub(crate) fn may_be_port(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    // A sign alone may be a password's.
    digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || !digits.is_empty())
}

/// Returns true for what is neither ASCII nor a letter or digit of any script.
fn is_odd(char: char) -> bool {
    !char.is_ascii() && !char.is_alphanumeric()
}

/// Returns true if a path segment looks like a key rather than a name: long, in ASCII, with digits or in mixed case.
fn is_key(segment: &str) -> bool {
    /// The least length of a key: shorter segments are mostly names, versions and numbers.
    const LEAST: usize = 20;
    if segment.len() < LEAST || segment.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| segment.bytes().any(|byte| test(&byte));
    let (digits, letters) = (has(u8::is_ascii_digit), has(u8::is_ascii_alphabetic));
    let words = || segment.split(['-', '_', '.']);
    // Words that are joined by dashes or dots change their case at their beginnings only.
    let longest = words().map(str::len).max().unwrap_or(0);
    let mixed = digits || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase));
    // Letters and digits in word after word, as in a licence key.
    let is_mixed = |word: &&str| {
        word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    (longest >= LEAST && !letters)
        || (letters && longest >= LEAST / 2 && mixed)
        || words().filter(is_mixed).count() > words().count() / 2
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
            (" ht\ttp://user:s3cret@a.test/", " http://…@a.test/"),
            ("http://user:s3cret%4\t0a.test/", "http://…@a.test/"),
            ("user:s3cret@a.test", "…@a.test"),
            ("user:s3cret", "user:…"),
            ("a.test:80/x", "a.test:80/x"),
            ("/x:y", "/x:y"),
            ("http://user:s3cret@:80/", "http://…@:80/"),
            ("http://user:s3cret%40a.test/", "http://…@a.test/"),
            ("http://user:s3cret＠a.test", "http://…@a.test"),
            ("user:s3cret﹫a.test", "…@a.test"),
            ("http://user:s3cret", "http://user:…"),
            ("http://[::1]:s3cret/s3cret", "http://[::1]:…"),
            ("http://[::1]s3cret/", "http://[::1]…"),
            ("http://[s3cret:s3cret/", "http://…"),
            ("http://[::1", "http://[::1"),
            ("http://[broken", "http://[broken"),
            ("/login?to=s3cret", "/login?…"),
            // What is around a scheme, or in its place.
            ("\"http://user:s3cret\"", "\"http://user:…"),
            ("<http://user:s3cret/s3cret>", "<http://user:…"),
            ("url=http://user:s3cret", "url=http://user:…"),
            ("\u{feff}http://user:s3cret", "\u{feff}http://user:…"),
            ("“http://user:s3cret”", "…"),
            ("http//user:s3cret", "http//user:…"),
            ("http;//user:s3cret/", "http;//user:…"),
            ("http_://user:s3cret", "http_://user:…"),
            ("/bot1AAHdqTcvCH1vGs3cretJxf//x", "/…//x"),
            ("/cart;id=s3cret//x", "/cart;…//x"),
            ("http:user/s3cret", "http:…"),
            ("s3cret//s3cret@a.test", "…@a.test"),
            ("s3cret:s3cret//s3cret", "s3cret:…"),
            ("/http://user:s3cret@a.test/", "…@a.test/"),
            ("https:/user:s3cret/", "https:/user:…"),
            ("socks5:/user:s3cret", "socks5:…"),
            ("s3cret:/x@a.test", "…@a.test"),
            ("CORP\\jane:s3cret", "CORP\\jane:…"),
            ("http://CORP\\jane:s3cret", "http://CORP…"),
            ("//CORP\\jane:s3cret", "//CORP…"),
            ("http://a.test\\x", "http://a.test\\x"),
            ("http://:+/s3cret", "http://:…"),
            ("http://http://user:s3cret/", "http://http:…"),
            ("http://a.test:/x", "http://a.test:/x"),
            ("http://http//user:s3cret/", "http://http…"),
            ("http://a.test/@user;s3cret", "http://…@…"),
            ("/@AAHdqTcvCH1vGs3cretJxf", "…@…"),
            ("http://a.test;s3cret", "http://…"),
            ("http://a.test/%EF%B8%96s3cret", "http://a.test/?…"),
            ("user:1234567890", "user:…"),
            ("http://a.test:65536/", "http://a.test:65536/"),
            ("http://a.test:-1/", "http://a.test:-1/"),
            ("https://AAHdqTcvCH1vGs3cretJxf:x-oauth-basic", "https://…"),
            ("/bot1AAHdqTcvCH1vGs3cretJxf//x:y", "/…//x:…"),
            ("http://a.test/éAAHdqTcvCH1vGs3cretJxf", "http://a.test/…"),
            // The signs in other spellings.
            ("user%3As3cret", "…"),
            ("user：s3cret/x", "…"),
            ("http：//user:s3cret", "…"),
            ("http://user%3As3cret/", "http://…"),
            ("http://user：s3cret/", "http://…"),
            ("http://s3cret%ef%bc%A0a.test/", "http://…@a.test/"),
            ("http://a.test/x%EF%BC%9fs3cret", "http://a.test/x?…"),
            ("http://a.test？key=s3cret", "http://a.test?…"),
            ("http://a.test/x？key=s3cret", "http://a.test/x?…"),
            ("http://a.test/x%3Fkey=s3cret&x", "http://a.test/x?…"),
            ("http://a.test%23s3cret", "http://a.test?…"),
            ("http://bücher.test/ä", "http://bücher.test/ä"),
            ("http://a b/x", "http://a b/x"),
            ("/cart;jsessionid=s3cret/x;y", "/cart;…/x;…"),
            ("https://a.test/99887766554433221100998877665544", "https://a.test/…"),
            ("https://a.test/ABCD1-EFGH2-IJKL3-MNOP4-QRST5", "https://a.test/…"),
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

    #[test]
    fn hides_the_same_of_a_uri() {
        for (text, shown) in [
            ("http://user:s3cret@a.test/x@y?s3cret", "http://a.test/x@y?…"),
            ("http://a.test/x%3Fs3cret", "http://a.test/x?…"),
            ("http://a.test/x;s3cret?s3cret", "http://a.test/x;…?…"),
            ("//user:s3cret@a.test/x", "//…@a.test/x"),
            ("/http://user:s3cret@a.test/", "…@a.test/"),
            ("user:s3cret@a.test:80", "…@a.test:80"),
            ("a.test:80", "a.test:80"),
            ("https://://user:s3cret@a.test/", "https://…@a.test/"),
            ("http://corp/jane:s3cret@a.test/", "http://…@a.test/"),
            ("http://a.test/@scope/x", "http://a.test/@scope/x"),
            ("http://user:1234/s3cret@a.test/", "http://…@a.test/"),
            ("http://[::1]/x@y", "http://[::1]/x@y"),
            ("http://http://user:s3cret/", "http://http:…"),
            ("http://http//user:s3cret@a.test/", "http://…@a.test/"),
            ("http://http//user:s3cret/", "http://http…"),
            ("http://corp/jane:s3cret?s3cret@a.test/", "http://corp/…"),
            ("http://corp/jane%3As3cret?@a.test/", "http://corp/…"),
            ("http://user:1234?s3cret@a.test/", "http://user:…"),
            ("http://a.test:80/x?to=jane@s3cret", "http://a.test:80/x?…"),
            ("http://[::1]/?to=jane@s3cret", "http://[::1]/?…"),
            ("/x?s3cret", "/x?…"),
            ("*", "*"),
        ] {
            assert_eq!(&*of_uri(&text.parse().unwrap()), shown, "{text}");
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
