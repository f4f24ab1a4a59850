use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tower::ServiceExt;
use treq_connect::{Keepalive, TcpConnect};
use treq_core::{Error, Kind, Resend, resolve_fn};

use crate::support::{Scripted, target};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// An address where connections are refused for as long as the socket lives: bound, never listening.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

async fn failure(connect: TcpConnect, url: &str) -> Error {
    connect.oneshot(target(url)).await.unwrap_err()
}

#[tokio::test]
async fn takes_overrides_without_regard_to_case_and_without_looking_up() {
    let (_listener, addr) = listener().await;
    let resolver = Scripted::default();
    let connect = TcpConnect::new().resolver(resolver.clone()).resolve_to("API.Test", [addr]);
    let connected = connect.oneshot(target("http://Api.TEST/")).await.unwrap();
    assert_eq!(connected.peer.addr(), Some(addr));
    assert_eq!(connected.io.peer_addr().unwrap(), addr);
    assert!(resolver.asked().is_empty());
}

#[tokio::test]
async fn takes_port_0_for_the_port_of_the_target() {
    let (_listener, addr) = listener().await;
    let anywhere = SocketAddr::new(addr.ip(), 0);
    let url = format!("http://api.test:{}/", addr.port());
    let overridden = TcpConnect::new().resolve_to("api.test", [anywhere]);
    assert_eq!(overridden.oneshot(target(&url)).await.unwrap().peer.addr(), Some(addr));

    let resolver = Scripted::answering([anywhere]);
    let resolved = TcpConnect::new().resolver(resolver.clone());
    assert_eq!(resolved.oneshot(target(&url)).await.unwrap().peer.addr(), Some(addr));
    assert_eq!(resolver.asked(), [format!("api.test {}", addr.port())]);
}

#[tokio::test]
async fn looks_no_ip_address_up() {
    let resolver = Scripted::default();
    let connect = TcpConnect::new().resolver(resolver.clone());
    let (_listener, addr) = listener().await;
    let connected = connect.clone().oneshot(target(&format!("http://{addr}/"))).await.unwrap();
    assert_eq!(connected.peer.addr(), Some(addr));

    match TcpListener::bind("[::1]:0").await {
        Ok(listener) => {
            let addr = listener.local_addr().unwrap();
            let connected = connect.oneshot(target(&format!("http://{addr}/"))).await.unwrap();
            assert_eq!(connected.peer.addr(), Some(addr));
        }
        // A machine without IPv6 shows as much: the address was tried.
        Err(_) => {
            let error = failure(connect, "http://[::1]:9/").await;
            assert_eq!(error.kind(), Kind::Connect);
            assert_eq!(error.to_string(), "could not connect to [::1]:9: its one address failed");
        }
    }
    assert!(resolver.asked().is_empty());
}

#[tokio::test]
async fn asks_the_system_by_default() {
    let (_listener, addr) = listener().await;
    let connected = TcpConnect::new().oneshot(target(&format!("http://localhost:{}/", addr.port()))).await.unwrap();
    assert_eq!(connected.peer.addr(), Some(addr));

    // Too long for any name server to be asked about.
    let host = "a".repeat(300);
    let error = failure(TcpConnect::new(), &format!("http://{host}/")).await;
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe));
    assert!(error.to_string().contains(&host), "{error}");
    assert!(error.find::<io::Error>().is_some());
}

#[tokio::test]
async fn names_the_host_that_has_no_address() {
    let failing = resolve_fn(|_| async { Err(io::Error::other("the name server is on fire"))? });
    let error = failure(TcpConnect::new().resolver(failing), "http://api.test/").await;
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe));
    assert_eq!(error.to_string(), "could not resolve the host name \"api.test\"");
    assert_eq!(error.find::<io::Error>().unwrap().to_string(), "the name server is on fire");

    let error = failure(TcpConnect::new().resolver(Scripted::default()), "http://api.test/").await;
    assert_eq!((error.kind(), error.resend()), (Kind::Resolve, Resend::Safe));
    assert_eq!(error.to_string(), "the host name \"api.test\" has no address");
}

