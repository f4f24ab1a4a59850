//! What has gone wrong in other clients.

use std::time::{Duration, Instant};

use treq_cookies::{Cookie, Jar, SessionCookies, Store, StoreContext};
use treq_testing::Random;

use crate::support::{after, at, headers, sent, set, url};

#[test]
fn threat_ck_02_03_a_public_suffix_is_no_domain() {
    for (field, from, to) in [
        ("s=1; Domain=co.uk", "http://one.co.uk/", "http://two.co.uk/"),
        ("s=1; Domain=.co.uk", "http://one.co.uk/", "http://two.co.uk/"),
        ("s=1; Domain=CO.uK", "http://one.co.uk/", "http://two.co.uk/"),
        ("s=1; Domain=co.uk", "http://ONE.CO.UK/", "http://two.co.uk/"),
        ("s=1; Domain=com", "http://one.com/", "http://two.com/"),
        ("s=1; Domain=github.io", "http://one.github.io/", "http://two.github.io/"),
        ("s=1; Domain=unlisted", "http://one.unlisted/", "http://two.unlisted/"),
        // Above the registrable domain, though it is no suffix of the list.
        ("s=1; Domain=kobe.jp", "http://b.c.kobe.jp/", "http://kobe.jp/"),
        ("s=1; Domain=xn--fiqs8s", "http://one.xn--fiqs8s/", "http://two.xn--fiqs8s/"),
        ("s=1; Domain=中国", "http://one.xn--fiqs8s/", "http://two.xn--fiqs8s/"),
    ] {
        assert_eq!(after(field, from, to), None, "{field}");
        assert_eq!(after(field, from, from), None, "{field}");
    }
}

#[test]
fn threat_ck_02_a_host_that_is_a_suffix_keeps_its_cookie_to_itself() {
    for host in ["github.io", "co.uk", "co.uk.", "localhost", "unlisted"] {
        let (field, from) = (format!("s=1; Domain={host}"), format!("http://{host}/"));
        assert_eq!(after(&field, &from, &from).as_deref(), Some("s=1"), "{host}");
        assert_eq!(after(&field, &from, &format!("http://one.{host}/")), None, "{host}");
    }
}

#[test]
fn threat_ck_04_a_trailing_dot_passes_no_list_and_is_another_host() {
    for (field, from, to) in [
        ("s=1; Domain=co.uk.", "http://one.co.uk./", "http://two.co.uk./"),
        ("s=1; Domain=co.uk", "http://one.co.uk./", "http://two.co.uk./"),
        ("s=1; Domain=co.uk.", "http://one.co.uk/", "http://two.co.uk/"),
        ("s=1; Domain=.co.uk.", "http://one.co.uk./", "http://two.co.uk./"),
        ("s=1; Domain=a.test.", "http://a.test/", "http://a.test/"),
        ("s=1; Domain=a.test", "http://a.test./", "http://a.test./"),
        ("s=1", "http://a.test./", "http://a.test/"),
    ] {
        assert_eq!(after(field, from, to), None, "{field} from {from} to {to}");
    }
    let within = after("s=1; Domain=example.co.uk.", "http://a.example.co.uk./", "http://b.example.co.uk./");
    assert_eq!(within.as_deref(), Some("s=1"));
}

#[test]
fn threat_ck_05_domains_match_at_a_dot() {
    assert_eq!(after("s=1; Domain=ample.test", "http://ample.test/", "http://example.test/"), None);
    assert_eq!(after("s=1; Domain=ample.test", "http://example.test/", "http://ample.test/"), None);
}

#[test]
fn threat_ck_06_an_address_has_no_domain() {
    for domain in ["0.1", "0.0.1", "1", ".1", "127"] {
        let field = format!("s=1; Domain={domain}");
        assert_eq!(after(&field, "http://127.0.0.1/", "http://127.5.0.1/"), None);
        assert_eq!(after(&field, "http://127.0.0.1/", "http://127.0.0.1/"), None);
    }
    for host in ["127.0.0.1", "[::1]"] {
        let from = format!("http://{host}/");
        assert_eq!(after("s=1", &from, &from).as_deref(), Some("s=1"));
        assert_eq!(after(&format!("s=1; Domain={host}"), &from, &from).as_deref(), Some("s=1"));
    }
}

#[test]
fn threat_ck_07_secure_cookies_neither_come_nor_go_in_clear() {
    assert_eq!(after("s=1; Secure", "http://a.test/", "https://a.test/"), None);
    assert_eq!(after("s=1; Secure", "https://a.test/", "http://a.test/"), None);
    assert_eq!(after("s=1; secure=0", "https://a.test/", "https://a.test/").as_deref(), Some("s=1"));
    assert_eq!(after("s=1", "https://a.test/", "http://a.test/").as_deref(), Some("s=1"));
}

