//! What one makes of clients and their parts.

use crate::{lines, printed};

#[test]
fn custom_agent_adds_its_field() {
    assert_eq!(printed("custom_agent", &[]), "the server saw x-agent: \"mine\"\n");
}

#[test]
fn custom_decoder_is_offered_and_used() {
    let out = printed("custom_decoder", &[]);
    assert_eq!(out, "offered: \"gzip, deflate, br, zstd, rot13\"\ndecoded: true\n");
}

#[test]
fn layers_work_alone_over_three_kinds_of_service() {
    assert_eq!(printed("layer_over_hyper_util", &[]), "1 redirect to {\"cookies\":{\"tea\":\"green\"}}\n");
    assert_eq!(printed("layer_over_axum", &[]), "/login led to a page that saw sid=7f\n");
    assert_eq!(printed("layer_over_service_fn", &[]), "decoded: b\"hello\"\nand Timeout(Head)\n");
}

#[test]
fn connectors_go_both_ways() {
    let printed = printed("hyper_connector", &[]);
    let expected =
        "treq over hyper-util's TCP: 200 OK, HTTP/2.0\nhyper-util over treq's TCP and TLS: 200 OK, from 127.0.0.1:";
    assert!(printed.starts_with(expected), "{printed}");
}

#[test]
fn grpc_goes_over_the_client() {
    let calls = ["a pot of green tea", "t", "e", "a"];
    let mut expected = vec!["in the clear, with prior knowledge:"];
    expected.extend(calls);
    expected.push("over TLS:");
    expected.extend(calls);
    assert_eq!(lines("grpc"), expected);
}

#[test]
fn retries_happen_where_they_are_safe() {
    let expected = [
        "GET: 503 after 3",
        "a status that no second try mends: 404 after 1",
        "POST: 503 after 1",
        "POST with an Idempotency-Key: 503 after 3",
        "one request of any client: 503 after 2",
    ];
    assert_eq!(lines("retries"), expected);
}

#[test]
fn proxy_is_used_but_for_what_goes_directly() {
    let expected = [
        r#""http://shop.example/get" with "Basic YWRhOnMzY3JldA==""#,
        r#""http://other.example/get" with "Basic YWRhOnMzY3JldA==""#,
        "directly with null",
    ];
    assert_eq!(lines("proxy"), expected);
}

#[test]
fn socks_is_told_the_name() {
    let expected = ["418 I'm a teapot", "asked for [\"shop.example:80\"]", "a wrong password: Proxy"];
    assert_eq!(lines("socks"), expected);
}

#[cfg(unix)]
#[test]
fn unix_socket_answers_for_any_name() {
    assert_eq!(lines("unix_socket"), [r#""http://daemon/get?tea=green" at unix:the socket"#]);
}

#[test]
fn custom_endpoint_knows_its_services() {
    let expected = [r#""http://tea.service/get""#, "the registry knows no such service"];
    assert_eq!(lines("custom_endpoint"), expected);
}

#[test]
fn kept_connection_carries_one_request_after_the_other() {
    let expected = [
        "200 OK, true, used before: false",
        "200 OK, true, used before: true",
        "200 OK, true, used before: true",
        "still open: true",
    ];
    assert_eq!(lines("kept_connection"), expected);
}

#[test]
fn configured_pool_keeps_its_limits() {
    let expected = ["6 at a time over at most 2 connections: true", "on a connection of its own: true", "kept: 0"];
    assert_eq!(lines("configured_pool"), expected);
}

#[test]
fn https_trusts_whom_it_is_told_to() {
    assert_eq!(lines("https"), ["by the platform's roots: Tls", "with one more: HTTP/2.0, TLSv1_3"]);
}

/// A → B → A: what the caller meant for A does not go out again once B has chosen the URL, though no layer knows another.
#[tokio::test]
async fn five_layers_over_hyper_utils_client_send_no_credentials_that_came_back() {
    use http::Request;
    use http_body_util::{BodyExt as _, Empty};
    use hyper_util::client::legacy::{Client, connect::HttpConnector};
    use tower::{ServiceBuilder, ServiceExt as _};
    use treq_core::Origin;

    let server = treq_httpbin::Server::start().await.unwrap();
    let a = server.url("");
    let b = a.replace("127.0.0.1", "localhost");
    let origin = || Origin::from_uri(&a.parse().unwrap()).unwrap();
    let client =
        Client::builder(hyper_util::rt::TokioExecutor::new()).build::<_, Empty<bytes::Bytes>>(HttpConnector::new());
    let client = ServiceBuilder::new()
        .layer(treq_decode::DecodeLayer::new())
        .layer(treq_redirect::RedirectLayer::new())
        .layer(treq_retry::RetryLayer::new())
        .layer(treq_auth::AuthLayer::new().credentials(origin(), treq_auth::Bearer::new("s3cret").unwrap()))
        .layer(treq_cookies::CookiesLayer::new())
        .service(client);
    let to = |url: &str| form_urlencoded(url);
    let back = format!("{b}/redirect-to?url={}", to(&format!("{a}/headers")));
    for (url, carries) in [
        (format!("{a}/headers"), true),
        (format!("{a}/redirect-to?url={}", to(&format!("{a}/headers"))), true),
        (format!("{a}/redirect-to?url={}", to(&back)), false),
    ] {
        let mut request = Request::get(&url).body(Empty::new()).unwrap();
        let extra = treq_cookies::RequestCookies::new(origin()).with("tea", "s3cret-too").unwrap();
        request.extensions_mut().insert(extra);
        let response = client.clone().oneshot(request).await.unwrap();
        let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap();
        assert!(text.contains("\"Host\": \"127.0.0.1"), "{text}");
        assert_eq!((text.contains("Bearer s3cret"), text.contains("s3cret-too")), (carries, carries), "{url}: {text}");
    }
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