#[tokio::test]
async fn goes_on_to_the_next_address_where_one_refuses() {
    let (_one, one) = refusing();
    let (_two, two) = refusing();
    let (_listener, addr) = listener().await;
    // Nobody waits for the delay: a refusal starts the next attempt at once.
    let connect = TcpConnect::new().resolve_to("api.test", [one, two, addr]).attempt_delay(Duration::MAX);
    assert_eq!(connect.oneshot(target("http://api.test/")).await.unwrap().peer.addr(), Some(addr));
}

#[tokio::test]
async fn counts_the_addresses_that_failed() {
    let (_one, one) = refusing();
    let (_two, two) = refusing();
    for (addrs, wanted) in [
        (vec![one, two], "could not connect to api.test:80: all 2 addresses failed"),
        (vec![one, one], "could not connect to api.test:80: its one address failed"),
    ] {
        let error = failure(TcpConnect::new().resolve_to("api.test", addrs), "http://api.test/").await;
        assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::Safe));
        assert_eq!(error.to_string(), wanted);
        assert_eq!(error.find::<io::Error>().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn sets_nodelay_unless_told_otherwise() {
    let (_listener, addr) = listener().await;
    let connect = TcpConnect::new().resolve_to("api.test", [addr]);
    for (connect, wanted) in [(connect.clone(), true), (connect.nodelay(false), false)] {
        let connected = connect.oneshot(target("http://api.test/")).await.unwrap();
        assert_eq!(connected.io.nodelay().unwrap(), wanted);
    }
}

#[tokio::test]
async fn probes_a_silent_connection_as_it_is_told_to() {
    let (_listener, addr) = listener().await;
    let connect = TcpConnect::new().resolve_to("api.test", [addr]);
    let silent = connect.clone().oneshot(target("http://api.test/")).await.unwrap();
    let socket = SockRef::from(&silent.io);
    assert!(socket.keepalive().unwrap());
    #[cfg(target_os = "linux")]
    {
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(15));
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
    }
    let other = connect.clone().keepalive(None).user_timeout(None).oneshot(target("http://api.test/")).await.unwrap();
    assert!(!SockRef::from(&other.io).keepalive().unwrap());

    let keepalive = Keepalive::after(Duration::from_secs(45)).every(Duration::from_secs(7)).probes(3);
    let probed = connect.keepalive(keepalive).oneshot(target("http://api.test/")).await.unwrap();
    let socket = SockRef::from(&probed.io);
    assert!(socket.keepalive().unwrap());
    #[cfg(target_os = "linux")]
    {
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(45));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    }
}

// Only Linux has all of 127.0.0.0/8 on its loopback interface.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connects_from_the_local_address() {
    let (listener, addr) = listener().await;
    let local = IpAddr::from([127, 0, 0, 2]);
    let v6 = "[2001:db8::1]:80".parse().unwrap();
    let connect = TcpConnect::new().resolve_to("api.test", [v6, addr]).local_address(local);
    let connected = connect.oneshot(target("http://api.test/")).await.unwrap();
    assert_eq!(connected.peer.addr(), Some(addr));
    assert_eq!(listener.accept().await.unwrap().1.ip(), local);
}

#[tokio::test]
async fn says_that_the_local_address_leaves_nothing_to_try() {
    let local = IpAddr::from([127, 0, 0, 1]);
    let error = failure(TcpConnect::new().local_address(local), "http://[2001:db8::1]:8080/").await;
    assert_eq!(error.kind(), Kind::Connect);
    assert_eq!(
        error.to_string(),
        "could not connect to [2001:db8::1]:8080: none of its addresses is of the family of 127.0.0.1"
    );
}

#[test]
fn can_be_moved_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let future = TcpConnect::new().oneshot(target("http://api.test/"));
    assert_send(&future);
}
