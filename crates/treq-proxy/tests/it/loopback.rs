//! Over sockets: a proxy that relays, and an origin behind it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};
use treq_core::{Connected, Error, Kind, Peer, Target};
use treq_proxy::{Proxies, Proxy, ProxyLayer};
use treq_testing::{RawServer, Step};

use crate::support::target;

async fn tcp(target: Target) -> Result<Connected<TcpStream>, Error> {
    let addr = (target.origin.host().to_owned(), target.origin.port());
    let stream = TcpStream::connect(addr).await.map_err(|error| Error::new(Kind::Connect, "no").with_source(error))?;
    let peer = stream.peer_addr().map_err(|error| Error::new(Kind::Connect, "no").with_source(error))?;
    Ok(Connected::new(stream, Peer::Tcp(peer)))
}

/// One connection of a proxy that leads everywhere to the same origin, whether asked by CONNECT or SOCKS5; the bytes
/// that it was asked with.
async fn relay(origin: SocketAddr) -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut asked = vec![client.read_u8().await.unwrap()];
        if asked[0] == 5 {
            let mut greeting = [0; 2];
            client.read_exact(&mut greeting).await.unwrap();
            client.write_all(&[5, 0]).await.unwrap();
            asked = vec![0; 5];
            client.read_exact(&mut asked).await.unwrap();
            let mut rest = vec![0; usize::from(asked[4]) + 2];
            client.read_exact(&mut rest).await.unwrap();
            asked.extend(rest);
            client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await.unwrap();
        } else {
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(client.read_u8().await.unwrap());
            }
            client.write_all(b"HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n").await.unwrap();
        }
        let mut origin = TcpStream::connect(origin).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
        asked
    });
    (addr, task)
}

#[tokio::test]
async fn somebody_elses_client_speaks_with_the_origin_through_the_tunnel() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let origin = RawServer::builder().connection([Step::ReadRequest, Step::send(answer)]).repeat_last().start().await;
    for (scheme, wanted) in
        [("http", &b"CONNECT a.test:443 HTTP/1.1\r\n"[..]), ("socks5h", b"\x05\x01\x00\x03\x06a.test\x01\xbb")]
    {
        let (addr, task) = relay(origin.addr()).await;
        let proxies = Proxies::all(Proxy::try_from(&format!("{scheme}://{addr}")).unwrap());
        let connector = ProxyLayer::new(proxies).layer(service_fn(tcp));
        // TLS would come between: what is tested here is what goes through the tunnel.
        let connected = connector.oneshot(target("https://a.test")).await.unwrap();
        assert_eq!(connected.peer, Peer::Tcp(addr));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connected.io)).await.unwrap();
        let driver = tokio::spawn(connection);
        let request = Request::get("/x").header("host", "a.test").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
        drop(sender);
        driver.await.unwrap().unwrap();
        assert!(task.await.unwrap().starts_with(wanted));
    }
    let seen = origin.requests();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|request| request.target() == "/x" && request.headers.len() == 1));
}

#[tokio::test]
async fn a_proxy_that_nobody_listens_for_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let proxies = Proxies::all(Proxy::try_from(&format!("http://u:s3cret@{addr}")).unwrap());
    let error = ProxyLayer::new(proxies).layer(service_fn(tcp)).oneshot(target("https://a.test")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(error.to_string().contains(&format!("http://…@{addr}")), "{error}");
    assert_eq!(error.find::<std::io::Error>().map(std::io::Error::kind), Some(std::io::ErrorKind::ConnectionRefused));
}
