use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Connected, Error, Kind, Peer, Phase, Resend, Target, TlsFacts};
use treq_proxy::{Proxies, Proxy, ProxyLayer};
use treq_testing::{RawServer, Step};

use crate::support::{Net, connect, proxy, target, whole};

#[tokio::test]
async fn requests_in_the_clear_want_the_absolute_form_and_basic() {
    for (text, field) in [
        ("http://p.test", None),
        ("http://u:p%40ss@p.test", Some("Basic dTpwQHNz")),
        ("http://u@p.test", Some("Basic dTo=")),
    ] {
        let (connected, server, net) = connect(proxy(text), "http://a.test:81", &[vec![Step::ReadToEnd]]).await;
        let connected = connected.unwrap();
        let authorization = connected.forward.as_ref().unwrap().authorization.clone();
        assert_eq!(authorization.as_ref().map(|value| value.to_str().unwrap()), field);
        assert!(authorization.is_none_or(|value| value.is_sensitive()));
        assert_eq!(net.asked(), ["http://p.test"]);
        drop(connected);
        server.wait_closed().await;
        assert!(server.connection(0).extra.is_empty(), "nothing is written yet");
    }
}

#[tokio::test]
async fn a_tunnel_is_opened_in_the_clear_too_where_that_is_asked_for() {
    let script = vec![Step::ReadHead, Step::send("HTTP/1.1 200 OK\r\n\r\n")];
    let (connected, server, _) = connect(proxy("p.test").always_tunnel(true), "http://a.test", &[script]).await;
    assert!(connected.unwrap().forward.is_none());
    assert_eq!(server.requests()[0].line, "CONNECT a.test:80 HTTP/1.1");
}

#[tokio::test]
async fn what_goes_direct_is_left_as_it_is() {
    let server = RawServer::builder().connection([]).start_in_memory();
    let net = Net::of(&server);
    for proxies in [Proxies::none(), Proxies::all(proxy("p.test")).no_proxy("a.test")] {
        let connected = ProxyLayer::new(proxies).layer(net.clone()).oneshot(target("https://a.test")).await;
        assert!(connected.unwrap().forward.is_none());
    }
    assert_eq!(net.asked(), ["https://a.test", "https://a.test"]);
    // Errors too.
    let broken =
        service_fn(|_: Target| async { Err::<Connected<tokio::io::Empty>, _>(Error::new(Kind::Resolve, "no")) });
    let connected = ProxyLayer::new(Proxies::none()).layer(broken).oneshot(target("http://a.test")).await;
    assert_eq!(connected.map(drop).unwrap_err().kind(), Kind::Resolve);
}

#[tokio::test]
async fn facts_of_tls_with_the_proxy_are_not_the_origins() {
    let tls = service_fn(|_: Target| async {
        let mut connected =
            Connected::new(tokio::io::join(tokio::io::empty(), tokio::io::sink()), Peer::Memory("p".into()));
        connected.tls = Some(TlsFacts::default().into());
        Ok::<_, Error>(connected)
    });
    let server = RawServer::builder().start_in_memory();
    let layer = ProxyLayer::new(Proxies::all(proxy("https://p.test"))).secure(tls);
    let connected = layer.layer(server.connector()).oneshot(target("http://a.test")).await.unwrap();
    assert!(connected.tls.is_none() && connected.forward.is_some());
    assert_eq!(connected.peer, Peer::Memory("p".into()));
}

#[tokio::test]
async fn without_a_connector_for_it_an_https_proxy_is_an_error_that_says_so() {
    let (connected, _server, net) = connect(proxy("https://u:s3cret@p.test"), "http://a.test", &[]).await;
    let error = connected.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Proxy, Resend::Safe));
    let told = whole(&error);
    assert!(told.contains("ProxyLayer::secure") && !told.contains("s3cret"), "{told}");
    assert!(net.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named_and_a_limit_on_time_stays_one() {
    for (kind, want) in [
        (Kind::Resolve, Kind::Proxy),
        (Kind::Connect, Kind::Proxy),
        (Kind::Tls, Kind::Proxy),
        (Kind::Timeout(Phase::Connect), Kind::Timeout(Phase::Connect)),
    ] {
        for (proxy, url) in
            [("p.test", "http://a.test"), ("p.test", "https://a.test"), ("socks5h://p.test", "http://a.test")]
        {
            let broken = service_fn(move |_: Target| async move {
                Err::<Connected<tokio::io::DuplexStream>, _>(Error::new(kind, "inner"))
            });
            let proxies = Proxies::all(Proxy::try_from(proxy).unwrap());
            let connected = ProxyLayer::new(proxies).layer(broken).oneshot(target(url)).await;
            let error = connected.map(drop).unwrap_err();
            assert_eq!(error.kind(), want);
            if want == Kind::Proxy {
                assert_eq!(error.find::<Error>().map(Error::kind), Some(kind));
                assert!(error.to_string().contains("p.test:"), "{error}");
            }
        }
    }
}
