//! Servers that have seen enough of an upload, over sockets: they respond, and close on what they have not read.
//!
//! `TREQ_ROUNDS=1000` plays so many uploads of each kind.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::{Layer as _, ServiceExt as _};
use treq_agent::{Agent, HttpConnection, HttpHandshake};
use treq_core::{Body, Connected, Peer, Target};
use treq_pool::PoolLayer;

use crate::support::{IntoBytes as _, request};

const UPLOAD: usize = 20 << 20;

fn rounds() -> usize {
    std::env::var("TREQ_ROUNDS").ok().map_or(10, |text| text.parse().expect("a number"))
}

fn upload(uri: &str) -> Request<Body> {
    request("POST", uri, Body::from(vec![b'x'; UPLOAD]))
}

/// Each upload has its response, whole.
async fn all_are_told(address: SocketAddr, make: fn() -> Request<Body>) {
    let connector = tower::service_fn(move |_: Target| async move {
        let stream = TcpStream::connect(address).await?;
        Ok::<_, std::io::Error>(Connected::new(stream, Peer::Tcp(address)))
    });
    let pool: treq_pool::Pool<_, HttpConnection<Body>> = PoolLayer::new().layer(HttpHandshake::new(connector));
    let agent = Agent::new(pool.clone());
    for round in 0..rounds() {
        let sent = async { agent.clone().oneshot(make()).await?.into_bytes().await };
        let done = timeout(Duration::from_secs(30), sent).await.expect("an upload hangs");
        let response = done.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        assert_eq!((response.status(), &response.body()[..]), (StatusCode::PAYLOAD_TOO_LARGE, &b"big"[..]), "{round}");
    }
    assert_eq!(pool.stats().in_use(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upload_is_told_over_http1() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 1024];
                let _head = stream.read(&mut head).await?;
                let refusal = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
                stream.write_all(refusal.as_bytes()).await
                // The drop resets the connection: there is more to read.
            });
        }
    });
    all_are_told(address, || upload("http://a.test/")).await;
    server.abort();
}

#[cfg(feature = "http2")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upload_is_told_over_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await?;
                let Some(request) = connection.accept().await else { return Ok(()) };
                let (request, mut respond) = request?;
                let refusal = http::Response::builder().status(413).header("content-length", "3").body(()).unwrap();
                respond.send_response(refusal, false)?.send_data("big".into(), true)?;
                drop(request);
                // Its frames go out; what comes in the meantime stays unread.
                let _ = timeout(Duration::ZERO, std::future::poll_fn(|cx| connection.poll_closed(cx))).await;
                Ok::<_, h2::Error>(())
            });
        }
    });
    let alone = || {
        let mut request = crate::http2::wishing(upload("http://a.test/"));
        request.extensions_mut().insert(treq_agent::NewConnection::new());
        request
    };
    all_are_told(address, alone).await;
    server.abort();
}

/// A body that is never over.
#[cfg(feature = "http2")]
struct Stalled;

#[cfg(feature = "http2")]
impl http_body::Body for Stalled {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// A response that has come whole stays so, though its upload is then given up.
#[cfg(feature = "http2")]
#[tokio::test]
async fn a_whole_response_before_the_end_of_an_upload_is_no_cut_one() {
    use http_body_util::BodyExt as _;

    for length in [None, Some("2")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let mut requests = Vec::new();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let mut response = http::Response::new(());
                if let Some(length) = length {
                    response.headers_mut().insert("content-length", length.parse().unwrap());
                }
                respond.send_response(response, false).unwrap().send_data("ok".into(), true).unwrap();
                requests.push(request);
            }
        });
        let connector = tower::service_fn(move |_: Target| async move {
            let stream = TcpStream::connect(address).await?;
            Ok::<_, std::io::Error>(Connected::new(stream, Peer::Tcp(address)))
        });
        let pool: treq_pool::Pool<_, HttpConnection<Body>> = PoolLayer::new().layer(HttpHandshake::new(connector));
        let body = Body::new(Stalled);
        let response = Agent::new(pool).oneshot(crate::http2::wishing(request("POST", "http://a.test/", body))).await;
        let mut body = response.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ok");
        // The reset of the stream goes out meanwhile.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(body.frame().await.is_none(), "{length:?}");
        server.abort();
    }
}

/// RST_STREAM with NO_ERROR ends a response no more than another: END_STREAM does.
#[cfg(feature = "http2")]
#[tokio::test]
async fn a_response_that_is_reset_without_an_error_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut body = respond.send_response(http::Response::new(()), false).unwrap();
            body.send_data("half of it".into(), false).unwrap();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                body.send_reset(h2::Reason::NO_ERROR);
            });
        }
    });
    let connector = tower::service_fn(move |_: Target| async move {
        let stream = TcpStream::connect(address).await?;
        Ok::<_, std::io::Error>(Connected::new(stream, Peer::Tcp(address)))
    });
    let pool: treq_pool::Pool<_, HttpConnection<Body>> = PoolLayer::new().layer(HttpHandshake::new(connector));
    let agent = Agent::new(pool);
    for (method, body) in [("GET", Body::empty()), ("POST", Body::from("tea"))] {
        let sent = crate::http2::wishing(request(method, "http://a.test/", body));
        let error = agent.clone().oneshot(sent).await.unwrap().into_bytes().await.unwrap_err();
        assert_eq!(error.kind(), treq_core::Kind::Body, "{method}: {error}");
    }
    server.abort();
}

/// What else is under way on the connection changes nothing: whether a request uploads is known of each.
#[cfg(feature = "http2")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upload_is_told_beside_other_requests() {
    for _ in 0..rounds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await?;
            let (mut held, mut upload) = (Vec::new(), None);
            while upload.is_none() || held.is_empty() {
                let (request, mut respond) = connection.accept().await.expect("a request")?;
                match (request.uri().path(), request.method().as_str()) {
                    ("/warm", _) => drop(respond.send_response(http::Response::new(()), true)?),
                    (_, "POST") => upload = Some((request, respond)),
                    _ => held.push((request, respond)),
                }
            }
            let (request, mut respond) = upload.expect("an upload");
            let refusal = http::Response::builder().status(413).body(()).unwrap();
            respond.send_response(refusal, false)?.send_data("big".into(), true)?;
            drop(request);
            let _ = timeout(Duration::ZERO, std::future::poll_fn(|cx| connection.poll_closed(cx))).await;
            Ok::<_, h2::Error>(())
        });
        let connector = tower::service_fn(move |_: Target| async move {
            let stream = TcpStream::connect(address).await?;
            Ok::<_, std::io::Error>(Connected::new(stream, Peer::Tcp(address)))
        });
        let pool: treq_pool::Pool<_, HttpConnection<Body>> = PoolLayer::new().layer(HttpHandshake::new(connector));
        let agent = Agent::new(pool);
        let send = |request| {
            let agent = agent.clone();
            async move { agent.oneshot(crate::http2::wishing(request)).await?.into_bytes().await }
        };
        send(crate::support::get("http://a.test/warm")).await.unwrap();
        let told = tokio::spawn(send(upload("http://a.test/")));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let other = tokio::spawn(send(crate::support::get("http://a.test/")));
        let response = timeout(Duration::from_secs(30), told).await.expect("an upload hangs").unwrap().unwrap();
        assert_eq!((response.status(), &response.body()[..]), (StatusCode::PAYLOAD_TOO_LARGE, &b"big"[..]));
        other.abort();
        server.abort();
    }
}
