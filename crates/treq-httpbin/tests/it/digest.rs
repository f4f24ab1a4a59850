use serde_json::json;

use crate::client::{Answer, ask, get, get_with};

/// A field for the user `ada`, realm `r`, nonce `n`, cnonce `c`.
fn field(uri: &str, algorithm: &str, qop: &str, response: &str) -> String {
    let counted = if qop.is_empty() { String::new() } else { format!(", qop={qop}, nc=00000001, cnonce=\"c\"") };
    format!(
        "Digest username=\"ada\", realm=\"r\", nonce=\"n\", uri=\"{uri}\", algorithm={algorithm}{counted}, \
         response=\"{response}\""
    )
}

/// Responses that another implementation has computed, for the password `s3 cret` and the content `tea`.
#[rustfmt::skip]
const ANSWERS: [(&str, &str, &str, &str); 5] = [
    ("/digest-auth/auth/ada/s3%20cret/MD5?x=1", "MD5", "auth",
     "2f0ffda1f7d5f5bc90ec44ec6e36d636"),
    ("/digest-auth/auth/ada/s3%20cret/SHA-256?x=1", "SHA-256", "auth",
     "fa9e696d238cd44ad018ddb0c47924050dddb3501e3a9721933776f0a0baec4d"),
    ("/digest-auth/auth/ada/s3%20cret/SHA-512?x=1", "SHA-512", "auth",
     "a099eddaad5567356ef170abb8841ceec2deb556d1ac7913feb28fd0ab0ca6fc9b2982b46d1b2e495e7cb9fdc81b9f399bbe48ecc28516b436b2509feb2194ce"),
    ("/digest-auth/auth-int/ada/s3%20cret", "MD5", "auth-int",
     "10c107e65526b54d0418f94bb3d01c71"),
    ("/digest-auth/auth-int/ada/s3%20cret", "MD5", "",
     "5e6d47a3ee4c9294dea44ff232172554"),
];

#[tokio::test]
async fn answers_to_the_challenge_are_checked() {
    for (path, algorithm, qop, response) in ANSWERS {
        let given = field(path, algorithm, qop, response);
        let answer = ask("GET", path, &[("authorization", &given)], "tea").await;
        assert_eq!((answer.status, answer.json()), (200, json!({"authenticated": true, "user": "ada"})), "{path}");
        let wrong = given.replace("ada", "eve");
        assert_eq!(ask("GET", path, &[("authorization", &wrong)], "tea").await.status, 401, "{path}");
        let elsewhere = given.replace("/digest-auth", "/other");
        assert_eq!(ask("GET", path, &[("authorization", &elsewhere)], "tea").await.status, 401, "{path}");
        let other_password = path.replace("s3%20cret", "secret");
        assert_eq!(ask("GET", &other_password, &[("authorization", &given)], "tea").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_challenge_names_what_the_path_says() {
    for (path, qop, algorithm) in [
        ("/digest-auth/auth/u/p", "qop=\"auth\"", "algorithm=MD5"),
        ("/digest-auth/auth-int/u/p/SHA-256", "qop=\"auth-int\"", "algorithm=SHA-256"),
        ("/digest-auth/any/u/p/CRC32/2", "qop=\"auth, auth-int\"", "algorithm=MD5"),
    ] {
        let answer = get(path).await;
        let challenge = answer.header("www-authenticate");
        assert_eq!(answer.status, 401);
        assert!(challenge.starts_with("Digest realm=") && challenge.ends_with("stale=FALSE"), "{challenge}");
        assert!(challenge.contains(qop) && challenge.contains(algorithm), "{challenge}");
    }
    let basic = get_with("/digest-auth/auth/u/p", "authorization", "Basic dTpw").await;
    assert!(basic.header("www-authenticate").starts_with("Digest "), "{}", basic.header("www-authenticate"));
}

/// What cookies say of a nonce, as httpbin keeps it.
async fn with_cookies(cookies: &str) -> Answer {
    let (path, algorithm, qop, response) = ANSWERS[0];
    let given = field(path, algorithm, qop, response);
    ask("GET", path, &[("authorization", &given), ("cookie", cookies)], "").await
}

#[tokio::test]
async fn a_nonce_becomes_stale() {
    let first = get("/digest-auth/auth/u/p/MD5/2").await;
    assert_eq!(first.header("set-cookie"), "stale_after=2; Path=/ | fake=fake_value; Path=/");
    let once = with_cookies("stale_after=2").await;
    assert_eq!(
        (once.status, once.header("set-cookie")),
        (200, "fake=fake_value; Path=/ | stale_after=1; Path=/".into())
    );
    for (cookies, status) in [("stale_after=0", 401), ("last_nonce=n", 401), ("last_nonce=m; stale_after=never", 200)] {
        let answer = with_cookies(cookies).await;
        assert_eq!(answer.status, status, "{cookies}");
        if status == 401 {
            assert!(answer.header("www-authenticate").ends_with("stale=TRUE"), "{cookies}");
            assert!(answer.header("set-cookie").contains("last_nonce=n"), "{cookies}");
        }
    }
}

#[tokio::test]
async fn cookies_can_be_asked_for() {
    let path = "/digest-auth/auth/ada/x?require-cookie=1";
    let given = field(path, "MD5", "auth", "0");
    for (cookie, status) in [(None, 401), (Some("fake=other"), 403), (Some("fake=fake_value"), 401)] {
        let fields: Vec<_> =
            [("authorization", given.as_str())].into_iter().chain(cookie.map(|cookie| ("cookie", cookie))).collect();
        assert_eq!(ask("GET", path, &fields, "").await.status, status, "{cookie:?}");
    }
}
