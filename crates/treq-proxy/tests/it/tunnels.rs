use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceExt};
use treq_core::{BoxError, HttpVersion, Kind, Resend};
use treq_proxy::{Proxies, ProxyLayer, ProxyRefused};
use treq_testing::{RawServer, Step};

use crate::support::{Echo, Net, connect, proxy, target, whole};

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const CHALLENGE: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 5\r\n\r\nsorry";

fn answer(text: impl Into<bytes::Bytes>) -> Vec<Step> {
    vec![Step::ReadHead, Step::send(text)]
}

#[tokio::test]
async fn what_is_written_behind_the_answer_reaches_the_origin() {
    let script = vec![Step::ReadHead, Step::send(OPEN), Step::ReadBytes(5), Step::send("reply"), Step::Close];
    let (connected, server, net) = connect(proxy("http://u:p@p.test:3128"), "https://a.test", &[script]).await;
    let mut connected = connected.unwrap();
    assert!(connected.forward.is_none() && connected.tls.is_none());
    connected.io.write_all(b"hello").await.unwrap();
    let mut text = String::new();
    connected.io.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "reply");
    assert_eq!(net.asked(), ["http://p.test:3128"]);
    let head = server.requests()[0].head.clone();
    let want = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nproxy-authorization: Basic dTpw\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&head), want);
    assert_eq!(server.connection(0).extra, "hello");
}

#[tokio::test]
async fn first_bytes_in_the_clear_are_kept_wherever_the_answer_is_cut() {
    // A length that means nothing here; and an interim answer first.
    let text =
        "HTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\nfirst";
    for cut in 0..=text.len() {
        let script = [Step::ReadHead, Step::send_split(text, [cut]), Step::Close];
        let server = RawServer::builder().connection(script).start_in_memory();
        let layer = ProxyLayer::new(Proxies::all(proxy("p.test")));
        let mut target = target("http://a.test");
        target.http_version = HttpVersion::Http2;
        let mut connected = layer.layer(server.connector()).oneshot(target).await.unwrap();
        let mut text = String::new();
        connected.io.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "first", "cut at {cut}");
        assert_eq!(server.requests()[0].line, "CONNECT a.test:80 HTTP/1.1");
    }
}

#[tokio::test]
async fn what_is_no_tunnel_is_an_error_and_the_connection_is_closed() {
    let flood = format!("HTTP/1.1 200 OK\r\n{}", "X-A: b\r\n".repeat(4000));
    let interims = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    for (text, status, named) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://b.test/\r\nContent-Length: 4\r\n\r\nevil", Some(302), "302"),
        ("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", Some(407), "does not take the credentials"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Some(403), "403"),
        ("HTTP/1.1 502 Bad\r\n\r\n", Some(502), "502"),
        ("HTTP/1.1 101 Switching\r\n\r\n", Some(101), "101"),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", None, "19 bytes behind"),
        ("HTTP/1.1 200 OK\r\nA: b", None, "amid its answer"),
        ("", None, "without an answer"),
        ("\x05\x00", None, "HTTP/1"),
        (&flood, None, "8192 bytes"),
        (&interims, None, "8 interim"),
    ] {
        let script = vec![Step::ReadHead, Step::send(text.to_owned()), Step::HalfClose, Step::ReadToEnd];
        let (connected, server, net) = connect(proxy("http://u:s3cret@p.test"), "https://a.test/x?q", &[script]).await;
        let error = connected.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Proxy, Resend::Safe), "{text}");
        assert_eq!(error.find::<ProxyRefused>().and_then(ProxyRefused::status).map(|status| status.as_u16()), status);
        let told = error.to_string();
        for part in [named, "http://…@p.test:80", "a.test:443"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(!whole(&error).contains("s3cret"), "{error:?}");
        server.wait_closed().await;
        assert_eq!(net.asked().len(), 1);
    }
}

#[tokio::test]
async fn who_gave_no_credentials_is_told_how() {
    let (connected, ..) = connect(proxy("p"), "https://a.test", &[answer("HTTP/1.1 407 No\r\n\r\n")]).await;
    let error = connected.unwrap_err();
    assert!(error.to_string().contains("http://user:password@"), "{error}");
}