#[test]
fn threat_ck_08_secure_cookies_are_left_alone() {
    for evil in ["s=evil; Path=/", "s=evil; Path=/; Domain=a.test", "s=evil; Path=/x", "s=; Path=/; Max-Age=0"] {
        let jar = Jar::new();
        set(&jar, "https://www.a.test/", &["s=good; Secure; Path=/; Domain=a.test"]);
        set(&jar, "http://www.a.test/", &[evil]);
        set(&jar, "http://a.test/", &[evil]);
        assert_eq!(sent(&jar, "https://www.a.test/x").as_deref(), Some("s=good"), "{evil}");
        assert_eq!(jar.len(), 1);
    }
    let jar = Jar::new();
    set(&jar, "https://a.test/", &["s=good; Secure; Path=/login"]);
    // It hides nothing there, is another one, or comes from a place as good.
    set(&jar, "http://a.test/", &["s=other; Path=/", "t=other"]);
    set(&jar, "https://a.test/", &["s=better; Path=/login"]);
    assert_eq!(sent(&jar, "https://a.test/login").as_deref(), Some("s=better; s=other; t=other"));
}

#[test]
fn threat_ck_09_20_prefixes_hold_what_they_promise() {
    let from = "https://a.test/";
    for refused in [
        "__Host-s=1; Path=/",
        "__Host-s=1; Secure",
        "__Host-s=1; Secure; Path=/x",
        "__Host-s=1; Secure; Path=/; Domain=a.test",
        "__hOSt-s=1; Secure",
        "__Secure-s=1",
        "__secure-s=1; Path=/",
        "=__Host-s=evil",
        "__Host-s",
        "=__sEcure-s=1; Secure; Path=/",
    ] {
        assert_eq!(after(refused, from, from), None, "{refused}");
    }
    for taken in ["__Host-s=1; Secure; Path=/", "__Secure-s=1; Secure; Domain=a.test"] {
        assert!(after(taken, from, from).is_some(), "{taken}");
        assert_eq!(after(taken, "http://a.test/", from), None, "{taken}");
    }
}

#[test]
fn threat_ck_10_a_flood_leaves_requests_that_servers_take() {
    let value = "v".repeat(200);
    let fields: Vec<String> = (0..10_000).map(|at| format!("c{at}={value}; Max-Age=60")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let jar = Jar::new();
    for (step, chunk) in fields.chunks(1000).enumerate() {
        set(&jar, "http://a.test/", chunk);
        assert!(jar.len() <= 180 && jar.len() <= 50 * (step + 1));
        assert!(sent(&jar, "http://a.test/").unwrap().len() <= 8182);
    }
    set(&jar, "http://a.test/", &fields);
    assert_eq!(jar.len(), 180);
}

#[test]
fn threat_ck_11_12_too_long_or_with_control_bytes_is_ignored() {
    let jar = Jar::new();
    let long = format!("s={}", "v".repeat(4096));
    set(&jar, "http://a.test/", &[&long, "b=2"]);
    assert_eq!(sent(&jar, "http://a.test/").as_deref(), Some("b=2"));
    for byte in (0..=0xff).filter(|byte| *byte != b';') {
        let refused = matches!(byte, 0..=8 | 10..=31 | 127);
        for field in [[b"s=a".as_slice(), &[byte], b"b"].concat(), [b"s=a; x=".as_slice(), &[byte], b"b"].concat()] {
            assert_eq!(Cookie::parse_at(&field, &url("http://a.test/"), at(0)).is_none(), refused, "{byte}");
        }
    }
}

#[test]
fn threat_ck_13_a_life_beyond_all_measure_is_400_days() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["s=1; Max-Age=18446744073709551615", "t=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"]);
    for cookie in &jar {
        assert_eq!(cookie.expires(), Some(at(400 * 86_400)));
    }
}

