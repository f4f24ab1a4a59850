use std::collections::HashSet;

use treq_cookies::{Jar, SessionCookies};
use treq_core::Kind;

use crate::support::{at, sent, set, url};

/// One of every kind, and some that no text can hold.
fn jar() -> Jar {
    let jar = Jar::new();
    set(&jar, "http://a.test/x/y", &["s=1", "p=2; Max-Age=60; Path=/", "q=\"3 4\"; Domain=a.test; HttpOnly"]);
    let attributes = "Secure; SameSite=Lax; Max-Age=3600";
    set(&jar, "https://b.test/", &[&format!("__Host-t=5; Path=/; {attributes}"), "nameless; Max-Age=60", "u=é"]);
    set(&jar, "http://127.0.0.1/", &["ip=1; Max-Age=60", "e=; Domain=127.0.0.1"]);
    jar.set_cookie_at(b"b\xff=\xfe; Max-Age=60; HttpOnly", &url("http://b.test/"), at(3));
    jar
}

fn save(jar: &Jar, session: SessionCookies) -> Vec<u8> {
    let mut file = Vec::new();
    jar.save_json_at(&mut file, session, at(0)).unwrap();
    file
}

#[test]
fn all_comes_back_as_it_was() {
    let jar = jar();
    let read = Jar::new();
    assert_eq!(read.load_json_at(&save(&jar, SessionCookies::Include)[..], at(0)).unwrap(), jar.len());
    assert!(jar.iter().eq(read.iter()));
    assert_eq!(sent(&read, "http://a.test/x/y"), sent(&jar, "http://a.test/x/y"));
    // Into a jar that has them already.
    read.load_json_at(&save(&jar, SessionCookies::Include)[..], at(0)).unwrap();
    assert!(jar.iter().eq(read.iter()));
}

#[test]
fn cookies_of_the_session_and_ended_ones_stay_out() {
    let jar = jar();
    let lasting = jar.iter().filter(|cookie| cookie.expires().is_some()).count();
    let read = Jar::new();
    assert_eq!(read.load_json_at(&save(&jar, SessionCookies::Skip)[..], at(0)).unwrap(), lasting);
    let later = Jar::new();
    assert_eq!(later.load_json_at(&save(&jar, SessionCookies::Skip)[..], at(100)).unwrap(), 1);
    let mut file = Vec::new();
    jar.save_json_at(&mut file, SessionCookies::Skip, at(100)).unwrap();
    assert_eq!(Jar::new().load_json_at(&file[..], at(0)).unwrap(), 1);
}

#[test]
fn cookie_store_reads_what_is_written_and_is_read() {
    let jar = jar();
    let far = "far=1; Domain=a.test; Path=/p; HttpOnly; Secure; SameSite=Strict; Max-Age=34560000";
    jar.set_cookie(far.as_bytes(), &url("https://www.a.test/"));
    let theirs = cookie_store::serde::json::load(&save(&jar, SessionCookies::Include)[..]).unwrap();
    let names: HashSet<_> = theirs.iter_unexpired().map(|cookie| cookie.name().to_owned()).collect();
    let expected = ["s", "q", "u", "far"].map(str::to_owned);
    assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(!names.contains("unreadable"));
    let found = theirs.get("a.test", "/p", "far").unwrap();
    assert!(found.secure() == Some(true) && found.http_only() == Some(true) && found.is_persistent());

    let mut file = Vec::new();
    cookie_store::serde::json::save_incl_expired_and_nonpersistent(&theirs, &mut file).unwrap();
    let back = Jar::new();
    back.load_json(&file[..]).unwrap();
    let (before, after) = (jar.get("far").unwrap().unwrap(), back.get("far").unwrap().unwrap());
    assert!(before.same_identity(&after) && before.value() == after.value());
    assert_eq!((after.secure(), after.http_only(), after.same_site()), (true, true, before.same_site()));
    assert!(back.get("s").unwrap().unwrap().host_only());
    assert!(!back.get("q").unwrap().unwrap().host_only());
}

