use std::convert::Infallible;
use std::io::IoSlice;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_connect::{TcpConnect, TlsConfig, TlsConnect, TlsLayer};
use treq_core::{Connected, Kind, Peer, Resend, Target};

use super::{Authority, Identity, Server, provider, speak, through};
use crate::support::target;

/// A connector of somebody else's: pipes to a TLS server in this process.
fn pipes(
    identity: &Identity,
) -> impl tower::Service<Target, Response = Connected<DuplexStream>, Error = Infallible> + Clone + use<> {
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    service_fn(move |_| {
        let acceptor = acceptor.clone();
        let (here, there) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut stream = acceptor.accept(there).await.unwrap();
            let mut heard = Vec::new();
            let mut piece = [0; 4];
            while stream.read_exact(&mut piece).await.is_ok() {
                heard.extend(piece);
                stream.write_all(&piece).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        std::future::ready(Ok(Connected::new(here, Peer::Memory("pipe".into()))))
    })
}

#[tokio::test]
async fn goes_over_any_connector_and_keeps_its_facts() {
    let authority = Authority::new("ours");
    let connect = TlsLayer::new(TlsConfig::builder().roots([authority.certificate()]).build().unwrap())
        .layer(pipes(&authority.issue(&["api.test", "my_host.test", "127.0.0.1", "::1"])));
    for url in [
        "https://api.test/",
        "https://api.test./",
        "https://my_host.test/",
        "https://127.0.0.1/",
        "https://[::1]:8443/",
    ] {
        let mut connected = connect.clone().oneshot(target(url)).await.unwrap();
        assert!(connected.io.is_tls(), "{url}");
        assert_eq!(connected.peer, Peer::Memory("pipe".into()));
        speak(&mut connected).await.unwrap();
    }
    let error = connect.oneshot(target("https://[::2]/")).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the certificate of \"::2\" is not for \"::2\" but for api.test,"),
        "{error}"
    );
}

#[tokio::test]
async fn lets_plain_http_through_untouched() {
    let (here, mut there) = tokio::io::duplex(64);
    let mut once = Some(here);
    let pipe = service_fn(move |_: Target| {
        let io = once.take().unwrap();
        std::future::ready(Ok::<_, Infallible>(Connected::new(io, Peer::Memory("pipe".into()))))
    });
    let connect = TlsLayer::new(TlsConfig::default()).layer(pipe);
    let mut connected = connect.oneshot(target("http://api.test/")).await.unwrap();
    assert!(!connected.io.is_tls());
    assert!(connected.tls.is_none());
    assert_eq!(connected.io.is_write_vectored(), connected.io.get_ref().is_write_vectored());
    connected.io.write_all(b"GET ").await.unwrap();
    connected.io.shutdown().await.unwrap();
    let mut heard = String::new();
    there.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "GET ");
}

#[tokio::test]
async fn writes_several_slices_at_once_inside_tls() {
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    let mut connected = through(&server, &config, "https://api.test/").await;
    assert!(connected.io.is_write_vectored());
    let written = connected.io.write_vectored(&[IoSlice::new(b"pi"), IoSlice::new(b"ng")]).await.unwrap();
    assert_eq!(written, 4);
    connected.io.flush().await.unwrap();
    let mut heard = [0; 4];
    connected.io.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    assert_eq!(connected.io.get_ref().peer_addr().ok(), connected.peer.addr());
    // The goodbye is answered by the end of the stream, not by an error.
    connected.io.shutdown().await.unwrap();
}

#[tokio::test]
async fn takes_over_the_errors_from_below() {
    let failing = service_fn(|_: Target| async {
        Err::<Connected<DuplexStream>, _>(treq_core::Error::new(Kind::Proxy, "no way").with_resend(Resend::Safe))
    });
    let config = TlsConfig::builder().danger_accept_invalid_certs(true).build().unwrap();
    for url in ["http://api.test/", "https://api.test/"] {
        let error = TlsLayer::new(config.clone()).layer(failing).oneshot(target(url)).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Proxy, "no way"));
    }
}

#[tokio::test]
async fn leaves_nothing_behind_when_it_is_dropped() {
    let authority = Authority::new("ours");
    let identity = authority.issue(&["api.test"]);
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    let connect = TlsLayer::new(config.clone());

    // While the configuration is being built: the next one builds it.
    let preparing = connect.layer(pipes(&identity)).oneshot(target("https://api.test/"));
    drop_after_one_poll(preparing).await;
    let mut connected = connect.layer(pipes(&identity)).oneshot(target("https://api.test/")).await.unwrap();
    speak(&mut connected).await.unwrap();

    // During the handshake: the stream below is closed.
    let (here, mut there) = tokio::io::duplex(64 * 1024);
    let mut once = Some(here);
    let silent = service_fn(move |_: Target| {
        let io = once.take().unwrap();
        std::future::ready(Ok::<_, Infallible>(Connected::new(io, Peer::Memory("pipe".into()))))
    });
    drop_after_one_poll(connect.layer(silent).oneshot(target("https://api.test/"))).await;
    let mut hello = Vec::new();
    there.read_to_end(&mut hello).await.unwrap();
    assert_eq!(hello.first(), Some(&22), "a handshake record, and then the end");
}

async fn drop_after_one_poll<F: Future>(future: F) {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn can_be_moved_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let connect = TlsLayer::new(TlsConfig::default()).layer(treq_connect::TcpConnect::new());
    assert_send(&connect.oneshot(target("https://api.test/")));
}

#[tokio::test]
async fn hands_out_what_is_below() {
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let tls = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    let mut connect = TlsConnect::new(TcpConnect::new(), tls);
    // Nothing else says where the host is.
    *connect.get_mut() = connect.get_ref().clone().resolve_to("api.test", [server.addr()]);
    let connecting = connect.ready().await.unwrap().call(target("https://api.test/"));
    assert!(format!("{connecting:?}").starts_with("TlsFuture"));
    let mut connected = connecting.await.unwrap();
    assert!(connected.io.is_tls());
    connected.io.get_mut().set_nodelay(false).unwrap();
    assert!(!connected.io.get_ref().nodelay().unwrap());

    let mut below = connect.into_inner();
    let connecting = below.ready().await.unwrap().call(target("https://api.test/"));
    assert_eq!(format!("{connecting:?}"), "TcpFuture");
    assert_eq!(connecting.await.unwrap().peer.addr(), Some(server.addr()));
}
