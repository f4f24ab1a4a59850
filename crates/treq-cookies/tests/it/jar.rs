use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use treq_cookies::{Cookie, Jar, SameSite, SessionCookies, Store, StoreContext};
use treq_core::Kind;

use crate::support::{at, sent, sent_at, set, url};

#[test]
fn longest_path_first_then_oldest() {
    let jar = Jar::new();
    set(&jar, "http://a.test/x/y/z", &["a=1; Path=/", "b=1; Path=/x/y", "c=1; Path=/x", "d=1; Path=/", "e=1"]);
    // The place of a cookie that is replaced stays.
    set(&jar, "http://a.test/", &["a=2; Path=/"]);
    assert_eq!(sent(&jar, "http://a.test/x/y/z").as_deref(), Some("b=1; e=1; c=1; a=2; d=1"));
}

#[test]
fn identity_is_name_domain_path_and_host_only() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["n=1", "n=2; Domain=a.test", "n=3; Path=/x", "N=4"]);
    assert_eq!(jar.len(), 4);
    jar.set_cookie_at(b"n=5; Domain=.A.test", &url("http://a.test/"), at(5));
    let found: Vec<_> = jar.search("a.test", "n").iter().map(|cookie| cookie.value().to_vec()).collect();
    assert_eq!(found, [&b"1"[..], b"5", b"3"]);
    assert!(jar.iter().all(|cookie| cookie.created() == Some(at(0))));
}

#[test]
fn cookies_end_when_they_said() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["a=1; Max-Age=10", "b=1; Expires=Thu, 01 Jan 2026 00:00:20 GMT", "c=1"]);
    assert_eq!(sent_at(&jar, "http://a.test/", at(9)).as_deref(), Some("a=1; b=1; c=1"));
    assert_eq!(sent_at(&jar, "http://a.test/", at(10)).as_deref(), Some("b=1; c=1"));
    assert_eq!(jar.len(), 2);
    assert_eq!(sent_at(&jar, "http://a.test/", at(500_000_000)).as_deref(), Some("c=1"));
    set(&jar, "http://a.test/", &["c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
    assert!(jar.is_empty());
}

#[test]
fn is_a_handle_and_a_snapshot_is_not() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["a=1", "b=2; Max-Age=10"]);
    let (handle, snapshot) = (jar.clone(), jar.snapshot());
    set(&jar, "http://a.test/", &["a=3"]);
    assert_eq!(handle.get("a").unwrap().unwrap().value_str(), Some("3"));
    assert_eq!(snapshot.get("a").unwrap().unwrap().value_str(), Some("1"));
    jar.clear();
    assert!(handle.is_empty());
    assert_eq!(snapshot.len(), 2);
}

#[test]
fn is_asked_by_name_and_by_domain() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["sid=1", "theme=dark"]);
    set(&jar, "http://b.test/", &["sid=2"]);
    assert_eq!(jar.get("theme").unwrap().unwrap().value(), b"dark");
    assert_eq!(jar.get("none").unwrap(), None);
    let collision = jar.get("sid").unwrap_err();
    assert_eq!(collision.count(), 2);
    assert_eq!(collision.to_string(), "2 cookies have the name \"sid\": search by domain");
    assert_eq!(jar.search("a.test", None).len(), 2);
    let found = jar.search("B.test", "sid").remove(0);
    assert_eq!(jar.remove(&found), Some(found.clone()));
    assert_eq!((jar.remove(&found), jar.remove(&found)), (None, None));
    assert_eq!((&jar).into_iter().count(), 2);
}

#[test]
fn values_need_not_be_text() {
    let jar = Jar::new();
    jar.set_cookie_at(b"n\xff=v\xfe", &url("http://a.test/"), at(0));
    jar.set_cookie_at(b"ok=1", &url("http://a.test/"), at(0));
    let cookie = &jar.cookies_for_at(&url("http://a.test/"), at(0))[0];
    assert_eq!((cookie.name(), cookie.name_str(), cookie.value_str()), (&b"n\xff"[..], None, None));
    assert_eq!(
        jar.cookie_field(&StoreContext::new(&url("http://a.test/"), at(0))).unwrap().as_bytes(),
        b"n\xff=v\xfe; ok=1"
    );
}

