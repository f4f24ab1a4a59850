//! `Set-Cookie`, with its dates.

use http::{HeaderValue, Uri};
use treq_cookies::{Cookie, Jar, SessionCookies};

use super::{lines, now, with_secret};
use crate::oracle::shows_nothing;

const URLS: [&str; 4] =
    ["https://www.a.co.uk/b/c", "http://localhost:8080/", "http://127.0.0.1/x", "https://xn--bcher-kva.test/"];

/// Each line is a field's value, and a date.
pub(super) fn run(input: &[u8]) {
    let urls = URLS.map(|url| url.parse::<Uri>().expect("a URL"));
    let jar = Jar::new();
    for line in input.split(|byte| *byte == b'\n') {
        for url in &urls {
            let _ = Cookie::parse_at(&[b"a=1; Expires=", line].concat(), url, now());
            jar.set_cookie_at(line, url, now());
            if let Some(cookie) = Cookie::parse_at(line, url, now()) {
                // Its length is limited by RFC 6265bis, section 5.7; a year and 35 days is the longest that one lives.
                assert!(cookie.name().len() + cookie.value().len() <= 4096, "{line:?}");
                let lives = cookie.expires().and_then(|end| end.duration_since(now()).ok()).unwrap_or_default();
                assert!(lives.as_secs() <= 400 * 24 * 3600, "{line:?} lives for {lives:?}");
                assert!(HeaderValue::from_bytes(cookie.value()).is_ok(), "{line:?}");
            }
        }
    }
    for url in &urls {
        for cookie in jar.cookies_for_at(url, now()) {
            assert!(!cookie.is_expired_at(now()));
            assert!(!cookie.secure() || url.scheme_str() == Some("https") || url.host() == Some("localhost"));
        }
    }
    // What is kept is the same once it has been written and read.
    let written = json(&jar);
    let read = Jar::new();
    read.load_json_at(&*written, now()).expect("what is written can be read");
    assert_eq!(String::from_utf8_lossy(&json(&read)), String::from_utf8_lossy(&written));
    let [name, attributes] = lines::<2>(input);
    let field = [name, with_secret("=", "; ").as_bytes(), attributes].concat();
    for url in &urls {
        if let Some(cookie) = Cookie::parse_at(&field, url, now()) {
            if !name.contains(&b'=') && !name.contains(&b';') {
                shows_nothing(&cookie);
            }
        }
    }
}

fn json(jar: &Jar) -> Vec<u8> {
    let mut written = Vec::new();
    jar.save_json_at(&mut written, SessionCookies::Include, now()).expect("it is written");
    written
}
