//! What the adapters tell each side of the other, and what they refuse.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected as Known, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tower::{ServiceExt, service_fn};
use treq_connect::TcpConnect;
use treq_connect::hyper::{FromHyper, HyperStream, IntoHyper};
use treq_core::{Connected, Error, Forward, HttpVersion, Kind, Peer, Resend, Target, TlsFacts};

use crate::support::target;

/// A stream that says of itself what it is told to.
struct Told(TokioIo<DuplexStream>, fn(Known) -> Known);

impl Connection for Told {
    fn connected(&self) -> Known {
        (self.1)(Known::new())
    }
}

impl Read for Told {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Told {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// What a connector for hyper is asked for, and what comes of it with one that says `tell`.
async fn from(target: Target, tell: fn(Known) -> Known) -> (String, Result<Connected<TokioIo<Told>>, Error>) {
    let (send, asked) = std::sync::mpsc::channel();
    let connector = service_fn(move |url: Uri| {
        send.send(url.to_string()).unwrap();
        async move { Ok::<_, Infallible>(Told(TokioIo::new(duplex(64).0), tell)) }
    });
    let connected = FromHyper::new(connector).oneshot(target).await;
    (asked.recv().unwrap(), connected)
}

#[tokio::test]
async fn a_connector_for_hyper_gets_scheme_host_and_port() {
    for (url, wanted) in [
        ("http://user:x@A.test/path?query", "http://a.test/"),
        ("https://a.test:8443/", "https://a.test:8443/"),
        ("http://[2001:db8::1]:81/", "http://[2001:db8::1]:81/"),
    ] {
        let (asked, connected) = from(target(url), |known| known).await;
        let connected = connected.unwrap();
        assert_eq!(asked, wanted);
        assert_eq!(connected.peer, Peer::Unknown);
        assert!(connected.tls.is_none() && connected.forward.is_none());
    }
}

#[tokio::test]
async fn what_a_connector_for_hyper_knows_is_kept() {
    let (_, connected) = from(target("https://a.test/"), Known::negotiated_h2).await;
    assert_eq!(connected.unwrap().tls.unwrap().alpn.as_deref(), Some(&b"h2"[..]));
    let (_, connected) = from(target("http://a.test/"), |known| known.proxy(true)).await;
    assert!(connected.unwrap().forward.unwrap().authorization.is_none());

    let mut http1 = target("https://a.test/");
    http1.http_version = HttpVersion::Http1;
    assert!(from(http1.clone(), |known| known).await.1.is_ok());
    let error = from(http1, Known::negotiated_h2).await.1.err().unwrap();
    assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe));
}

