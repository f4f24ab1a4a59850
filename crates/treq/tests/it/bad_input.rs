//! What cannot be sent is refused by name, and nothing goes out.

use std::time::Duration;

use treq::error::Resend;
use treq::{Client, Kind};
use treq_testing::{RawServer, Step};

use crate::chain;

#[tokio::test]
async fn bad_urls_are_named() {
    let server = RawServer::builder().start().await;
    let port = server.addr().port();
    for (url, part) in [
        (String::new(), "empty"),
        ("/only/a/path".to_owned(), "\"/only/a/path\""),
        ("example.test/x".to_owned(), "\"example.test/x\""),
        (format!("ftp://127.0.0.1:{port}/"), "\"ftp\""),
        (format!("file:///etc/hosts?{port}"), "\"file\""),
        ("http://127.0.0.1:0/".to_owned(), "1 to 65535"),
        ("http://127.0.0.1:65536/".to_owned(), "1 to 65535"),
        ("http://127.0.0.1:-1/".to_owned(), "1 to 65535"),
        ("http://".to_owned(), "http://"),
        ("http://[::1".to_owned(), "http://[::1"),
        ("http://a b/".to_owned(), "a b"),
        ("http://999.1.1.1/".to_owned(), "999.1.1.1"),
        // What of it is a password is not known, and no part of it is to be sent.
        ("http://corp\\jane:pass#word@127.0.0.1/".to_owned(), "%5C"),
        ("http://corp\\jane:pass?word@127.0.0.1/".to_owned(), "%5C"),
        ("http://corp\\\\jane:password@127.0.0.1/".to_owned(), "%5C"),
        ("http://corp\\jane@corp.test:password@127.0.0.1/".to_owned(), "%5C"),
        ("http://corp\\ou\\jane:password@127.0.0.1/".to_owned(), "%5C"),
        ("http:/\t/corp\\jane:password@127.0.0.1/".to_owned(), "%5C"),
    ] {
        let error = treq::get(&url).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{url}: {error}");
        assert!(error.to_string().contains(part), "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_service_call_with_a_bad_url_is_refused_too() {
    use tower::{Service as _, ServiceExt};

    let mut client = Client::new();
    for url in ["/relative", "ftp://a.test/", "http://127.0.0.1:0/", "http://127.0.0.1:70000/"] {
        let request = http::Request::get(url).body(treq::Body::empty()).unwrap();
        let error = ServiceExt::<http::Request<treq::Body>>::ready(&mut client).await.unwrap().call(request).await;
        assert_eq!(error.unwrap_err().kind(), Kind::Builder, "{url}");
    }
}

#[tokio::test]
async fn bad_fields_and_methods_are_named() {
    let server = RawServer::builder().start().await;
    let url = server.url("/");
    for (name, value, part) in [
        ("bad name", "x", "\"bad name\""),
        ("", "x", "\"\""),
        ("na\r\nme", "x", "\\r\\n"),
        ("x-a", "a\rb", "0x0d at byte 1"),
        ("x-a", "a\nb", "0x0a at byte 1"),
        ("x-a", "ab\0", "0x00 at byte 2"),
    ] {
        let error = treq::get(&url).header(name, value).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder);
        assert!(error.to_string().contains(part), "{error}");
        let error = treq::get(&url).headers([(name, value)]).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = Client::builder().header("bad name", "x").build().unwrap_err();
    assert!(error.to_string().contains("\"bad name\""), "{error}");
    for method in ["", "GET /", "G\r\nT", "GÉT", "A B"] {
        let error = treq::request(method, &url).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{method}");
        assert!(error.to_string().contains(&format!("{method:?}")), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn framing_that_contradicts_the_body_is_refused() {
    let server = RawServer::builder().start().await;
    for (name, value) in [("content-length", "3"), ("content-length", "x"), ("transfer-encoding", "gzip")] {
        let error = treq::post(server.url("/")).header(name, value).body("four").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{name}: {value}: {error}");
        assert!(error.to_string().contains(value), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_does_not_serialize_to_pairs_is_refused() {
    let error = treq::get("http://127.0.0.1:9/").params("text").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder, "{error}");
    for params in [serde_json::json!({"a": 1, "rooms": null}), serde_json::json!([["a", 1], ["rooms", {"b": 2}]])] {
        let error = treq::get("http://127.0.0.1:9/").params(&params).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder, "{error}");
        assert!(error.to_string().contains("\"rooms\""), "{error}");
    }
    let error = treq::post("http://127.0.0.1:9/").form(7).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder, "{error}");
    let map = std::collections::HashMap::from([(vec![1], 1)]);
    let error = treq::post("http://127.0.0.1:9/").json(&map).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Builder, "{error}");
}

#[tokio::test]
async fn numbers_that_json_lacks_are_refused_wherever_they_hide() {
    #[derive(serde::Serialize)]
    enum Cup {
        Full { grams: f32 },
        Two(f64, Option<f64>),
    }
    let map = |number: f64| std::collections::BTreeMap::from([("cups", vec![Some((1, number)), None])]);
    for (refused, named) in [
        (treq::post("http://127.0.0.1:9/").json(f64::NAN), "NaN"),
        (treq::post("http://127.0.0.1:9/").json(map(f64::NEG_INFINITY)), "-inf"),
        (treq::post("http://127.0.0.1:9/").json(&Cup::Full { grams: f32::INFINITY }), "inf"),
        (treq::post("http://127.0.0.1:9/").json(&[Cup::Two(1.0, Some(f64::NAN))]), "NaN"),
    ] {
        let error = refused.await.unwrap_err();
        assert_eq!(error.kind(), Kind::Builder);
        assert!(format!("{error:?}").contains(&format!("{named} is no number of JSON")), "{error:?}");
    }
    let server = treq_httpbin::Server::start().await.unwrap();
    let mut taken = treq::post(server.url("/anything")).json(&(map(0.5), "null", Cup::Two(2.0, None))).await.unwrap();
    let echo: serde_json::Value = taken.json().await.unwrap();
    assert_eq!(echo["data"], r#"[{"cups":[[1,0.5],null]},"null",{"Two":[2.0,null]}]"#);
}

#[tokio::test]
async fn hosts_and_ports_that_do_not_answer_are_named() {
    let error = treq::get("http://no-such-host.invalid/").await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe), "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = treq::get(format!("http://{gone}/")).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::Safe), "{error}");
    assert!(error.to_string().contains(&gone.to_string()), "{error}");
    let io = error.find::<std::io::Error>().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// What a server sends, and what the caller is told.
#[tokio::test]
async fn servers_that_break_the_rules_are_told_apart() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(101));
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(70_000));
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (sent, kind, part) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", Kind::Protocol, "not HTTP"),
        ("\x16\x03\x01\x02\x00 garbage\r\n\r\n", Kind::Protocol, "not HTTP"),
        ("", Kind::Connect, "closed the connection"),
        ("HTTP/1.1 20", Kind::Connect, "closed the connection"),
        (&many, Kind::Protocol, "limit"),
        (&large, Kind::Protocol, "limit"),
        (&flood, Kind::Protocol, "16 interim"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", Kind::Protocol, "content-length"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Kind::Body, "cut"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Kind::Body, "framing"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", Kind::Body, "cut"),
    ] {
        let server = RawServer::builder()
            .connection([Step::ReadRequest, Step::send(sent.to_owned()), Step::Close])
            .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")])
            .start()
            .await;
        let client = Client::new();
        let exchange = async { client.get(server.url("/x?secret=1")).await?.content().await };
        let error = tokio::time::timeout(Duration::from_secs(5), exchange).await.unwrap().unwrap_err();
        let shown: String = sent.chars().take(60).collect();
        assert_eq!(error.kind(), kind, "{shown:?}: {}", chain(&error));
        assert!(chain(&error).contains(part), "{shown:?}: {}", chain(&error));
        assert!(error.to_string().contains("/x?…") && !chain(&error).contains("secret"), "{error}");
        // The same client is none the worse for it.
        assert_eq!(client.get(server.url("/")).await.unwrap().text().await.unwrap(), "ok");
    }
}
