use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use treq_connect::{TlsConfig, TlsConfigBuilder};
use treq_core::Kind;

use super::{Authority, Server, provider, speak, through};
use crate::support::Scratch;

const URL: &str = "https://api.test/";

/// A server that wants a certificate signed by `authority`, with one that it has signed.
async fn demanding(authority: &Authority, version: &'static SupportedProtocolVersion) -> Server {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
    let identity = authority.issue(&["api.test"]);
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate.clone()], identity.key())
        .unwrap();
    Server::by(config).await
}

fn trusting(authority: &Authority) -> TlsConfigBuilder {
    TlsConfig::builder().roots([authority.certificate()])
}

#[tokio::test]
async fn shows_its_certificate_to_a_server_that_asks() {
    let authority = Authority::new("ours");
    let server = demanding(&authority, &version::TLS13).await;
    let client = authority.issue(&["client.test"]);
    let scratch = Scratch::new();
    let pem = client.certificate_pem.clone() + &client.key_pem;
    let (chain, key) = (scratch.file("chain.pem", &client.certificate_pem), scratch.file("key.pem", &client.key_pem));
    for builder in [
        trusting(&authority).client_certificate([client.certificate.clone()], client.key()),
        trusting(&authority).client_pem(&pem),
        trusting(&authority).client_pem_file(scratch.file("both.pem", &pem)),
        trusting(&authority).client_pem_files(chain, key),
    ] {
        through(&server, &builder.build().unwrap(), URL).await;
    }
}

#[tokio::test]
async fn says_that_a_certificate_is_wanted() {
    let authority = Authority::new("ours");
    let config = trusting(&authority).build().unwrap();
    let server = demanding(&authority, &version::TLS12).await;
    let error = server.connect(&config, URL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("TlsConfigBuilder::client_pem"), "{error}");

    // With TLS 1.3 the client is done before the server has looked: the first read tells.
    let server = demanding(&authority, &version::TLS13).await;
    let mut connected = server.connect(&config, URL).await.unwrap();
    assert!(speak(&mut connected).await.is_err());
}

#[tokio::test]
async fn says_that_its_certificate_was_refused() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = demanding(&ours, &version::TLS12).await;
    let client = theirs.issue(&["client.test"]);
    let config = trusting(&ours).client_certificate([client.certificate.clone()], client.key()).build().unwrap();
    let error = server.connect(&config, URL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("it does not accept the client certificate"), "{error}");
}

#[test]
fn refuses_a_key_that_is_missing_or_another_ones() {
    let authority = Authority::new("ours");
    let (one, other) = (authority.issue(&["one.test"]), authority.issue(&["other.test"]));
    let scratch = Scratch::new();
    let keyless = scratch.file("keyless.pem", &one.certificate_pem);
    let error = TlsConfig::builder().client_pem_file(&keyless).build().unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("holds no usable private key"), "{error}");
    assert!(error.to_string().contains(keyless.to_str().unwrap()), "{error}");

    let error = TlsConfig::builder().client_pem(one.certificate_pem + &other.key_pem).build().unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("cannot be used together"), "{error}");

    let missing = scratch.path("missing.pem");
    let error = TlsConfig::builder().client_pem_files(keyless, &missing).build().unwrap_err();
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
}

#[test]
fn shows_no_key() {
    let client = Authority::new("ours").issue(&["client.test"]);
    let builder = TlsConfig::builder().client_certificate([client.certificate.clone()], client.key());
    let key = client.key();
    let bytes = format!("{:?}", &key.secret_der()[..8]);
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(!format!("{builder:?}").contains(bytes));
    assert!(!format!("{:?}", builder.build().unwrap()).contains(bytes));
}
