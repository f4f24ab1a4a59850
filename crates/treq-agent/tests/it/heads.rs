//! Requests' heads as they go out.

use http::{HeaderValue, Request, Version};
use tower::ServiceExt as _;
use treq_agent::{Agent, HttpHandshake};
use treq_core::{Body, Forward, Kind};
use treq_testing::{MemoryConnector, RawRequest, Step};

use crate::support::{OK, get, plain, request, send, server};

/// What a server in memory sees, or a proxy with these credentials.
async fn seen(request: Request<Body>, proxy: Option<Option<&'static str>>) -> RawRequest {
    let server = server([Step::ReadHead, Step::send(OK)]);
    match proxy {
        None => send(&plain(server.connector()), request).await.unwrap(),
        Some(credentials) => {
            let forward = move || {
                let mut forward = Forward::default();
                forward.authorization = credentials.map(HeaderValue::from_static);
                forward
            };
            let proxy = MemoryConnector::map_response(server.connector(), move |mut connected| {
                connected.forward = Some(forward());
                connected
            });
            send(&Agent::new(HttpHandshake::new(proxy)), request).await.unwrap()
        }
    };
    server.requests().remove(0)
}

#[tokio::test(start_paused = true)]
async fn targets_are_in_origin_form_and_hosts_without_a_default_port() {
    for (url, target, host) in [
        ("http://a.test", "/", "a.test"),
        ("http://a.test?q", "/?q", "a.test"),
        ("http://A.Test:80/p?q=%20", "/p?q=%20", "a.test"),
        ("http://a.test:443//x//", "//x//", "a.test:443"),
        ("https://a.test:443/", "/", "a.test"),
        ("https://a.test:80/", "/", "a.test:80"),
        ("http://user:secret@a.test:8080/", "/", "a.test:8080"),
        ("http://[::1]/", "/", "[::1]"),
        ("http://[2001:DB8::1]:8080/", "/", "[2001:db8::1]:8080"),
        ("http://under_score.test/", "/", "under_score.test"),
    ] {
        let seen = seen(get(url), None).await;
        assert_eq!((seen.target(), seen.header("host")), (target, Some(host)), "{url}");
        let whole = String::from_utf8_lossy(&seen.head).into_owned();
        assert!(!whole.contains("secret") && !whole.to_lowercase().contains("proxy"), "{whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forward_proxy_gets_the_absolute_form_and_its_credentials() {
    for (url, target, host) in [
        ("http://a.test", "http://a.test/", "a.test"),
        ("http://user:secret@A.test:80/p?q", "http://a.test/p?q", "a.test"),
        ("http://[::1]:8080/", "http://[::1]:8080/", "[::1]:8080"),
    ] {
        for credentials in [None, Some("Basic dTpw")] {
            let seen = seen(get(url), Some(credentials)).await;
            assert_eq!((seen.target(), seen.header("host")), (target, Some(host)), "{url}");
            assert_eq!(seen.header("proxy-authorization"), credentials);
            assert!(!String::from_utf8_lossy(&seen.head).contains("secret"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_names_host_and_port_and_nothing_else() {
    for (url, target) in [
        ("http://a.test", "a.test:80"),
        ("https://a.test/ignored", "a.test:443"),
        ("http://a.test:8080", "a.test:8080"),
        ("https://[::1]", "[::1]:443"),
        ("http://h80", "h80:80"),
    ] {
        let seen = seen(request("CONNECT", url, Body::empty()), None).await;
        assert_eq!(seen.target(), target);
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_host_is_kept() {
    for proxy in [None, Some(None)] {
        let mut request = get("http://a.test/");
        request.headers_mut().insert("host", HeaderValue::from_static("other.test:99"));
        let seen = seen(request, proxy).await;
        let hosts: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "host").map(|(_, host)| host).collect();
        assert_eq!(hosts, ["other.test:99"]);
        // The proxy still learns where to go from the target.
        assert_eq!(seen.target(), if proxy.is_some() { "http://a.test/" } else { "/" });
    }
}

#[tokio::test(start_paused = true)]
async fn http_1_0_is_spoken_when_asked_for() {
    let mut old = request("POST", "http://a.test/", Body::from("body"));
    *old.version_mut() = Version::HTTP_10;
    let seen = seen(old, None).await;
    assert_eq!((seen.line.as_str(), seen.header("content-length")), ("POST / HTTP/1.0", Some("4")));
    assert_eq!((seen.header("host"), seen.header("transfer-encoding")), (Some("a.test"), None));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_none_fails_before_anything_is_connected() {
    let server = server([Step::ReadHead, Step::send(OK)]);
    for url in ["/relative", "ftp://a.test/", "http://a.test:0/"] {
        let error = plain(server.connector()).oneshot(get(url)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);
}
