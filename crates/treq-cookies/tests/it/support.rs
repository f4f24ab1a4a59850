use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Uri};
use treq_cookies::{Jar, Store, StoreContext};

/// 2026-01-01, plus so many seconds.
pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds)
}

pub(crate) fn url(text: &str) -> Uri {
    treq_core::uri::parse(text).unwrap().uri
}

/// The answer to `from` sets these.
pub(crate) fn set(jar: &Jar, from: &str, fields: &[&str]) {
    jar.set_cookies(&StoreContext::new(&url(from), at(0)), &headers(fields));
}

pub(crate) fn headers(fields: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append("set-cookie", HeaderValue::from_bytes(field.as_bytes()).unwrap());
    }
    headers
}

/// What a request takes along.
pub(crate) fn sent(jar: &Jar, to: &str) -> Option<String> {
    sent_at(jar, to, at(0))
}

pub(crate) fn sent_at(jar: &Jar, to: &str, now: SystemTime) -> Option<String> {
    let field = jar.cookie_field(&StoreContext::new(&url(to), now));
    let names = jar.cookies_for_at(&url(to), now);
    assert_eq!(field.is_none(), names.is_empty());
    field.map(|field| String::from_utf8_lossy(field.as_bytes()).into_owned())
}

/// What goes to `to` after the answer to `from` has set `field`, in a jar of its own.
pub(crate) fn after(field: &str, from: &str, to: &str) -> Option<String> {
    let jar = Jar::new();
    jar.set_cookie_at(field.as_bytes(), &url(from), at(0));
    sent(&jar, to)
}
