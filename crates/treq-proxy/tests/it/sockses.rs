use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceExt};
use treq_core::{Error, Kind, resolve_fn};
use treq_proxy::{Proxies, ProxyLayer, ProxyRefused, ProxyReply};
use treq_testing::{RawServer, Step};

use crate::support::{Echo, Net, connect, proxy, target, whole};

const BOUND: &[u8] = b"\x05\x00\x00\x01\0\0\0\0\0\0";

/// Takes so many bytes and sends these, step by step; then what follows is the origin's.
fn script(steps: &[(usize, &[u8])]) -> Vec<Step> {
    let pairs = steps.iter().flat_map(|(len, reply)| [Step::ReadBytes(*len), Step::send(reply.to_vec())]);
    pairs.chain([Step::ReadBytes(2), Step::send("ok"), Step::Close]).collect()
}

#[tokio::test]
async fn each_version_asks_in_its_own_words() {
    for (address, url, steps, want) in [
        (
            "socks5h://p",
            "https://a.test",
            script(&[(3, b"\x05\x00"), (13, BOUND)]),
            &b"\x05\x01\x00\x05\x01\x00\x03\x06a.test\x01\xbb"[..],
        ),
        (
            "socks5h://u:pw@p",
            "http://a.test:81",
            script(&[(4, b"\x05\x02"), (6, b"\x01\x00"), (13, BOUND)]),
            b"\x05\x02\x00\x02\x01\x01u\x02pw\x05\x01\x00\x03\x06a.test\x00\x51",
        ),
        (
            "socks5h://p",
            "http://192.0.2.7",
            script(&[(3, b"\x05\x00"), (10, BOUND)]),
            b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50",
        ),
        (
            "socks5h://p",
            "http://[2001:db8::7]",
            script(&[(3, b"\x05\x00"), (22, BOUND)]),
            b"\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x00\x50",
        ),
        (
            "socks4a://me@p",
            "http://a.test",
            script(&[(18, b"\0\x5a\0\0\0\0\0\0")]),
            b"\x04\x01\x00\x50\0\0\0\x01me\0a.test\0",
        ),
        ("socks4://p", "http://192.0.2.7", script(&[(9, b"\0\x5a\0\0\0\0\0\0")]), b"\x04\x01\x00\x50\xc0\0\x02\x07\0"),
    ] {
        let (connected, server, net) = connect(proxy(address), url, &[steps]).await;
        let mut connected = connected.unwrap();
        assert!(connected.forward.is_none(), "a SOCKS proxy sees no request");
        connected.io.write_all(b"hi").await.unwrap();
        let mut text = String::new();
        connected.io.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "ok", "{address}");
        let extra = server.connection(0).extra;
        assert_eq!(extra.strip_suffix(b"hi"), Some(want), "{address}");
        assert_eq!(net.asked(), ["http://p:1080"]);
    }
}

