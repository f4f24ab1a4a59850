//! The suites that need neither sockets nor time are played with every test run; all of them by `cargo xtask
//! conformance`.
#![allow(missing_docs)]

use std::path::Path;

use treq_conformance::{Outcome, SUITES};

#[test]
fn redirects() {
    // Listed: one default port written out.
    play("redirects", &[("behaviour", 118, 0), ("security", 51, 1)]);
}

#[test]
fn cookies_http_state() {
    // Listed: two cookies without names.
    play("cookies-http-state", &[("dates", 35, 0), ("parser", 111, 2)]);
}

#[test]
fn cookies_6265bis() {
    play("cookies-6265bis", &[("cases", 176, 0)]);
}

#[test]
fn public_suffixes() {
    play("public-suffix", &[("psl", 38, 0)]);
}

#[test]
fn multipart() {
    play("multipart", &[("wpt-encode", 37, 0)]);
}

#[test]
fn url_query() {
    // Listed: charsets of documents, line ends of text fields, a user name that Basic cannot send.
    play("url-query", &[("percent-encoding", 3, 3), ("urlencoded", 101, 1), ("userinfo", 5, 1)]);
}

#[test]
fn outgoing_headers() {
    // Listed: control characters, which Fetch lets through.
    play("outgoing-headers", &[("wpt", 205, 53)]);
}

#[test]
fn auth() {
    play("auth", &[("basic-digest", 53, 0), ("www-authenticate", 22, 0)]);
}

#[test]
fn netrc() {
    play("netrc", &[("netrc", 44, 0)]);
}

#[test]
fn proxy_env() {
    // Listed: faults that are errors at once, and what a leading dot means.
    play("proxy-env", &[("curl-noproxy", 39, 0), ("proxy-env", 59, 5)]);
}

#[test]
fn content_disposition() {
    play("content-disposition", &[("content-disposition", 86, 0)]);
}

#[test]
fn http_dates() {
    // Listed: what curl guesses.
    play("http-dates", &[("dates", 105, 60)]);
}

/// Each file with its rows and how many of them are listed: one more is a change that wants to be seen.
fn play(suite: &str, files: &[(&str, usize, usize)]) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let played = SUITES.iter().find(|known| known.name == suite).unwrap().run(&data).unwrap();
    let mut seen = Vec::new();
    for file in &played {
        let failed: Vec<_> = file.rows.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let listed = file.rows.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Listed(_))).count();
        seen.push((&*file.file, file.rows.len(), listed));
    }
    assert_eq!(seen, files);
}
