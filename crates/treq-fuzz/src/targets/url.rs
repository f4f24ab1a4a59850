//! URLs and references, and what is shown of them.

use treq_core::uri::{masked, parse, resolve};

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
        read_secret(&format!("//{secret}@{end}"));
    }
    read_secret(&format!("{scheme}?{secret}"));
    read_secret(&format!("{scheme}#{secret}"));
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
        Ok(url) => shows_nothing(&url.userinfo),
        Err(error) => tells_nothing(&error),
    }
    for base in BASES {
        if let Err(error) = resolve(&base.parse().expect("a URL"), text.as_bytes()) {
            tells_nothing(&error);
        }
    }
}
