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
    // Listed: other schemes, labels that decode to nothing, charsets of documents, line ends of text fields, a user name
    // that Basic cannot send.
    let files = [
        ("idna-test-v2", 1335, 2),
        ("percent-encoding", 3, 3),
        ("toascii", 43, 0),
        ("urlencoded", 101, 1),
        ("urltestdata", 445, 179),
        ("userinfo", 5, 1),
    ];
    play("url-query", &files);
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
fn mime() {
    // Listed: a charset in single quotes.
    let files = [
        ("content-type-combined", 10, 0),
        ("generated-mime-types", 440, 0),
        ("mime-types", 37, 1),
        ("text-decoding", 62, 0),
    ];
    play("mime", &files);
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
    let rows = played.iter().flat_map(|file| &file.rows);
    let failed: Vec<_> = rows.filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let listed =
        |rows: &[(String, Outcome)]| rows.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Listed(_))).count();
    let seen: Vec<_> = played.iter().map(|file| (&*file.file, file.rows.len(), listed(&file.rows))).collect();
    assert_eq!(seen, files);
}