#[test]
fn nothing_shows_a_value() {
    let jar = Jar::new();
    set(&jar, "https://a.test/", &["sid=s3cret"]);
    let builder = Cookie::builder("https://a.test/", "sid", "s3cret");
    let error = Cookie::builder("https://a.test/", "sid", "s3cret;").build().unwrap_err();
    let shown = format!("{jar:?} {:?} {builder:?} {error:?} {error}", jar.get("sid"));
    assert!(shown.contains("sid") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_builder_makes_what_a_server_could_set() {
    let from = url("https://www.a.test/deep/down");
    let plain = Cookie::builder(&from, "n", "v").build().unwrap();
    assert_eq!((plain.domain(), plain.path(), plain.host_only()), ("www.a.test", "/", true));
    assert!(plain.secure() && !plain.http_only() && plain.expires().is_none());
    assert!(!Cookie::builder("http://a.test/", "n", "v").build().unwrap().secure());
    let full = Cookie::builder(&from, "n", "v")
        .domain(".A.test")
        .path("/p")
        .secure(false)
        .http_only(true)
        .same_site(SameSite::Lax)
        .expires(at(10))
        .created(at(1))
        .build()
        .unwrap();
    assert_eq!((full.domain(), full.path(), full.host_only()), ("a.test", "/p", false));
    assert_eq!((full.expires(), full.created(), full.same_site()), (Some(at(10)), Some(at(1)), Some(SameSite::Lax)));
    let jar = Jar::new();
    jar.insert_at(full.clone(), at(2));
    jar.insert_at(plain, at(2));
    assert_eq!(jar.search("www.a.test", None)[0].created(), Some(at(2)));
    jar.remove(&jar.search("www.a.test", None)[0]);
    assert_eq!(sent(&jar, "http://b.a.test/p").as_deref(), Some("n=v"));
    jar.insert_at(full, at(10));
    assert!(jar.is_empty());
}

#[test]
fn a_builder_names_what_it_refuses() {
    let from = url("https://www.a.test/");
    for (name, value) in [
        ("", "v"),
        ("a=b", "v"),
        ("a;b", "v"),
        ("a\r\nb", "v"),
        (" a", "v"),
        ("a", "v;x"),
        ("a", "v\r\nSet: 1"),
        ("a", "\0"),
        ("a", "v "),
        ("a", "\tv"),
        ("__Secure-a", "v"),
        ("__host-a", "v"),
    ] {
        let error = Cookie::builder(&from, name, value).secure(false).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{name:?}={value:?}");
    }
    let long = "v".repeat(4096);
    assert!(Cookie::builder(&from, "n", &long).build().is_err());
    assert!(Cookie::builder(&from, "n", &long[1..]).build().is_ok());
    for domain in ["test", "b.test", "below.www.a.test", "a.test.", "\u{fe}\u{ff}/x"] {
        let error = Cookie::builder(&from, "n", "v").domain(domain).build().unwrap_err();
        assert!(error.to_string().contains("is not a domain"), "{error}");
    }
    for path in ["", "x", "/a;b", "/\n"] {
        assert!(Cookie::builder(&from, "n", "v").path(path).build().is_err(), "{path:?}");
    }
    assert!(Cookie::builder(&from, "n", "v").same_site(SameSite::None).secure(false).build().is_err());
    assert!(Cookie::builder("/relative", "n", "v").build().is_err());
}

#[test]
fn same_site_is_read_in_any_case_and_shown_as_in_the_attribute() {
    for (text, same_site) in [("Strict", SameSite::Strict), ("lax", SameSite::Lax), ("NONE", SameSite::None)] {
        assert_eq!(text.parse::<SameSite>().unwrap(), same_site);
        assert_eq!(same_site.to_string(), same_site.as_str());
    }
    let error = "some".parse::<SameSite>().unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    assert_eq!(error.to_string(), "invalid SameSite \"some\": only Strict, Lax and None are allowed");
}

#[test]
fn equal_cookies_are_one_in_a_set() {
    let made = |value| Cookie::builder("https://a.test/", "n", value).build().unwrap();
    assert_eq!(std::collections::HashSet::from([made("1"), made("1"), made("2")]).len(), 2);
}

#[test]
fn a_builder_takes_a_url_as_text_or_uri() {
    let uri = url("https://shop.test/");
    let made = |builder: treq_cookies::CookieBuilder| builder.build().unwrap();
    let cookies = [
        made(Cookie::builder("https://shop.test/", "n", "v")),
        made(Cookie::builder("https://shop.test".to_owned(), "n", "v")),
        made(Cookie::builder(&uri, "n", "v")),
        made(Cookie::builder(uri, "n", "v")),
    ];
    assert!(cookies.iter().all(|cookie| *cookie == cookies[0] && cookie.domain() == "shop.test" && cookie.secure()));
    let error = Cookie::builder("https://shop .test/s3cret", "sid", "v").build().unwrap_err();
    assert_eq!(error.kind(), Kind::Builder);
    let text = error.to_string();
    assert!(text.starts_with("invalid URL of the cookie \"sid\": ") && !text.contains("s3cret"), "{text}");
    let error = Cookie::builder("ftp://shop.test/", "sid", "v").build().unwrap_err();
    assert!(error.to_string().contains("absolute URL of http or https"), "{error}");
}

#[test]
fn methods_without_a_time_read_the_systems_clock() {
    let (jar, from) = (Jar::new(), url("https://a.test/"));
    let before = SystemTime::now();
    assert!(jar.set_cookie(b"a=1; Max-Age=3600", &from));
    jar.insert(Cookie::builder(&from, "b", "2").build().unwrap());
    let ended = || jar.set_cookie_at(b"old=1; Max-Age=1", &from, at(0));
    assert!(ended() && jar.get("old").unwrap().unwrap().is_expired());
    let names: Vec<_> = jar.cookies_for(&from).iter().map(|cookie| cookie.name().to_vec()).collect();
    assert_eq!(names, [b"a", b"b"]);
    for name in ["a", "b"] {
        let cookie = jar.get(name).unwrap().unwrap();
        assert!(cookie.created().is_some_and(|at| (before..=SystemTime::now()).contains(&at)), "{cookie:?}");
        assert!(!cookie.is_expired());
    }
    assert!(!Cookie::parse(b"a=1; Max-Age=3600", &from).unwrap().is_expired());
    assert!(ended());
    let mut saved = Vec::new();
    jar.save_json(&mut saved, SessionCookies::Include).unwrap();
    assert_eq!(Jar::new().load_json(&saved[..]).unwrap(), 2);
    assert_eq!(jar.len(), 3);
    jar.remove_expired();
    assert_eq!(jar.len(), 2);
}

#[test]
fn an_iterator_holds_no_lock_and_knows_its_length() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["a=1", "b=2", "c=3"]);
    let cookies = jar.iter();
    assert_eq!(cookies.len(), 3);
    for cookie in cookies.rev() {
        jar.remove(&cookie);
    }
    assert!(jar.is_empty());
}

#[test]
fn serves_many_threads() {
    let jar = Jar::new();
    let start = Arc::new(std::sync::Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (jar, start) = (jar.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let own = url(&format!("http://t{thread}.test/"));
                let shared = url("http://shared.test/");
                for round in 0..2000 {
                    let now = at(round);
                    jar.set_cookie_at(format!("own={round}").as_bytes(), &own, now);
                    jar.set_cookie_at(format!("c{}={round}; Max-Age=5", round % 300).as_bytes(), &shared, now);
                    // Nobody else writes it.
                    assert_eq!(
                        jar.cookie_field(&StoreContext::new(&own, now)).unwrap(),
                        format!("own={round}").as_str()
                    );
                    let _ = jar.cookie_field(&StoreContext::new(&shared, now));
                    if round % 500 == 0 {
                        assert!(jar.iter().count() <= 3000);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(jar.iter().count(), jar.len());
    jar.remove_expired_at(at(0) + Duration::from_secs(1_000_000));
    assert_eq!(jar.len(), 8);
}