#[tokio::test]
async fn what_the_origin_says_first_is_not_swallowed() {
    let reply = [BOUND, b"220 hello"].concat();
    for cut in 0..reply.len() {
        let steps = vec![
            Step::ReadBytes(3),
            Step::send(&b"\x05\x00"[..]),
            Step::ReadBytes(13),
            Step::send_split(reply.clone(), [cut]),
            Step::Close,
        ];
        let (connected, _server, _) = connect(proxy("socks5h://p"), "https://a.test", &[steps]).await;
        let mut text = String::new();
        connected.unwrap().io.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "220 hello", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_words() {
    for (reply, want, named) in [
        (&b"\x05\x00\x05\x02\x00"[..], ProxyReply::Socks5(2), "rules do not allow"),
        (b"\x05\x00\x05\x05\x00", ProxyReply::Socks5(5), "refuses the connection"),
        (b"\x05\x00\x05\x08", ProxyReply::Socks5(8), "type of address"),
        (b"\x05\x00\x05\x77", ProxyReply::Socks5(0x77), "119"),
        (b"\x05\xff", ProxyReply::SocksMethods, "neither"),
        (b"\x05\x02\x01\x01", ProxyReply::SocksLogin(1), "password"),
    ] {
        let steps = vec![Step::send(reply.to_vec()), Step::ReadToEnd];
        let (connected, server, _) = connect(proxy("socks5h://u:s3cret@p"), "https://a.test", &[steps]).await;
        let error = connected.unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy);
        assert_eq!(error.find::<ProxyRefused>().map(ProxyRefused::reply), Some(want));
        assert!(error.to_string().contains(named), "{error}");
        assert!(!whole(&error).contains("s3cret"), "{error:?}");
        server.wait_closed().await;
    }
}

#[tokio::test]
async fn a_malformed_reply_is_an_error_and_not_a_wait() {
    for (address, reply) in [
        ("socks5h://p", &b"\x05\x00\x05\x00\x00\x09"[..]),
        ("socks5h://p", b"\x04"),
        ("socks5h://p", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks4a://p", b"\x05"),
        ("socks4a://p", b"\x00\x00"),
    ] {
        // The connection stays open: the error must not need its end.
        let (connected, server, _) =
            connect(proxy(address), "https://a.test", &[vec![Step::send(reply.to_vec())]]).await;
        let error = connected.unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy);
        assert!(error.to_string().contains("does not speak SOCKS"), "{error}");
        assert!(error.find::<ProxyRefused>().is_none());
        server.wait_closed().await;
    }
    for reply in [&b""[..], b"\x05", b"\x05\x00", b"\x05\x00\x05\x00\x00\x03\xffshort"] {
        let steps = vec![Step::send(reply.to_vec()), Step::HalfClose, Step::ReadToEnd];
        let (connected, ..) = connect(proxy("socks5h://p"), "https://a.test", &[steps]).await;
        let error = connected.unwrap_err();
        assert!(error.to_string().contains("amid the SOCKS handshake"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error_before_anything_is_connected() {
    let long = format!("http://{}/", ["x".repeat(60).as_str(); 5].join("."));
    for (address, url, named) in [
        ("socks5h://p", long.as_str(), "304 bytes"),
        ("socks5://p", &long, "304 bytes"),
        ("socks4a://p", &long, "304 bytes"),
        ("socks4://p", "http://[::1]", "socks5"),
        ("socks4a://p", "http://[::1]", "socks5"),
    ] {
        let (connected, _server, net) = connect(proxy(address), url, &[]).await;
        let error = connected.unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy);
        assert!(error.to_string().contains(named), "{error}");
        assert!(net.asked().is_empty());
    }
    let (connected, _server, net) = connect(proxy("socks5h://p").auth(Echo::default()), "http://a.test", &[]).await;
    assert!(connected.unwrap_err().to_string().contains("SOCKS takes a user name"));
    assert!(net.asked().is_empty());
}

/// Connects through a proxy that is given addresses, of which `a.test` has these.
async fn resolved(address: &str, addrs: &[&str], scripts: &[Vec<Step>]) -> (Result<(), Error>, RawServer, Vec<String>) {
    let server = scripts.iter().fold(RawServer::builder(), |builder, script| builder.connection(script.clone()));
    let server = server.start_in_memory();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| SocketAddr::new(addr.parse().unwrap(), 0)).collect();
    let noted = Arc::clone(&asked);
    let layer = ProxyLayer::new(Proxies::all(proxy(address))).resolver(resolve_fn(move |name| {
        noted.lock().unwrap().push(format!("{}:{}", name.host(), name.port()));
        let addrs = addrs.clone();
        async move { if addrs.is_empty() { Err("no such name".into()) } else { Ok(addrs.into()) } }
    }));
    let connected = layer.layer(Net::of(&server)).oneshot(target("http://a.test")).await;
    let asked = asked.lock().unwrap().clone();
    (connected.map(drop), server, asked)
}

#[tokio::test]
async fn names_are_resolved_here_where_the_scheme_says_so() {
    let v4 = b"\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50";
    let steps = || script(&[(3, b"\x05\x00"), (10, BOUND)]);
    let (connected, server, asked) = resolved("socks5://p", &["10.0.0.1", "10.0.0.2"], &[steps()]).await;
    connected.unwrap();
    assert_eq!(asked, ["a.test:80"]);
    server.wait_closed().await;
    assert_eq!(server.connection(0).extra, &v4[..]);
    // SOCKS4 takes the first address that it can say.
    let steps = script(&[(9, b"\0\x5a\0\0\0\0\0\0")]);
    let (connected, server, _) = resolved("socks4://p", &["2001:db8::1", "10.0.0.1"], &[steps]).await;
    connected.unwrap();
    server.wait_closed().await;
    assert_eq!(server.connection(0).extra, &b"\x04\x01\x00\x50\x0a\0\0\x01\0"[..]);
    for (address, addrs, named) in
        [("socks4://p", &["2001:db8::1"][..], "IPv4 address"), ("socks5://p", &[], "socks5h leaves that to the proxy")]
    {
        let error = resolved(address, addrs, &[]).await.0.unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn an_address_of_the_other_family_is_tried_where_the_first_cannot_be_reached() {
    let unreachable =
        || vec![Step::ReadBytes(3), Step::send(&b"\x05\x00"[..]), Step::ReadBytes(22), Step::send(&b"\x05\x03"[..])];
    let addrs = ["2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.2"];
    let good = script(&[(3, b"\x05\x00"), (10, BOUND)]);
    let (connected, server, _) = resolved("socks5://p", &addrs, &[unreachable(), good]).await;
    connected.unwrap();
    assert_eq!(server.connections(), 2);
    let bad = vec![Step::ReadBytes(3), Step::send(&b"\x05\x00"[..]), Step::ReadBytes(10), Step::send(&b"\x05\x04"[..])];
    let (connected, server, _) = resolved("socks5://p", &addrs, &[unreachable(), bad]).await;
    let error = connected.unwrap_err();
    assert_eq!(error.find::<ProxyRefused>().map(ProxyRefused::reply), Some(ProxyReply::Socks5(4)));
    assert_eq!(server.connections(), 2);
    // What the rules forbid is forbidden.
    let forbidden = vec![Step::send(&b"\x05\x00\x05\x02"[..])];
    let (connected, server, _) = resolved("socks5://p", &addrs, &[forbidden]).await;
    assert!(connected.is_err());
    assert_eq!(server.connections(), 1);
}
