//! Rows of `given.jsonl` on cookies, through the client's jar.

use std::path::PathBuf;
use std::time::SystemTime;

use http::Uri;
use treq::cookies::{SessionCookies, Store, StoreContext};
use treq::{Client, Cookie, Jar, Kind};
use treq_blackbox::Case;

use crate::given::{given, row};

fn text<'a>(row: &'a Case, key: &str) -> &'a str {
    given(row, key).as_str().unwrap()
}

/// As the client reads it.
fn url(text: &str) -> Uri {
    Client::new().get(text).build().unwrap().uri().clone()
}

/// What the jar sends where the row's request goes, as the row has it.
fn check_sent(row: &Case, jar: &Jar) {
    let to = url(row.get("client_call").unwrap()["send_to"].as_str().unwrap());
    let sent = jar.cookie_field(&StoreContext::new(&to, SystemTime::now()));
    let sent = sent.as_ref().map(|field| field.to_str().unwrap());
    assert_eq!(sent, row.expect()["cookie"].as_str());
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn threat_ck_04_a_final_dot_makes_no_domain_of_a_public_suffix() {
    let row = row("CK-04");
    let jar = Jar::new();
    jar.set_cookie(text(&row, "set_cookie").as_bytes(), &url(text(&row, "from")));
    check_sent(&row, &jar);
}

#[test]
fn threat_ck_15_a_cookie_of_one_host_is_still_that_when_it_is_loaded() {
    let row = row("CK-15");
    let (jar, now, from) = (Jar::new(), SystemTime::now(), url(text(&row, "from")));
    assert!(jar.set_cookie(text(&row, "set_cookie").as_bytes(), &from));
    assert_eq!(text(&row, "then"), "save+load");
    let path = file("threat_ck_15.json");
    jar.save_file(&path, SessionCookies::Include).unwrap();
    let later = Jar::new();
    assert_eq!(later.load_file(&path).unwrap(), 1);
    check_sent(&row, &later);
    assert_eq!(later.cookie_field(&StoreContext::new(&from, now)).unwrap(), "s=1");
}

#[test]
fn threat_ck_16_a_file_that_is_no_jar_adds_nothing() {
    let row = row("CK-16");
    let saved = Jar::new();
    for name in ["a", "b"] {
        saved.set_cookie(format!("{name}=1").as_bytes(), &url("http://a.test/"));
    }
    let path = file("threat_ck_16.json");
    saved.save_file(&path, SessionCookies::Include).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for kind in text(&row, "file").split("; ") {
        let bytes = match kind {
            "line of 1 MiB" => vec![b'['; 1024 * 1024],
            "pickle header" => b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.".to_vec(),
            "truncated mid-line" => whole[..whole.len() * 3 / 4].to_vec(),
            // A matter of writing: what others could read before, they cannot read afterwards.
            "mode 0644" => {
                is_its_owners_alone_when_it_is_saved(&saved, &path);
                continue;
            }
            other => panic!("the test has no {other:?}"),
        };
        std::fs::write(&path, bytes).unwrap();
        let jar = Jar::new();
        assert_eq!(row.expect()["outcome"], "error");
        assert_eq!(jar.load_file(&path).unwrap_err().kind(), Kind::Builder, "{kind}");
        assert_eq!(row.expect()["cookies"], jar.len(), "{kind}");
    }
}

#[cfg(unix)]
fn is_its_owners_alone_when_it_is_saved(jar: &Jar, path: &std::path::Path) {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    jar.save_file(path, SessionCookies::Include).unwrap();
    assert_eq!(metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn is_its_owners_alone_when_it_is_saved(_: &Jar, _: &std::path::Path) {}

#[test]
fn threat_ck_21_an_unknown_same_site_is_none() {
    let row = row("CK-21");
    let cookie = Cookie::parse(text(&row, "set_cookie").as_bytes(), &url("https://a.test/"));
    assert_eq!(cookie.unwrap().same_site().map(treq::cookies::SameSite::as_str), row.expect()["same_site"].as_str());
}