#[test]
fn cookie_stores_own_samples_are_read() {
    let array = r#"[
  {
    "raw_cookie": "2=two; SameSite=None; Secure; Path=/; Expires=Tue, 03 Aug 2100 00:38:37 GMT",
    "path": [
      "/",
      true
    ],
    "domain": {
      "HostOnly": "test.com"
    },
    "expires": {
      "AtUtc": "2100-08-03T00:38:37Z"
    }
  }
]
"#;
    let entry = |name: &str, domain: &str| {
        format!(r#"{{"raw_cookie":"{name}=1","path":["/",false],"domain":{domain},"expires":"SessionEnd"}}"#)
    };
    let lines = [entry("a", r#"{"Suffix":"example.com"}"#), entry("b", r#"{"HostOnly":"x.test"}"#)].join("\n");
    let jar = Jar::new();
    assert_eq!(jar.load_json_at(array.as_bytes(), at(0)).unwrap(), 1);
    assert_eq!(jar.load_json_at(lines.as_bytes(), at(0)).unwrap(), 2);
    assert_eq!(sent(&jar, "https://test.com/").as_deref(), Some("2=two"));
    assert_eq!(sent(&jar, "http://www.example.com/").as_deref(), Some("a=1"));
    assert_eq!(jar.get("2").unwrap().unwrap().created(), Some(at(0)));
}

#[test]
fn a_file_cannot_forge_what_no_server_could_set() {
    let entry = |raw: &str, domain: &str| {
        format!(r#"{{"raw_cookie":"{raw}","path":["/",true],"domain":{domain},"expires":"SessionEnd"}}"#)
    };
    for forged in [
        entry("__Host-s=1; Secure", r#"{"Suffix":"a.test"}"#),
        entry("__Secure-s=1", r#"{"HostOnly":"a.test"}"#),
        entry("", r#"{"HostOnly":"a.test"}"#),
        entry("s=1", r#"{"HostOnly":""}"#),
        entry(r"s=1\u0000", r#"{"HostOnly":"a.test"}"#),
    ] {
        let jar = Jar::new();
        assert_eq!(jar.load_json_at(forged.as_bytes(), at(0)).unwrap(), 0, "{forged}");
    }
    let jar = Jar::new();
    jar.load_json_at(entry("s=1", r#"{"Suffix":"co.uk"}"#).as_bytes(), at(0)).unwrap();
    assert_eq!(sent(&jar, "http://one.co.uk/"), None);
    for bad in [
        entry("s=1", r#""NotPresent""#),
        entry("s=1", r#"{"HostOnly":1}"#),
        entry("s=1", r#"{"HostOnly":"a.test"}"#).replace("SessionEnd", "Never"),
        entry("s=1", r#"{"HostOnly":"a.test"}"#).replace(r#""SessionEnd""#, r#"{"AtUtc":"soon"}"#),
        entry("s=1", r#"{"HostOnly":"a.test"}"#).replace(r#""s=1""#, "1"),
    ] {
        let text = format!("{}\n{bad}", entry("good=1", r#"{"HostOnly":"a.test"}"#));
        let error = jar.load_json_at(text.as_bytes(), at(0)).unwrap_err();
        assert!(error.to_string().contains("entry 2"), "{error}");
        assert_eq!(jar.len(), 1);
    }
}

#[test]
fn files_are_replaced_whole_and_are_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cookies.json");
    std::fs::write(&path, "old").unwrap();
    assert!(Jar::new().load_file_at(&path, at(0)).is_err());
    let jar = jar();
    jar.save_file_at(&path, SessionCookies::Include, at(0)).unwrap();
    jar.save_file_at(&path, SessionCookies::Include, at(0)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let read = Jar::new();
    assert_eq!(read.load_file_at(&path, at(0)).unwrap(), jar.len());

    let error = read.load_file_at(folder.path().join("missing"), at(0)).unwrap_err();
    assert!(error.find::<std::io::Error>().is_some() && error.to_string().contains("missing"), "{error}");
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "[{}]").unwrap();
    let error = read.load_file_at(&broken, at(0)).unwrap_err();
    assert!(error.kind() == Kind::Builder && error.to_string().contains("broken.json"), "{error}");
    assert!(error.find::<treq_core::Error>().unwrap().to_string().contains("entry 1"), "{error:?}");
    std::fs::remove_file(broken).unwrap();
    // Where it cannot be put in place, nothing is left behind.
    let taken = folder.path().join("folder");
    std::fs::create_dir(&taken).unwrap();
    let error = jar.save_file_at(&taken, SessionCookies::Skip, at(0)).unwrap_err();
    assert!(error.find::<std::io::Error>().is_some() && error.to_string().contains("folder"), "{error}");
    assert!(jar.save_file_at(folder.path().join(".."), SessionCookies::Skip, at(0)).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
