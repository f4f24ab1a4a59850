use std::convert::Infallible;

use tokio::io::DuplexStream;
use tower::{Layer, ServiceExt, service_fn};
use treq_connect::{TlsConfig, TlsLayer};
use treq_core::{Connected, Kind, Peer, Target};

use crate::support::target;

#[tokio::test]
async fn asks_for_a_provider_at_the_first_https_target() {
    let pipe = service_fn(|_: Target| async {
        let (io, _other) = tokio::io::duplex(64);
        Ok::<Connected<DuplexStream>, Infallible>(Connected::new(io, Peer::Memory("pipe".into())))
    });
    let connect = TlsLayer::new(TlsConfig::default()).layer(pipe);
    assert!(!connect.clone().oneshot(target("http://api.test/")).await.unwrap().io.is_tls());

    let error = connect.oneshot(target("https://api.test/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    for named in ["aws-lc-rs", "ring", "TlsConfigBuilder::provider_rustls_0_23"] {
        assert!(error.to_string().contains(named), "{error}");
    }
}
