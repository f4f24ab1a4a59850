//! Archives that a browser has exported.

use treq_core::Kind;
use treq_testing::{Cassette, Matching, Mode};

use super::{Shelf, get, gone, post, send};

const CHROME: &str = include_str!("../../data/har/chrome.har");

#[tokio::test]
async fn an_archive_from_a_browser_is_played() {
    let cassette = Cassette::options().parse(&format!("\u{feff}{CHROME}")).unwrap();
    assert_eq!(cassette.len(), 4);
    let page = send(&cassette, gone(), get("https://shop.test/?q=tea")).await.unwrap();
    assert_eq!((page.status, page.version, page.reason), (200, http::Version::HTTP_2, None));
    assert_eq!(page.body, "<title>Käse</title>");
    let names: Vec<_> = page.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "set-cookie", "set-cookie"]);
    assert_eq!(page.headers[2].1, b"b=2; Path=/");

    let buy = post("https://shop.test/buy", "application/x-www-form-urlencoded", "tea=Earl+Grey&sum=1+1");
    let buy = send(&cassette, gone(), buy).await.unwrap();
    assert_eq!((&buy.body[..], buy.size), (&[0, 255, 1][..], Some(3)));

    let error = send(&cassette, gone(), get("https://shop.test/film")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    assert!(error.to_string().contains("does not have this body"), "{error}");
    let head = http::Request::head("https://shop.test/film").body(treq_core::Body::empty()).unwrap();
    assert_eq!(send(&cassette, gone(), head).await.unwrap().headers[0].1, b"99999999");
    cassette.assert_played();
}

#[tokio::test]
async fn what_is_added_to_it_goes_behind_and_its_secrets_are_masked_then() {
    let shelf = Shelf::new();
    std::fs::create_dir_all(shelf.path().parent().unwrap()).unwrap();
    std::fs::write(shelf.path(), CHROME).unwrap();
    let options = || Cassette::options().matching(Matching::strict().header(http::header::COOKIE));
    let cassette = options().mode(Mode::New).open(shelf.path()).unwrap();
    send(&cassette, super::httpbin(), get("http://bin.test/get")).await.unwrap();
    cassette.finish().unwrap();
    assert!(!shelf.text().contains("abcdef123") && !shelf.text().contains("a=1;"));

    let cassette = options().mode(Mode::Replay).open(shelf.path()).unwrap();
    assert_eq!(cassette.len(), 5);
    let mut page = get("https://shop.test/?q=tea");
    page.headers_mut().insert("cookie", "session=mine".parse().unwrap());
    let page = send(&cassette, gone(), page).await.unwrap();
    assert_eq!(page.body, "<title>Käse</title>");
    assert_eq!(page.headers[1].1, b"a=treq-masked; Path=/");
    let error = send(&cassette, gone(), get("https://shop.test/film")).await.unwrap_err();
    assert!(error.to_string().contains("does not have this body"), "{error}");
}

#[test]
fn a_status_is_read_however_it_is_written_and_one_that_is_none_is_named() {
    let with = |status: &str| {
        let entry = format!(
            r#"{{"request": {{"method": "GET", "url": "http://a.test/"}}, "response": {{"status": {status}}}}}"#
        );
        Cassette::options().parse(&format!(r#"{{"log": {{"entries": [{entry}]}}}}"#))
    };
    for (status, len) in [("200", 1), ("200.0", 1), ("0", 0), ("0.0", 0), ("101", 0), ("999", 1)] {
        assert_eq!(with(status).unwrap().len(), len, "{status}");
    }
    for status in ["-1", "99", "100", "200.5", "1000", "1e99"] {
        let error = with(status).unwrap_err().to_string();
        assert!(error.contains("log.entries[0].response.status: "), "{error}");
        assert!(error.contains("is no status of a final answer: 200 to 999 are"), "{error}");
    }
    let error = with("\"200\"").unwrap_err().to_string();
    assert!(error.contains("response.status: a number is expected, and there is a string"), "{error}");
}