#[test]
fn threat_ck_14_long_fields_are_read_in_one_pass() {
    let began = Instant::now();
    let (from, many) = (url("http://a.test/"), 1 << 18);
    for filler in ["(", ";", "=", " ", ":", "1", "9 ", "a;", "\u{e9}", "01-Jan-2020 "] {
        for head in ["s=1; Expires=", "s=1; Domain=", "s=1; Path=/", "s=1; Max-Age=", "s=1; ", "", "s="] {
            let field = format!("{head}{}", filler.repeat(many / filler.len()));
            let _ = Cookie::parse_at(field.as_bytes(), &from, at(0));
        }
    }
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn threat_ck_15_a_file_keeps_who_a_cookie_is_for() {
    let jar = Jar::new();
    set(&jar, "http://a.test/", &["s=1"]);
    let mut file = Vec::new();
    jar.save_json_at(&mut file, SessionCookies::Include, at(0)).unwrap();
    let read = Jar::new();
    assert_eq!(read.load_json_at(&file[..], at(0)).unwrap(), 1);
    assert_eq!(sent(&read, "http://a.test/").as_deref(), Some("s=1"));
    assert_eq!(sent(&read, "http://b.a.test/"), None);
}

#[test]
fn threat_ck_16_what_is_no_file_of_cookies_changes_nothing() {
    let whole = {
        let jar = Jar::new();
        set(&jar, "http://a.test/", &["good=1; Max-Age=60", "s3cret=s3cret; Max-Age=60"]);
        let mut file = Vec::new();
        jar.save_json_at(&mut file, SessionCookies::Skip, at(0)).unwrap();
        file
    };
    let line = format!("[{}]", " ".repeat(1 << 20));
    let long = String::from_utf8(whole.clone()).unwrap().replace("s3cret=", &format!("s={}", "x".repeat(1 << 20)));
    let mut bad: Vec<Vec<u8>> = vec![
        line.into_bytes(),
        long.into_bytes(),
        b"\x80\x04\x95\x1b\x00\x00\x00\x00".to_vec(),
        b"(dp0\nS'cookies'\n".to_vec(),
        b"# Netscape HTTP Cookie File\n".to_vec(),
        b"".to_vec(),
        b"[1]".to_vec(),
        b"[{}]".to_vec(),
        "[".repeat(60_000).into_bytes(),
        [&whole[..], b"x"].concat(),
    ];
    // Cut off anywhere but within the blanks at its end.
    bad.extend((1..whole.trim_ascii_end().len()).map(|length| whole[..length].to_vec()));
    let jar = Jar::new();
    set(&jar, "http://b.test/", &["kept=1"]);
    for file in bad {
        let error = jar.load_json_at(&file[..], at(0)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        assert_eq!(jar.len(), 1, "{error}");
    }
    assert_eq!(jar.load_json_at(&whole[..], at(0)).unwrap(), 2);
}

#[test]
fn threat_ck_19_paths_match_at_a_slash() {
    for (path, expected) in [("/foo", true), ("/foo/x", true), ("/foobar", false), ("/fo", false), ("/FOO", false)] {
        let found = after("s=1; Path=/foo", "http://a.test/", &format!("http://a.test{path}"));
        assert_eq!(found.is_some(), expected, "{path}");
    }
}

#[test]
fn threat_ck_21_unknown_values_are_none() {
    for value in ["NoneOfYourBusiness", "Strict2", "xLax", "", "None,Lax"] {
        let field = format!("s=1; SameSite={value}");
        let cookie = Cookie::parse_at(field.as_bytes(), &url("https://a.test/"), at(0)).unwrap();
        assert_eq!(cookie.same_site(), None, "{value}");
    }
}

/// What any bytes do: no panic, and what is sent can be sent.
#[test]
fn random_bytes_are_read() {
    let mut numbers = Random::new(0);
    let mut random = move |below: usize| numbers.below(below);
    let words: [&[u8]; 20] = [
        b"=",
        b";",
        b" ",
        b"\t",
        b"a",
        b"__Host-",
        b"Secure",
        b"Path",
        b"/",
        b"Domain",
        b"a.test",
        b".",
        b"Max-Age",
        b"-1",
        b"99999999999999999999",
        b"Expires",
        b"1 Jan 2027 0:0:0",
        b"SameSite",
        b"\xff",
        "é".as_bytes(),
    ];
    let jar = Jar::new();
    let from = url("https://www.a.test/a/b");
    for _ in 0..10_000 {
        let mut field: Vec<u8> = (0..random(12)).flat_map(|_| words[random(words.len())].to_vec()).collect();
        if random(4) == 0 {
            field.push(u8::try_from(random(256)).unwrap());
        }
        jar.set_cookie_at(&field, &from, at(0));
        let _ = Cookie::parse_at(&[b"a=1; Expires=", &field[..]].concat(), &from, at(0));
        let _ = jar.load_json_at(&field[..], at(0));
        if let Some(sent) = jar.cookie_field(&StoreContext::new(&from, at(0))) {
            assert!(sent.as_bytes().len() <= 8182);
        }
    }
    assert!(!jar.is_empty() && jar.len() <= 180);
}

#[test]
fn a_response_of_another_scheme_has_no_cookies() {
    let jar = Jar::new();
    for from in ["ftp://a.test/", "/relative", "*"] {
        jar.set_cookies(&StoreContext::new(&from.parse().unwrap(), at(0)), &headers(&["a=1"]));
        assert!(jar.cookie_field(&StoreContext::new(&from.parse().unwrap(), at(0))).is_none());
    }
    assert!(jar.is_empty());
}
