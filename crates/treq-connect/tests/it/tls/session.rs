use rustls::crypto::CryptoProvider;
use rustls::{ServerConfig, version};
use treq_connect::{TlsConfig, TlsVersion};
use treq_core::{HttpVersion, Kind};

use super::{Authority, Server, provider, speak, through};
use crate::support::target;

const URL: &str = "https://api.test/";

#[tokio::test]
async fn tells_what_the_handshake_agreed_on() {
    let authority = Authority::new("ours");
    let identity = authority.issue(&["api.test"]);
    let server = Server::new(&identity).await;
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    let facts = through(&server, &config, URL).await.tls.unwrap();
    assert_eq!(facts.version.as_deref(), Some("TLSv1_3"));
    assert!(facts.cipher_suite.as_deref().unwrap().starts_with("TLS13_"), "{facts:?}");
    assert_eq!(facts.peer_certificates, [identity.certificate.to_vec()]);
    assert!(!facts.resumed);
    let group = if cfg!(feature = "aws-lc-rs") { "X25519MLKEM768" } else { "X25519" };
    assert_eq!(facts.key_exchange.as_deref(), Some(group));
    assert!(CryptoProvider::get_default().is_none(), "no provider is installed process-wide");
}

#[tokio::test]
async fn resumes_a_session_whatever_the_wish() {
    let authority = Authority::new("ours");
    let server = Server::with(&authority.issue(&["api.test"]), |server| {
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    })
    .await;
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    assert!(!through(&server, &config, URL).await.tls.unwrap().resumed);
    assert!(through(&server, &config.clone(), URL).await.tls.unwrap().resumed);

    let mut http1 = target(URL);
    http1.http_version = HttpVersion::Http1;
    let mut connected = server.reach(&config, http1).await.unwrap();
    speak(&mut connected).await.unwrap();
    let facts = connected.tls.unwrap();
    assert!(facts.resumed);
    assert_eq!(facts.alpn.as_deref(), Some(&b"http/1.1"[..]));

    let another = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    assert!(!through(&server, &another, URL).await.tls.unwrap().resumed);
}

#[tokio::test]
async fn speaks_tls_1_2_unless_it_is_too_old() {
    let authority = Authority::new("ours");
    let identity = authority.issue(&["api.test"]);
    let old = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key())
        .unwrap();
    let server = Server::by(old).await;
    let builder = || TlsConfig::builder().roots([authority.certificate()]);
    let facts = through(&server, &builder().build().unwrap(), URL).await.tls.unwrap();
    assert_eq!(facts.version.as_deref(), Some("TLSv1_2"));

    let strict = builder().min_version(TlsVersion::Tls13).build().unwrap();
    let error = server.connect(&strict, URL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("version"), "{error}");
}

#[cfg(feature = "rustls-0-23")]
#[tokio::test]
async fn takes_a_provider_by_value() {
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let mut narrow = (*provider()).clone();
    narrow.kx_groups.retain(|group| group.name() == rustls::NamedGroup::secp256r1);
    let config = TlsConfig::builder().roots([authority.certificate()]).provider_rustls_0_23(narrow).build().unwrap();
    let facts = through(&server, &config, URL).await.tls.unwrap();
    assert_eq!(facts.key_exchange.as_deref(), Some("secp256r1"));
}
