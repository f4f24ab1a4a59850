//! Credentials through the whole client.

use treq::auth::{AuthLayer, Basic, Bearer, Digest};
use treq::{Client, Kind, Origin};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn answering<S: Into<String>>(answers: impl IntoIterator<Item = S>) -> RawServer {
    let steps = answers.into_iter().flat_map(|answer| [Step::ReadRequest, Step::send(answer.into())]);
    RawServer::builder().connection(steps).repeat_last().start_in_memory()
}

/// Who was sent what, in order.
fn sent(server: &RawServer) -> Vec<(String, String)> {
    let sent = |name, request: &treq_testing::RawRequest| request.header(name).unwrap_or("-").to_owned();
    server.requests().iter().map(|request| (sent("host", request), sent("authorization", request))).collect()
}

#[tokio::test]
async fn basic_and_bearer_open_what_asks_for_them() {
    let server = Server::start().await.unwrap();
    let url = server.url("/basic-auth/ada/s3cret");
    assert_eq!(treq::get(&url).await.unwrap().status(), 401);
    assert_eq!(treq::get(&url).basic_auth("ada", "wrong").await.unwrap().status(), 401);
    assert_eq!(treq::get(&url).basic_auth("ada", "s3cret").await.unwrap().status(), 200);
    let replaced = treq::get(&url).header("authorization", "Basic other").basic_auth("ada", "s3cret");
    assert_eq!(replaced.await.unwrap().status(), 200);
    let in_url = url.replace("http://", "http://ada:s3cret@");
    let response = treq::get(in_url).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.url().to_string().contains("ada:s3cret@"));
    let bearer = treq::get(server.url("/bearer")).bearer_auth("7f");
    assert!(bearer.await.unwrap().text().await.unwrap().contains("7f"));
    let colon = treq::get(&url).basic_auth("a:b", "c").await.unwrap_err();
    assert_eq!(colon.kind(), Kind::Auth, "{colon:?}");
}

#[tokio::test]
async fn credentials_of_a_client_go_to_their_origin_only() {
    let server = answering([OK, OK]);
    let home = Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap();
    let error = Client::builder().credentials("ftp://a.test", Bearer::new("7f").unwrap()).build().unwrap_err();
    assert!(error.kind() == Kind::Builder && error.to_string().contains("ftp"), "{error}");
    let url = server.url("/x");
    for made in [
        Client::builder().credentials(&url, Bearer::new("7f").unwrap()),
        Client::builder().credentials(url, Bearer::new("7f").unwrap()),
        Client::builder().credentials(&home, Bearer::new("7f").unwrap()),
    ] {
        assert!(made.build().is_ok());
    }
    let auth = AuthLayer::new().credentials(home, Bearer::new("7f").unwrap());
    let client = Client::builder().connector(server.connector()).auth_layer(auth).build().unwrap();
    for url in ["http://a.test/", "http://b.test/", "http://a.test:81/", "http://a.test/2"] {
        client.get(url).await.unwrap();
    }
    let sent: Vec<_> = sent(&server).into_iter().map(|(host, field)| format!("{host} {field}")).collect();
    assert_eq!(sent, ["a.test Bearer 7f", "b.test -", "a.test:81 -", "a.test Bearer 7f"]);
}