#[tokio::test]
async fn hyper_utils_own_connector_is_one_here() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connect = FromHyper::new(HttpConnector::new());
    let connecting = connect.clone().oneshot(target(&url));
    let mut connected = connecting.await.unwrap();
    assert_eq!(connected.peer.addr(), listener.local_addr().ok());
    connected.io.write_all(b"ping").await.unwrap();
    let mut heard = [0; 4];
    listener.accept().await.unwrap().0.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");

    // It refuses https unless told otherwise, and its error is the source.
    let error = connect.clone().oneshot(target("https://127.0.0.1:1/")).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Connect, Resend::Safe));
    assert_eq!(error.to_string(), "could not connect to https://127.0.0.1:1");
    drop(listener);
    let error = connect.oneshot(target(&url)).await.unwrap_err();
    assert_eq!(error.find::<io::Error>().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_error_of_the_vocabulary_comes_through_as_it_is() {
    let failing = || Error::new(Kind::Resolve, "no such host");
    let connector = service_fn(move |_: Uri| async move { Err::<Told, _>(failing()) });
    let error = FromHyper::new(connector).oneshot(target("http://a.test/")).await.err().unwrap();
    assert_eq!((error.kind(), &*error.to_string()), (Kind::Resolve, "no such host"));
    let connector = service_fn(move |_: Target| async move { Err::<Connected<DuplexStream>, _>(failing()) });
    let error = IntoHyper::new(connector).oneshot(Uri::from_static("http://a.test/")).await.err().unwrap();
    assert_eq!((error.kind(), &*error.to_string()), (Kind::Resolve, "no such host"));
}

/// The stream for hyper-util's client, of one with these facts.
async fn into(
    url: &'static str,
    facts: fn(&mut Connected<DuplexStream>),
    enforce_tls: bool,
) -> Result<HyperStream<DuplexStream>, Error> {
    let connector = service_fn(move |_: Target| async move {
        let mut connected = Connected::new(duplex(64).0, Peer::Memory("pipe".into()));
        facts(&mut connected);
        Ok::<_, Infallible>(connected)
    });
    IntoHyper::new(connector).enforce_tls(enforce_tls).oneshot(Uri::from_static(url)).await
}

fn secured(connected: &mut Connected<DuplexStream>) {
    let mut tls = TlsFacts::default();
    tls.alpn = Some(Bytes::from_static(b"h2"));
    connected.tls = Some(Arc::new(tls));
}

#[tokio::test]
async fn a_client_of_hyper_util_learns_what_is_known() {
    let stream = into("http://a.test/", |_| (), true).await.unwrap();
    let known = stream.connected();
    assert!(!known.is_negotiated_h2() && !known.is_proxied());
    let mut extras = Extensions::new();
    known.get_extras(&mut extras);
    assert_eq!(extras.get(), Some(&Peer::Memory("pipe".into())));
    assert!(extras.get::<Arc<TlsFacts>>().is_none());

    let known = into("https://a.test/", secured, true).await.unwrap().connected();
    assert!(known.is_negotiated_h2());
    known.get_extras(&mut extras);
    assert!(extras.get::<Arc<TlsFacts>>().is_some());

    let forward = |connected: &mut Connected<_>| connected.forward = Some(Forward::default());
    assert!(into("http://a.test/", forward, true).await.unwrap().connected().is_proxied());
}

#[tokio::test]
async fn what_must_not_go_out_is_refused() {
    let error = into("https://a.test/", |_| (), true).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Builder, Resend::Safe));
    assert!(error.to_string().contains("TlsLayer"), "{error}");
    assert!(into("https://a.test/", |_| (), false).await.is_ok());

    let known = |connected: &mut Connected<_>| {
        let mut forward = Forward::default();
        forward.authorization = Some(HeaderValue::from_static("Basic czNjcmV0"));
        connected.forward = Some(forward);
    };
    let error = into("http://a.test/", known, true).await.unwrap_err();
    assert!(error.to_string().contains("always_tunnel") && !error.to_string().contains("czNj"), "{error}");

    for url in ["/path", "a.test:80", "ftp://a.test/"] {
        let error = into(url, |_| (), true).await.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Builder, Resend::Safe), "{url}");
    }
}

#[tokio::test]
async fn the_version_asked_for_reaches_the_connector() {
    for http_version in [HttpVersion::Any, HttpVersion::Http1, HttpVersion::Http2] {
        let connector = service_fn(move |target: Target| async move {
            assert_eq!(target.http_version, http_version);
            Ok::<_, Infallible>(Connected::new(duplex(64).0, Peer::Unknown))
        });
        let stream = IntoHyper::new(connector).http_version(http_version).oneshot(Uri::from_static("http://a.test/"));
        stream.await.unwrap();
    }
}

#[tokio::test]
async fn there_and_back_is_the_same_connector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = FromHyper::new(IntoHyper::new(TcpConnect::new()));
    let mut connected = connect.oneshot(target(&format!("http://{}/", listener.local_addr().unwrap()))).await.unwrap();
    connected.io.write_all(b"ping").await.unwrap();
    connected.io.shutdown().await.unwrap();
    let mut heard = Vec::new();
    listener.accept().await.unwrap().0.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"ping");
}
