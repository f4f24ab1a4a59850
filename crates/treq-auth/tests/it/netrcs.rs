use std::process::Command;

use treq_auth::{AuthErrorReason, Netrc};

use crate::support::why;

#[test]
fn faults_are_named_by_their_line_and_nothing_else() {
    for (text, line) in [
        ("machine a login b\n password c\n s3cret", 3),
        ("s3cret", 1),
        ("login s3cret", 1),
        ("machine", 1),
        ("machine a password \"s3cret\n", 1),
        ("machine a password \"s3cret\\", 1),
        ("\n\nmacdef m\ns3cret\n", 5),
    ] {
        let error = Netrc::parse(text).unwrap_err();
        assert_eq!(why(&error), Some(AuthErrorReason::Syntax));
        assert!(error.to_string().contains(&format!("line {line} ")), "{text:?} {error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn words_are_read_as_they_were_meant() {
    for (text, login, password) in [
        ("machine a.test login l password p", "l", Some("p")),
        ("machine a.test user l password p", "l", Some("p")),
        ("machine a.test password \"p w\" login \"\"", "", Some("p w")),
        ("machine a.test login #l password p#w # password x", "#l", Some("p#w")),
        ("machine a.test login \"a\\\\b\\\"c\" password \\\\p\\ w", "a\\b\"c", Some("\\p w")),
        ("machine a.test\r\n\tlogin l\r\n\tpassword p\r\n", "l", Some("p")),
        ("machine a.test login l password \"\"", "l", Some("")),
        ("machine a.test login l password", "l", None),
        ("macdef m\r\nmachine a.test password x\r\n\r\nmachine a.test login l", "l", None),
        ("machine a.test login l machine b.test password x", "l", None),
        ("machine a.test login l password p machine a.test login m password q", "l", Some("p")),
    ] {
        let netrc = Netrc::parse(text).unwrap();
        let entry = netrc.find("a.test", None).unwrap();
        assert_eq!((entry.login(), entry.password()), (login, password), "{text:?}");
    }
}

/// What [`the_users_file_is_found`] runs in processes of its own, since variables belong to the whole process.
#[test]
#[ignore = "run by another test"]
fn from_user() {
    let entry = Netrc::from_user().map(|netrc| netrc.find("a.test", None).map(|entry| entry.login().to_owned()));
    let want = std::env::var("WANT").unwrap();
    assert_eq!(entry.map_or_else(|_| "error".to_owned(), |login| login.unwrap_or_default()), want);
}

#[cfg(unix)]
#[test]
fn the_users_file_is_found() {
    let home = tempfile::tempdir().unwrap();
    let run = |netrc: &str, want: &str| {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "netrcs::from_user"])
            .env("HOME", home.path())
            .env("NETRC", netrc)
            .env("WANT", want)
            .output()
            .unwrap();
        assert!(status.status.success(), "{netrc} {want} {}", String::from_utf8_lossy(&status.stdout));
        assert!(String::from_utf8_lossy(&status.stdout).contains("1 passed"));
    };
    let other = home.path().join("other");
    run("", "");
    run(other.to_str().unwrap(), "error");
    std::fs::write(home.path().join(".netrc"), "machine a.test login home").unwrap();
    std::fs::write(&other, "machine a.test login other").unwrap();
    run("", "home");
    run(other.to_str().unwrap(), "other");
}
