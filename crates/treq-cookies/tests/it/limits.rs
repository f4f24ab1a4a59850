use std::time::Instant;

use treq_cookies::{Jar, Limits, Store, StoreContext};

use crate::support::{at, sent, sent_at, set, url};

fn names(jar: &Jar) -> Vec<String> {
    jar.iter().map(|cookie| cookie.name_str().unwrap().to_owned()).collect()
}

#[test]
fn of_a_site_expired_ones_go_first_then_those_not_secure_then_the_longest_unused() {
    let jar = Jar::with_limits(Limits::new().per_site(4));
    set(&jar, "https://a.test/", &["safe=1; Secure", "short=1; Max-Age=10", "x=1; Path=/x", "y=1; Path=/y"]);
    jar.set_cookie_at(b"z=1; Path=/z", &url("https://b.a.test/"), at(20));
    assert_eq!(names(&jar), ["safe", "x", "y", "z"]);
    assert!(sent_at(&jar, "https://a.test/x", at(20)).is_some());
    jar.set_cookie_at(b"w=1; Path=/w", &url("https://a.test/"), at(20));
    assert_eq!(names(&jar), ["safe", "x", "z", "w"]);
    // Where all are Secure, they go too; one that is not goes before them.
    for (field, left) in [
        ("s2=1; Secure", ["safe", "x", "w", "s2"]),
        ("s3=1; Secure", ["safe", "w", "s2", "s3"]),
        ("s4=1; Secure", ["safe", "s2", "s3", "s4"]),
        ("s5=1; Secure", ["s2", "s3", "s4", "s5"]),
        ("plain=1", ["s2", "s3", "s4", "s5"]),
    ] {
        jar.set_cookie_at(field.as_bytes(), &url("https://a.test/"), at(20));
        assert_eq!(names(&jar), left, "{field}");
    }
}

#[test]
fn in_all_expired_ones_go_first_then_the_longest_unused() {
    let jar = Jar::with_limits(Limits::new().total(3));
    set(&jar, "http://a.test/", &["a=1"]);
    set(&jar, "http://b.test/", &["b=1; Max-Age=10"]);
    set(&jar, "http://c.test/", &["c=1; Max-Age=5000"]);
    assert!(sent(&jar, "http://a.test/").is_some());
    jar.set_cookie_at(b"d=1", &url("http://d.test/"), at(10));
    assert_eq!(names(&jar), ["a", "c", "d"]);
    assert!(sent_at(&jar, "http://a.test/", at(10)).is_some());
    jar.set_cookie_at(b"e=1", &url("http://e.test/"), at(10));
    assert_eq!(names(&jar), ["a", "d", "e"]);
    jar.set_cookie_at(b"f=1", &url("http://f.test/"), at(10));
    assert_eq!(names(&jar), ["a", "e", "f"]);
    // Replaced is used.
    jar.set_cookie_at(b"a=2", &url("http://a.test/"), at(10));
    jar.set_cookie_at(b"g=1", &url("http://g.test/"), at(10));
    assert_eq!(names(&jar), ["a", "f", "g"]);
}

#[test]
fn limits_hold_whatever_happens() {
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let jar = Jar::with_limits(Limits::new().per_site(5).total(40));
    for second in 0..20_000 {
        let from = url(&format!("http://s{}.test/", random(20)));
        let life = random(300);
        let field = format!("c{}=1; Max-Age={life}", random(9));
        jar.set_cookie_at(field.as_bytes(), &from, at(second));
        if random(3) == 0 {
            let sent = jar.cookies_for_at(&from, at(second));
            assert!(sent.len() <= 5 && sent.iter().all(|cookie| !cookie.is_expired_at(at(second))));
        }
        assert!(jar.len() <= 40);
        assert_eq!(jar.iter().count(), jar.len());
    }
    jar.remove_expired_at(at(30_000));
    assert!(jar.is_empty());
}

