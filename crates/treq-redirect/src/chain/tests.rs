use super::*;
use crate::RedirectLayer;

fn chain(method: &str, url: &str, content: Content) -> Chain {
    let request = Request::builder().method(method).uri(url).header("authorization", "x").body(()).unwrap();
    Chain::new(Arc::clone(&RedirectLayer::new().config), None, 20, &request, content)
}

fn answer(status: u16, location: &[&str]) -> response::Parts {
    let mut response = http::Response::builder().status(status);
    for value in location {
        response = response.header(LOCATION, *value);
    }
    response.body(()).unwrap().into_parts().0
}

/// Follows the locations and shows what each request is and whether it has credentials.
fn walk(first: &str, locations: &[&str]) -> Vec<String> {
    let mut chain = chain("GET", first, Content::Empty);
    let mut seen = Vec::new();
    for location in locations {
        let answer = answer(302, &[location]);
        let next = chain.decide(answer.status, &answer.headers).unwrap().unwrap();
        chain.advance(next, answer);
        let with = if chain.headers.to_map().contains_key("authorization") { "+" } else { "-" };
        assert_eq!(with == "-", chain.extensions.get::<LeftOrigin>().is_some());
        seen.push(format!("{with}{}", chain.url));
    }
    seen
}

#[test]
fn drops_credentials_for_the_rest_of_the_chain() {
    for (first, locations, want) in [
        ("http://a/", ["http://b/1", "/2"], ["-http://b/1", "-http://b/2"]),
        ("http://a/", ["http://b/1", "http://a/2"], ["-http://b/1", "-http://a/2"]),
        ("http://a/", ["/1", "http://b/2"], ["+http://a/1", "-http://b/2"]),
        ("https://a/", ["http://a/1", "https://a/2"], ["-http://a/1", "-https://a/2"]),
        ("http://a/", ["http://a:81/1", "http://a/2"], ["-http://a:81/1", "-http://a/2"]),
        ("http://a/", ["http://a:80/1", "http://A/2"], ["+http://a/1", "+http://a/2"]),
        ("http://a/", ["//u:p@a/1", "2"], ["+http://a/1", "+http://a/2"]),
        ("http://u:p@a/x", ["1", "//b/2"], ["+http://a/1", "-http://b/2"]),
    ] {
        assert_eq!(walk(first, &locations), want, "{first} {locations:?}");
    }
}

#[test]
fn decides_on_locations() {
    let chain = chain("GET", "http://a/", Content::Empty);
    let decided = |locations: &[&str]| {
        let answer = answer(302, locations);
        chain.decide(answer.status, &answer.headers).map(|next| next.map(|next| next.located.uri.to_string()))
    };
    assert_eq!(decided(&[]).unwrap(), None);
    assert_eq!(decided(&[""]).unwrap(), None);
    assert_eq!(decided(&["/x", "/x"]).unwrap().as_deref(), Some("http://a/x"));
    assert!(decided(&["/x", "/y"]).unwrap_err().message.contains("differ"));
    assert!(decided(&["", "/y"]).unwrap_err().message.contains("differ"));
    let long = format!("/{}", "x".repeat(LOCATION_LEN));
    assert!(decided(&[&long]).unwrap_err().message.contains("8193 bytes"));
    for (location, part) in [
        ("ftp://u:secret@b/?key=secret", "\"ftp\""),
        ("javascript:alert(1)", "\"javascript\""),
        ("data:text/plain,x", "\"data\""),
        ("file:///etc/passwd", "\"file\""),
        ("http://[::1", "[::1"),
        ("http://b:99999/", "b:99999"),
        ("http://", "host"),
    ] {
        let refusal = decided(&[location]).unwrap_err();
        assert_eq!(refusal.reason, Some(RedirectErrorReason::Location), "{location}");
        assert!(refusal.message.contains(part) && !refusal.message.contains("secret"), "{}", refusal.message);
    }
}

#[test]
fn decides_on_bodies() {
    for (status, from, content, to, want) in [
        (307, "http://a/", Content::Again, "http://b/", Ok(Content::Again)),
        (307, "http://a/", Content::Once, "http://b/", Err(RedirectErrorReason::BodyOnce)),
        (307, "http://a/", Content::Empty, "http://b/", Ok(Content::Empty)),
        (308, "https://a/", Content::Again, "http://a/", Err(RedirectErrorReason::BodyInClear)),
        (308, "https://a/", Content::Once, "http://a/", Err(RedirectErrorReason::BodyInClear)),
        (308, "https://a/", Content::Empty, "http://a/", Ok(Content::Empty)),
        (303, "https://a/", Content::Again, "http://a/", Ok(Content::Empty)),
        (303, "http://a/", Content::Once, "http://b/", Ok(Content::Empty)),
        (302, "http://a/", Content::Once, "http://b/", Ok(Content::Empty)),
    ] {
        let mut chain = chain("POST", from, content);
        let answer = answer(status, &[to]);
        let got = chain.decide(answer.status, &answer.headers).map_err(|refusal| refusal.reason.unwrap()).map(|next| {
            chain.advance(next.unwrap(), answer);
            chain.content
        });
        assert_eq!(got, want, "{status} {from} {content:?} {to}");
    }
}

#[test]
fn takes_userinfo_off_urls() {
    for (url, want) in [
        ("http://u:p@a:81/x?y", "http://a:81/x?y"),
        ("http://a/x?y@z", "http://a/x?y@z"),
        ("https://u@[::1]:8/", "https://[::1]:8/"),
        ("/x", "/x"),
    ] {
        assert_eq!(without_userinfo(&url.parse().unwrap()), want);
    }
}