#[tokio::test]
async fn a_challenge_is_answered_on_the_connection_that_stays_open() {
    let chunked =
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n";
    for text in [CHALLENGE, chunked] {
        for cut in 0..text.len() {
            let echo = Arc::new(Echo { first: cut % 2 == 0, ..Echo::default() });
            let script = vec![Step::ReadHead, Step::send_split(text, [cut]), Step::ReadHead, Step::send(OPEN)];
            let (connected, server, net) =
                connect(proxy("p").auth(Arc::clone(&echo)), "https://a.test", &[script]).await;
            connected.unwrap();
            assert_eq!(net.asked().len(), 1, "cut at {cut}");
            let requests = server.requests();
            let fields: Vec<_> = requests.iter().map(|request| request.header("proxy-authorization")).collect();
            let first = echo.first.then_some("first");
            assert_eq!(fields, [first, Some("own CONNECT a.test:443")]);
            assert_eq!(*echo.accepted.lock().unwrap(), ["200 own CONNECT a.test:443"]);
        }
    }
}

#[tokio::test]
async fn or_else_on_one_fresh_connection() {
    let closing = "HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nConnection: close\r\nContent-Length: 5\r\n\r\nsorry";
    let large = "HTTP/1.1 407 No\r\nProxy-Authenticate: Own\r\nContent-Length: 20000\r\n\r\n";
    let more = format!("{CHALLENGE}HTTP/1.1 200 OK\r\n\r\n");
    for script in [
        answer(closing),
        answer(large),
        answer("HTTP/1.0 407 No\r\nProxy-Authenticate: Own\r\n\r\nsorry"),
        // Nobody has asked for what follows the body.
        answer(more),
        // It breaks off within the body, or says nothing of closing and closes.
        vec![Step::ReadHead, Step::send(CHALLENGE.trim_end_matches("rry")), Step::Close],
        vec![Step::ReadHead, Step::send(CHALLENGE), Step::Close],
        vec![Step::ReadHead, Step::send(CHALLENGE), Step::ReadHead, Step::Reset],
    ] {
        let scripts = [script.clone(), answer(OPEN)];
        let (connected, server, net) = connect(proxy("p").auth(Echo::default()), "https://a.test", &scripts).await;
        connected.unwrap();
        assert_eq!(net.asked().len(), 2, "{script:?}");
        let requests = server.requests();
        assert_eq!(requests.last().unwrap().header("proxy-authorization"), Some("own CONNECT a.test:443"));
        assert_eq!(requests[0].header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn a_second_challenge_is_an_error_and_there_is_no_loop_of_connections() {
    let close = vec![Step::ReadHead, Step::Close];
    let challenge = vec![Step::ReadHead, Step::send(CHALLENGE), Step::Close];
    let again = vec![Step::ReadHead, Step::send(CHALLENGE), Step::ReadHead, Step::send(CHALLENGE)];
    for (scripts, connections) in [
        (vec![close.clone(); 3], 1),
        (vec![again], 1),
        (vec![challenge.clone(), challenge.clone(), close.clone()], 2),
        (vec![challenge, close.clone(), close], 2),
    ] {
        let (connected, server, net) = connect(proxy("p").auth(Echo::default()), "https://a.test", &scripts).await;
        assert_eq!(connected.unwrap_err().kind(), Kind::Proxy);
        assert_eq!(net.asked().len(), connections);
        server.wait_closed().await;
    }
}

#[tokio::test]
async fn an_error_of_the_credentials_comes_before_any_connection() {
    struct Broken;
    impl treq_core::auth::Scheme for Broken {
        fn authorize(&self, _: &mut treq_core::auth::Outgoing<'_>) -> Result<treq_core::auth::Step, BoxError> {
            Err("no random bytes".into())
        }
    }
    let (connected, _server, net) = connect(proxy("p").auth(Broken), "https://a.test", &[]).await;
    let error = connected.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(whole(&error).contains("no random bytes"), "{error:?}");
    assert!(net.asked().is_empty());
}

#[tokio::test]
async fn tunnels_to_an_https_proxy_go_over_the_other_connector() {
    let (plain, secure) = (RawServer::builder().start_in_memory(), RawServer::builder().connection(answer(OPEN)));
    let secure = secure.start_in_memory();
    let (plain, tls) = (Net::of(&plain), Net::of(&secure));
    let layer = ProxyLayer::new(Proxies::all(proxy("https://u:p@p.test"))).secure(tls.clone());
    let connected = layer.layer(plain.clone()).oneshot(target("https://a.test")).await.unwrap();
    assert!(connected.io.secure().is_some() && connected.io.plain().is_none());
    assert_eq!((plain.asked().len(), tls.asked()), (0, vec!["https://p.test".to_owned()]));
    assert_eq!(tls.wishes(), [HttpVersion::Http1]);
    assert_eq!(secure.requests()[0].line, "CONNECT a.test:443 HTTP/1.1");
}
