use treq_connect::{TlsConfig, TlsConfigBuilder};
use treq_core::{Error, HttpVersion, Kind, Resend};

use super::{Authority, Server};
use crate::support::target;

/// What a wish comes to with a server that speaks these protocols.
async fn agreed(
    speaks: &[&str],
    http_version: HttpVersion,
    config: impl FnOnce(TlsConfigBuilder) -> TlsConfigBuilder,
) -> Result<Option<String>, Error> {
    let authority = Authority::new("ours");
    let server = Server::with(&authority.issue(&["api.test"]), |server| {
        server.alpn_protocols = speaks.iter().map(|name| name.as_bytes().to_vec()).collect();
    })
    .await;
    let config = config(TlsConfig::builder().roots([authority.certificate()])).build().unwrap();
    let mut target = target("https://api.test/");
    target.http_version = http_version;
    let connected = server.reach(&config, target).await?;
    let alpn = connected.tls.unwrap().alpn.clone();
    Ok(alpn.map(|alpn| String::from_utf8(alpn.to_vec()).unwrap()))
}

#[tokio::test]
async fn follows_the_wish() {
    const BOTH: &[&str] = &["h2", "http/1.1"];
    for (speaks, http_version, wanted) in [
        (BOTH, HttpVersion::Any, Some("h2")),
        (BOTH, HttpVersion::Http1, Some("http/1.1")),
        (BOTH, HttpVersion::Http2, Some("h2")),
        (&["http/1.1"], HttpVersion::Any, Some("http/1.1")),
        (&["h2"], HttpVersion::Any, Some("h2")),
        (&[], HttpVersion::Any, None),
        (&[], HttpVersion::Http1, None),
    ] {
        let agreed = agreed(speaks, http_version, |config| config).await.unwrap();
        assert_eq!(agreed.as_deref(), wanted, "{speaks:?} {http_version:?}");
    }
}

#[tokio::test]
async fn offers_no_http2_where_it_is_switched_off() {
    let off = |config: TlsConfigBuilder| config.http2(false);
    assert_eq!(agreed(&["h2", "http/1.1"], HttpVersion::Any, off).await.unwrap().as_deref(), Some("http/1.1"));
    let error = agreed(&["h2"], HttpVersion::Http2, off).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Builder, Resend::Safe));
    assert!(error.to_string().contains("TlsConfigBuilder::http2"), "{error}");
}

#[tokio::test]
async fn fails_where_no_protocol_is_shared() {
    let same = |config| config;
    for (speaks, http_version) in
        [(&["http/1.1"], HttpVersion::Http2), (&["h2"], HttpVersion::Http1), (&["spdy/3"], HttpVersion::Any)]
    {
        let error = agreed(speaks, http_version, same).await.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe));
        assert_eq!(
            error.to_string(),
            "\"api.test\" refused the TLS handshake: it speaks none of the versions of HTTP that were offered by ALPN"
        );
        assert!(error.find::<rustls::Error>().is_some());
    }
    let error = agreed(&[], HttpVersion::Http2, same).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("does not offer HTTP/2 by ALPN"), "{error}");
}

#[cfg(feature = "rustls-0-23")]
#[tokio::test]
async fn takes_a_whole_rustls_configuration() {
    let authority = Authority::new("ours");
    let server = Server::with(&authority.issue(&["api.test"]), |server| {
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    })
    .await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let mut client = rustls::ClientConfig::builder_with_provider(super::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let ours = server.connect(&TlsConfig::from_rustls_0_23(client.clone()), "https://api.test/").await.unwrap();
    assert_eq!(ours.tls.unwrap().alpn.as_deref(), Some(&b"h2"[..]));

    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = TlsConfig::from_rustls_0_23(client);
    let theirs = server.connect(&config, "https://api.test/").await.unwrap();
    assert_eq!(theirs.tls.unwrap().alpn.as_deref(), Some(&b"http/1.1"[..]));

    let mut target = target("https://api.test/");
    target.http_version = HttpVersion::Http2;
    assert_eq!(server.reach(&config, target).await.unwrap_err().kind(), Kind::Builder);
}