#[tokio::test]
async fn what_a_chain_has_left_behind_does_not_come_back() {
    let away = "HTTP/1.1 302 Found\r\nLocation: http://b.test/\r\nContent-Length: 0\r\n\r\n";
    let back = "HTTP/1.1 302 Found\r\nLocation: http://a.test/\r\nContent-Length: 0\r\n\r\n";
    // A -> B -> A: each host plays its own connection, in this order.
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(away), Step::ReadRequest, Step::send(OK)])
        .connection([Step::ReadRequest, Step::send(back)])
        .start_in_memory();
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let basic = Basic::new("ada", "s3cret").unwrap();
    let response = client.get("http://a.test/").auth(basic).await.unwrap();
    assert_eq!((response.status().as_u16(), response.history().len()), (200, 2));
    let sent: Vec<_> = sent(&server).into_iter().map(|(host, field)| (host, field != "-")).collect();
    let expected = [("a.test", true), ("a.test", false), ("b.test", false)].map(|(host, with)| (host.to_owned(), with));
    let mut sorted = sent.clone();
    sorted.sort_by_key(|(host, with)| (host.clone(), !with));
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn digest_answers_a_challenge_once_and_then_unasked() {
    let challenge = "HTTP/1.1 401 No\r\nSet-Cookie: sid=1\r\nContent-Length: 4\r\n\
        WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n\r\nover";
    let server = answering([challenge, OK, OK]);
    let home = Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap();
    let auth = AuthLayer::new().credentials(home, treq::auth::Digest::new("ada", "s3cret"));
    let client = Client::builder().connector(server.connector()).auth_layer(auth).build().unwrap();
    assert_eq!(client.post("http://a.test/x").body("again").await.unwrap().status(), 200);
    assert_eq!(client.get("http://a.test/y").await.unwrap().status(), 200);
    let fields: Vec<_> = sent(&server).into_iter().map(|(_, field)| field).collect();
    assert!(fields[0] == "-" && fields[1].starts_with("Digest ") && fields[2].starts_with("Digest "), "{fields:?}");
    assert!(fields[1].contains("nc=00000001") && fields[2].contains("nc=00000002"), "{fields:?}");
    // The cookie of the 401 is there for the answer to it, and the body was sent again.
    let requests = server.requests();
    assert_eq!((requests[1].header("cookie"), &requests[1].body[..]), (Some("sid=1"), &b"again"[..]));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_netrc_is_used_where_nothing_else_is_said() {
    let server = answering([OK]);
    let netrc = treq::auth::Netrc::parse("machine a.test login ada password s3cret").unwrap();
    let auth = AuthLayer::new().netrc(netrc);
    let client = Client::builder().connector(server.connector()).auth_layer(auth).build().unwrap();
    client.get("http://a.test/").await.unwrap();
    client.get("http://b.test/").await.unwrap();
    let fields = sent(&server);
    assert!(fields[0].1.starts_with("Basic ") && fields[1].1 == "-", "{fields:?}");
}

#[tokio::test]
async fn credentials_of_a_request_win_over_a_field_of_the_client() {
    let server = answering([OK, OK, OK, OK, OK]);
    let client = Client::builder().connector(server.connector()).header("authorization", "Bearer CLIENT");
    let client = client.build().unwrap();
    client.get("http://a.test/").basic_auth("ada", "s3cret").await.unwrap();
    client.get("http://a.test/").bearer_auth("own").await.unwrap();
    client.get("http://ada:s3cret@a.test/").await.unwrap();
    client.get("http://a.test/").header("authorization", "Own field").await.unwrap();
    client.get("http://a.test/").await.unwrap();
    let fields: Vec<_> = sent(&server).into_iter().map(|(_, field)| field).collect();
    let basic = "Basic YWRhOnMzY3JldA==";
    assert_eq!(fields, [basic, "Bearer own", basic, "Own field", "Bearer CLIENT"]);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_credentials_of_its_own() {
    let challenge = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\
        WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n\r\n";
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    // The challenge comes within an attempt, and does not count for one.
    let server = answering([challenge, busy, busy, OK]);
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let request = client.get("http://a.test/x").auth(treq::auth::Digest::new("ada", "s3cret")).attempts(3);
    assert_eq!(request.await.unwrap().status(), 200);
    let fields: Vec<_> = sent(&server).into_iter().map(|(_, field)| field).collect();
    assert_eq!((fields.len(), fields[0].as_str()), (4, "-"));
    for (at, field) in fields[1..].iter().enumerate() {
        assert!(field.contains(&format!("nc=0000000{}", at + 1)), "{fields:?}");
    }
    let nonces: std::collections::BTreeSet<_> =
        fields[1..].iter().map(|field| field.split("cnonce=").nth(1).unwrap().to_owned()).collect();
    assert_eq!(nonces.len(), 3, "{fields:?}");
}

/// Given in an `Arc`, it is challenged once; given anew, each time.
#[tokio::test]
async fn a_digest_that_requests_share_is_challenged_once() {
    let server = Server::start().await.unwrap();
    let url = server.url("/digest-auth/auth/ada/s3cret");
    for (shared, challenges) in [(true, 1), (false, 3)] {
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = std::sync::Arc::clone(&seen);
        let counting = tower::layer::layer_fn(move |inner: treq::stack::BoxService| {
            let count = std::sync::Arc::clone(&count);
            tower::ServiceExt::map_response(inner, move |response: http::Response<treq::body::ResponseBody>| {
                count.fetch_add(u32::from(response.status() == 401), std::sync::atomic::Ordering::Relaxed);
                response
            })
        });
        let client = Client::builder().agent_layer(counting).build().unwrap();
        let digest = std::sync::Arc::new(Digest::new("ada", "s3cret"));
        for _ in 0..3 {
            let request = client.get(&url);
            let request = match shared {
                true => request.auth(std::sync::Arc::clone(&digest)),
                false => request.auth(Digest::new("ada", "s3cret")),
            };
            assert_eq!(request.await.unwrap().status(), 200);
        }
        assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), challenges, "{shared}");
    }
}