/// Beside the simplest code that does the same.
#[test]
fn what_is_given_up_in_all_is_what_a_walk_would_find() {
    struct Plain {
        site: u64,
        ends: u64,
        used: u64,
    }

    let mut state = 11_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let jar = Jar::with_limits(Limits::new().total(20));
    let mut plain: Vec<Plain> = Vec::new();
    for step in 1..5000 {
        let (site, now) = (random(40), step / 4);
        let at_site = url(&format!("http://s{site}.test/"));
        if random(2) == 0 {
            let found = plain.iter_mut().find(|cookie| cookie.site == site && cookie.ends > now);
            assert_eq!(jar.cookie_field(&StoreContext::new(&at_site, at(now))).is_some(), found.is_some());
            if let Some(cookie) = found {
                cookie.used = step;
            }
            plain.retain(|cookie| cookie.site != site || cookie.ends > now);
            continue;
        }
        let ends = now + 1 + random(200);
        jar.set_cookie_at(format!("c=1; Max-Age={}", ends - now).as_bytes(), &at_site, at(now));
        plain.retain(|cookie| cookie.site != site);
        plain.push(Plain { site, ends, used: step });
        while plain.len() > 20 {
            let gone = (0..plain.len())
                .filter(|&place| plain[place].ends <= now)
                .min_by_key(|&place| plain[place].ends)
                .or_else(|| (0..plain.len()).min_by_key(|&place| plain[place].used));
            plain.remove(gone.unwrap());
        }
        // Of those that end at once, either may go first.
        assert_eq!(jar.len(), plain.len());
        let live = |cookie: &&Plain| cookie.ends > now;
        let mut expected: Vec<_> = plain.iter().filter(live).map(|cookie| format!("s{}.test", cookie.site)).collect();
        let kept = jar.iter().filter(|cookie| !cookie.is_expired_at(at(now)));
        let mut found: Vec<_> = kept.map(|cookie| cookie.domain().to_owned()).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "step {step}");
    }
}

#[test]
fn the_field_has_a_limit() {
    let jar = Jar::with_limits(Limits::new().field(20));
    set(&jar, "http://a.test/", &["a=0123456789", "b=0123456789", "c=1", "d=12"]);
    assert_eq!(jar.cookie_field(&StoreContext::new(&url("http://a.test/"), at(0))).unwrap(), "a=0123456789; c=1");
    let none = Jar::with_limits(Limits::new().field(0));
    set(&none, "http://a.test/", &["a=1"]);
    assert!(none.cookie_field(&StoreContext::new(&url("http://a.test/"), at(0))).is_none());
}

#[test]
fn one_response_sets_so_many() {
    let jar = Jar::with_limits(Limits::new().per_response(2));
    set(&jar, "http://a.test/", &["x=1; Max-Age=0"; 3]);
    set(&jar, "http://a.test/", &["x=1; Domain=b.test", "y=1; Max-Age=0", "a=1", "b=1", "c=1"]);
    assert_eq!(names(&jar), ["a", "b"]);
    assert_eq!(Limits::default(), Limits::new());
}

#[test]
fn a_request_does_not_see_how_many_sites_there_are() {
    let limits = Limits::new().total(200_000).per_site(1000);
    let time = |sites: u32| {
        let jar = Jar::with_limits(limits);
        for site in 0..sites {
            for name in ["a", "b", "c"] {
                jar.set_cookie_at(format!("{name}={site}").as_bytes(), &url(&format!("http://s{site}.test/")), at(0));
            }
        }
        let to = url("http://s1.test/");
        // The best of many, since others use this machine.
        (0..20)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..500 {
                    assert!(jar.cookie_field(&StoreContext::new(&to, at(0))).is_some());
                }
                began.elapsed()
            })
            .min()
            .unwrap()
    };
    let (few, many) = (time(3), time(10_000));
    assert!(many < 3 * few, "{few:?} with 9 cookies, {many:?} with 30,000");
}
