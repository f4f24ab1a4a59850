use http::{HeaderName, HeaderValue, Request, Response};
use treq_core::{Body, Kind};
use treq_redirect::{
    FinalUrl, Follow, Fragment, History, LeftOrigin, RedirectError, RedirectErrorReason, RedirectLayer, ReferrerPolicy,
    policy,
};

use crate::support::{World, get, one_shot, post, reason, redirect};

/// What the layer knows of the last fields by itself, and what it is told.
fn secrets(url: &str) -> Request<Body> {
    let mut marked = HeaderValue::from_static("s");
    marked.set_sensitive(true);
    Request::get(url)
        .header("authorization", "Bearer s")
        .header("Cookie", "sid=s")
        .header("proxy-authorization", "Basic s")
        .header("X-API-Key", "s")
        .header("x-marked", marked)
        .header("x-mine", "s")
        .header("host", "virtual.test")
        .header("x-keep", "1")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn secrets_leave_their_origin_and_never_come_back() {
    let (a, b) = ("http://a.test/", "http://b.test/");
    for (urls, with_secrets) in [
        (vec![a, "http://b.test/1", "http://b.test/2"], 1),
        (vec![a, b, "http://a.test/back"], 1),
        (vec![a, "http://a.test/1", b], 2),
        (vec!["https://a.test/", a, "https://a.test/2"], 1),
        (vec![a, "http://a.test:8080/", "http://a.test/2"], 1),
        (vec![a, "http://a.test/1", "http://a.test/2"], 3),
    ] {
        let world = World::leading(302, &urls);
        let layer = RedirectLayer::new().sensitive(HeaderName::from_static("x-mine"));
        let response = world.ask(layer, secrets(urls[0])).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(world.urls(), urls);
        for (at, seen) in world.seen().iter().enumerate() {
            assert_eq!(seen.headers.len(), if at < with_secrets { 8 } else { 1 }, "{urls:?} {at}: {:?}", seen.headers);
            assert_eq!(seen.headers["x-keep"], "1");
            assert_eq!(seen.extensions.get::<LeftOrigin>().is_some(), at >= with_secrets);
        }
    }
}

#[tokio::test]
async fn preconditions_cross_origins_and_a_range_keeps_its_validator() {
    let urls = ["http://a.test/", "http://b.test/1", "http://c.test/2", "http://a.test/back"];
    for status in [301, 302, 307, 308] {
        for (method, fields) in [
            ("PUT", &[("if-none-match", "*")][..]),
            ("DELETE", &[("if-match", "\"v1\"")]),
            ("PATCH", &[("if-unmodified-since", "Sat, 28 Nov 2026 06:30:58 GMT")]),
            ("GET", &[("range", "bytes=10-"), ("if-range", "\"v1\"")]),
            ("GET", &[("if-modified-since", "Sat, 28 Nov 2026 06:30:58 GMT")]),
        ] {
            let world = World::leading(status, &urls);
            let mut request = Request::builder().method(method).uri(urls[0]).body(Body::empty()).unwrap();
            for (name, value) in fields {
                request.headers_mut().insert(*name, HeaderValue::from_static(value));
            }
            world.ask(RedirectLayer::new(), request).await.unwrap();
            assert_eq!(world.urls(), urls);
            for seen in world.seen() {
                let has = |(name, value): &(&str, &str)| seen.headers.get(*name).is_some_and(|own| own == value);
                assert!(fields.iter().all(has), "{status} {method} {}: {:?}", seen.url, seen.headers);
            }
        }
    }
}

#[tokio::test]
async fn the_conditions_of_a_write_are_not_those_of_the_get_after_it() {
    for (status, method) in [(303, "PUT"), (303, "DELETE"), (303, "POST"), (302, "POST"), (301, "POST")] {
        for urls in [["http://a.test/", "http://a.test/1"], ["http://a.test/", "http://b.test/1"]] {
            let world = World::leading(status, &urls);
            let request = Request::builder().method(method).uri(urls[0]).header("if-match", "\"v1\"");
            let request = request.header("if-none-match", "*").header("x-keep", "1").body(Body::from("x")).unwrap();
            world.ask(RedirectLayer::new(), request).await.unwrap();
            let seen = &world.seen()[1];
            let names: Vec<_> = seen.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!((seen.method.as_str(), names), ("GET", vec!["x-keep"]));
        }
    }
}

#[tokio::test]
async fn userinfo_stays_with_its_origin() {
    for (urls, with) in [
        (vec!["http://a.test/", "http://a.test/1", "http://a.test/2"], 3),
        (vec!["http://a.test/", "http://a.test/1", "http://b.test/b", "http://a.test/back"], 2),
        (vec!["https://a.test/", "http://a.test/1", "https://a.test/2"], 1),
    ] {
        let plain: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        let world = World::new(move |seen| {
            let at = plain.iter().position(|url| url.parse::<http::Uri>().unwrap().path() == seen.url.path());
            // What a server writes before the host is nobody's credentials.
            let next = at.and_then(|at| plain.get(at + 1)).map(|url| url.replace("//", "//evil:x@"));
            next.map_or_else(|| Response::new(Body::empty()), |url| redirect(302, &url))
        });
        let request = get(&urls[0].replace("//", "//us%40er:p%3Aw@"));
        let response = world.ask(RedirectLayer::new(), request).await.unwrap();
        let want = urls.iter().enumerate().map(|(at, url)| match at < with {
            true => url.replace("//", "//us%40er:p%3Aw@"),
            false => (*url).to_owned(),
        });
        assert_eq!(world.urls(), want.collect::<Vec<_>>());
        let extensions = response.extensions();
        assert_eq!(extensions.get::<FinalUrl>().unwrap().url, *urls.last().unwrap());
        assert!(extensions.get::<History>().unwrap().iter().all(|hop| !hop.url.to_string().contains('@')));
    }
}

#[tokio::test]
async fn history_and_final_url_come_with_the_response() {
    let world = World::new(|seen| match seen.url.path() {
        "/d/1" => Response::builder()
            .status(301)
            .header("location", "2?q")
            .header("x-hop", "one")
            .extension(7_u8)
            .body(Body::empty())
            .unwrap(),
        "/d/2" => redirect(307, "//b.test/e/3"),
        "/e/3" => redirect(308, "4#own"),
        _ => Response::new(Body::empty()),
    });
    let mut request = get("http://user:pw@a.test/d/1");
    request.extensions_mut().insert(Fragment::new("first"));
    request.extensions_mut().insert(5_i64);
    let response = world.ask(RedirectLayer::new(), request).await.unwrap();
    let history = response.extensions().get::<History>().unwrap();
    let hops: Vec<_> = history.iter().map(|hop| format!("{} {}", hop.status.as_u16(), hop.url)).collect();
    assert_eq!(hops, ["301 http://a.test/d/1", "307 http://a.test/d/2?q", "308 http://b.test/e/3"]);
    assert_eq!(history.as_ref()[0].headers["x-hop"], "one");
    assert_eq!(history.as_ref()[0].extensions.get(), Some(&7_u8));
    assert_eq!(response.extensions().get::<FinalUrl>().unwrap().to_string(), "http://b.test/e/4#own");
    let seen = world.seen();
    assert!(seen.iter().all(|seen| seen.extensions.get() == Some(&5_i64)));
    assert_eq!(seen[2].extensions.get::<Fragment>().unwrap().as_str(), "first");
}

#[tokio::test]
async fn a_response_without_redirect_gains_nothing() {
    let world = World::leading(302, &[]);
    let response = world.ask(RedirectLayer::new(), get("http://a.test/")).await.unwrap();
    assert!(response.extensions().is_empty());
}

#[tokio::test]
async fn bodies_are_sent_again_as_often_as_asked() {
    let urls = ["http://a.test/1", "http://a.test/2", "http://b.test/3", "http://b.test/4"];
    for status in [307, 308] {
        let world = World::leading(status, &urls);
        world.ask(RedirectLayer::new(), post(urls[0], "text")).await.unwrap();
        for seen in world.seen() {
            assert_eq!((seen.method.as_str(), seen.body.as_deref()), ("POST", Some(&b"text"[..])));
            assert_eq!(seen.headers["content-type"], "text/plain");
        }
        assert_eq!(world.urls(), urls);
    }
    // After a 303, GET for the rest of the chain.
    let world = World::new(|seen| match seen.url.path() {
        "/1" => redirect(303, "/2"),
        "/2" => redirect(307, "/3"),
        _ => Response::new(Body::empty()),
    });
    world.ask(RedirectLayer::new(), post(urls[0], one_shot())).await.unwrap();
    for seen in &world.seen()[1..] {
        assert_eq!((seen.method.as_str(), seen.sized), ("GET", Some(0)));
        assert!(seen.headers.is_empty());
    }
}

#[tokio::test]
async fn a_closure_may_give_the_second_body() {
    let urls = ["http://a.test/1", "http://a.test/2"];
    let world = World::leading(307, &urls);
    let layer = RedirectLayer::new().replay(|_: &Body| Some(Body::from("again")));
    world.ask(layer, post(urls[0], one_shot())).await.unwrap();
    assert_eq!(world.seen()[1].body.as_deref(), Some(&b"again"[..]));

    let world = World::leading(307, &urls);
    let error = world.ask(RedirectLayer::new().without_replay(), post(urls[0], "text")).await.unwrap_err();
    assert_eq!((reason(&error), world.seen().len()), (Some(RedirectErrorReason::BodyOnce), 1));

    // An empty body needs no copy.
    let world = World::leading(307, &urls);
    world.ask(RedirectLayer::new().without_replay(), get(urls[0])).await.unwrap();
    assert_eq!(world.urls(), urls);
}

#[tokio::test]
async fn a_downgrade_carries_no_body_and_may_be_refused() {
    let urls = ["https://a.test/", "http://a.test/"];
    for (status, layer, body, want) in [
        (307, RedirectLayer::new(), Body::from("text"), Some(RedirectErrorReason::BodyInClear)),
        (308, RedirectLayer::new(), one_shot(), Some(RedirectErrorReason::BodyInClear)),
        (307, RedirectLayer::new(), Body::empty(), None),
        (303, RedirectLayer::new(), Body::from("text"), None),
        (303, RedirectLayer::new().https_only(true), Body::empty(), Some(RedirectErrorReason::HttpsOnly)),
    ] {
        let world = World::leading(status, &urls);
        let outcome = world.ask(layer, post(urls[0], body)).await;
        assert_eq!(outcome.as_ref().err().and_then(reason), want);
        assert_eq!(world.seen().len(), if want.is_some() { 1 } else { 2 });
        if let Err(error) = outcome {
            assert_eq!((error.kind(), error.url()), (Kind::Redirect, Some(urls[0])));
        }
    }
}

#[tokio::test]
async fn strict_fails_with_the_cause_and_the_redirect() {
    let urls = ["http://a.test/", "http://a.test/2"];
    let world = World::leading(302, &urls);
    let error = world.ask(RedirectLayer::new().policy(Follow::Strict), post(urls[0], "text")).await.unwrap_err();
    let cause = error.find::<policy::NotAutomatic>().unwrap();
    assert_eq!((cause.status.as_u16(), cause.method.as_str()), (302, "POST"));
    let history = error.find::<RedirectError>().unwrap().history();
    assert_eq!((history.len(), &history.as_ref()[0].headers["location"]), (1, &HeaderValue::from_static(urls[1])));

    let world = World::new(|_| Response::builder().status(301).body(Body::empty()).unwrap());
    for policy in [Follow::Standard, Follow::Strict] {
        let mut request = get(urls[0]);
        request.extensions_mut().insert(policy);
        assert_eq!(world.ask(RedirectLayer::new(), request).await.unwrap().status(), 301);
    }
}

#[tokio::test]
async fn a_referer_is_sent_only_on_demand() {
    let urls = ["http://a.test/1?q", "http://a.test/2", "http://b.test/3"];
    let world = World::leading(302, &urls);
    world.ask(RedirectLayer::new(), get(urls[0])).await.unwrap();
    assert!(world.seen().iter().all(|seen| !seen.headers.contains_key("referer")));
    let world = World::leading(302, &urls);
    world.ask(RedirectLayer::new().referer(ReferrerPolicy::default()), get(urls[0])).await.unwrap();
    let sent: Vec<_> = world.seen().iter().map(|seen| seen.headers.get("referer").cloned()).collect();
    let value = |text| Some(HeaderValue::from_static(text));
    assert_eq!(sent, [None, value("http://a.test/1?q"), value("http://a.test/")]);
}

#[tokio::test]
async fn a_responses_referrer_policy_holds_for_the_rest_of_the_chain() {
    let world = World::new(|seen| match seen.url.path() {
        "/1" => redirect(302, "/2"),
        "/2" => {
            let mut response = redirect(302, "/3");
            response.headers_mut().insert("referrer-policy", HeaderValue::from_static("unknown, no-referrer"));
            response
        }
        "/3" => redirect(302, "/4"),
        _ => Response::new(Body::empty()),
    });
    let layer = RedirectLayer::new().referer(ReferrerPolicy::UnsafeUrl);
    world.ask(layer, get("http://user:secret@a.test/1")).await.unwrap();
    let sent: Vec<_> = world.seen().iter().map(|seen| seen.headers.get("referer").cloned()).collect();
    assert_eq!(sent, [None, Some(HeaderValue::from_static("http://a.test/1")), None, None]);
}
