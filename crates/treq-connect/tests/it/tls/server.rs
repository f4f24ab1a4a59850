//! A rustls server on a loopback socket that echoes, and the ways to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::{Layer, ServiceExt};
use treq_connect::{MaybeTls, TcpConnect, TlsConfig, TlsLayer};
use treq_core::{Connected, Error, Target};

use super::Identity;
use crate::support::target;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

/// Ends with the value.
pub(crate) struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Any version, no ALPN, no client certificate.
    pub(crate) async fn new(identity: &Identity) -> Server {
        Server::with(identity, |_| ()).await
    }

    pub(crate) async fn with(identity: &Identity, change: impl FnOnce(&mut ServerConfig)) -> Server {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], identity.key())
            .unwrap();
        change(&mut config);
        Server::by(config).await
    }

    pub(crate) async fn by(config: ServerConfig) -> Server {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::accepting(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut heard = [0; 4];
                while stream.read_exact(&mut heard).await.is_ok() && stream.write_all(&heard).await.is_ok() {
                    let _ = stream.flush().await;
                }
            }
        })
        .await
    }

    /// Each connection is served in turn by `serve`.
    pub(crate) async fn accepting<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Server
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Server { addr, task }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connects to this server, whatever the host of the target.
    pub(crate) async fn reach(
        &self,
        config: &TlsConfig,
        target: Target,
    ) -> Result<Connected<MaybeTls<TcpStream>>, Error> {
        let connect = TcpConnect::new().resolve_to(target.origin.host(), [self.addr]);
        TlsLayer::new(config.clone()).layer(connect).oneshot(target).await
    }

    pub(crate) async fn connect(&self, config: &TlsConfig, url: &str) -> Result<Connected<MaybeTls<TcpStream>>, Error> {
        self.reach(config, target(url)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends four bytes, which come back; whatever the server sends after its handshake has then been read.
pub(crate) async fn speak<IO>(connected: &mut Connected<MaybeTls<IO>>) -> std::io::Result<()>
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    connected.io.write_all(b"ping").await?;
    connected.io.flush().await?;
    let mut heard = [0; 4];
    connected.io.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"ping");
    Ok(())
}

/// Connects and speaks.
pub(crate) async fn through(server: &Server, config: &TlsConfig, url: &str) -> Connected<MaybeTls<TcpStream>> {
    let mut connected = server.connect(config, url).await.unwrap();
    speak(&mut connected).await.unwrap();
    connected
}
