use http::Response;
use treq_core::{Body, Kind};
use treq_redirect::{
    Action, Follow, History, MaxRedirects, RedirectErrorReason, RedirectLayer, TooManyRedirects, redirect_fn,
};

use crate::support::{World, get, one_shot, post, reason, redirect};

/// So many redirects, then 200.
fn hops(status: u16, count: usize) -> World {
    World::new(move |seen| {
        let at: usize = seen.url.path()[1..].parse().unwrap();
        if at < count { redirect(status, &format!("/{}", at + 1)) } else { Response::new(Body::empty()) }
    })
}

#[tokio::test]
async fn twenty_are_followed_and_one_more_is_an_error() {
    for status in [301, 302, 303, 307, 308] {
        let world = hops(status, 20);
        let response = world.ask(RedirectLayer::new(), get("http://a.test/0")).await.unwrap();
        assert_eq!((response.status().as_u16(), world.seen().len()), (200, 21));
        assert_eq!(response.extensions().get::<History>().unwrap().len(), 20);

        let world = hops(status, 21);
        let error = world.ask(RedirectLayer::new(), get("http://a.test/0")).await.unwrap_err();
        assert_eq!((error.kind(), world.seen().len()), (Kind::Redirect, 21));
        let cause = error.find::<TooManyRedirects>().unwrap();
        assert_eq!((cause.limit(), cause.history().len()), (20, 21));
        assert_eq!(cause.history().as_ref()[20].url, "http://a.test/20");
        assert_eq!(error.to_string(), "more than 20 redirects (http://a.test/20)");
    }
}

#[tokio::test]
async fn a_limit_means_what_it_says() {
    for (limit, hops_made, followed) in [(1, 1, true), (1, 2, false), (3, 3, true), (3, 4, false)] {
        let world = hops(302, hops_made);
        let outcome = world.ask(RedirectLayer::new().limit(limit), get("http://a.test/0")).await;
        assert_eq!((outcome.is_ok(), world.seen().len()), (followed, limit + 1));
    }
    // Nothing is followed and nothing fails.
    let world = hops(302, 1);
    let response = world.ask(RedirectLayer::new().limit(0), get("http://a.test/0")).await.unwrap();
    assert_eq!((response.status().as_u16(), world.seen().len()), (302, 1));
    assert!(response.extensions().get::<History>().is_none());
}

#[tokio::test]
async fn a_request_overrides_limit_and_policy() {
    let mut request = get("http://a.test/0");
    request.extensions_mut().insert(MaxRedirects::new(2));
    let error = hops(302, 3).ask(RedirectLayer::new(), request).await.unwrap_err();
    assert_eq!(error.find::<TooManyRedirects>().unwrap().limit(), 2);

    let at_most_one = redirect_fn(|attempt| match attempt.history() {
        [] => Action::Follow,
        _ => Action::Stop,
    });
    for (follow, status, requests) in
        [(Follow::None, 302, 1), (Follow::Standard, 200, 4), (Follow::from(at_most_one), 302, 2)]
    {
        let world = hops(302, 3);
        let mut request = post("http://a.test/0", "x");
        request.extensions_mut().insert(follow);
        let response = world.ask(RedirectLayer::new().policy(Follow::Strict), request).await.unwrap();
        assert_eq!((response.status().as_u16(), world.seen().len()), (status, requests));
        assert_eq!(response.extensions().get::<History>().map_or(0, |history| history.len()), requests - 1);
    }
}

#[tokio::test]
async fn bad_input_is_a_clear_error_and_nothing_is_sent() {
    for (location, part) in [
        ("ftp://b.test/x", "\"ftp\""),
        ("javascript:alert(1)", "\"javascript\""),
        ("data:,x", "\"data\""),
        ("http://b.test:99999/", "\"http://b.test:99999/\""),
        ("http://[broken", "\"http://[broken\""),
    ] {
        let world = World::new(move |_| redirect(302, location));
        let error = world.ask(RedirectLayer::new(), get("http://a.test/")).await.unwrap_err();
        assert_eq!((error.kind(), reason(&error)), (Kind::Redirect, Some(RedirectErrorReason::Location)));
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(world.seen().len(), 1);
    }
    let world = World::new(|_| redirect(307, "/2"));
    let error = world.ask(RedirectLayer::new(), post("http://a.test/", one_shot())).await.unwrap_err();
    assert_eq!((error.kind(), reason(&error)), (Kind::Redirect, Some(RedirectErrorReason::BodyOnce)));
    assert!(error.to_string().contains("can be sent only once"), "{error}");
    assert_eq!(world.seen().len(), 1);
}

#[test]
fn what_a_policy_is_given_shows_no_secret() {
    use http::{HeaderMap, StatusCode, header};
    use std::sync::{Arc, Mutex};
    use treq_redirect::{FinalUrl, Fragment};
    let shown = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&shown);
    let layer = RedirectLayer::new().policy(redirect_fn(move |attempt| {
        *told.lock().unwrap() = format!("{attempt:?}");
        Action::Follow
    }));
    let service = tower::service_fn(|request: http::Request<treq_core::Body>| async move {
        let mut response = http::Response::new(treq_core::Body::empty());
        if request.uri().path() == "/" {
            *response.status_mut() = StatusCode::FOUND;
            let mut headers = HeaderMap::new();
            headers.insert(header::SET_COOKIE, "sid=s3cret".parse().unwrap());
            headers.insert(header::LOCATION, "/next?code=s3cret#s3cret".parse().unwrap());
            *response.headers_mut() = headers;
        }
        Ok::<_, std::convert::Infallible>(response)
    });
    let request = http::Request::get("http://user:s3cret@a.test/?key=s3cret").body(treq_core::Body::empty()).unwrap();
    let future = tower::ServiceExt::oneshot(tower::Layer::layer(&layer, service), request);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(future).unwrap();
    let last = response.extensions().get::<FinalUrl>().unwrap();
    let shown = format!("{} {last:?} {:?}", shown.lock().unwrap(), Fragment::new("s3cret"));
    assert!(shown.contains("a.test/next") && !shown.contains("s3cret"), "{shown}");
    assert!(last.to_string().ends_with("?code=s3cret#s3cret"), "{last}");
}
