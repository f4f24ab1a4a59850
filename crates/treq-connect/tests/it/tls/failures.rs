use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use rustls::CertificateError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use treq_connect::TlsConfig;
use treq_core::{Error, Kind, Resend};

use super::{Authority, Identity, Server, through};

const URL: &str = "https://api.test/";

/// The error of a handshake with a server that has this certificate, where `authority` is trusted.
async fn failure(identity: &Identity, authority: &Authority) -> Error {
    let server = Server::new(identity).await;
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    let error = server.connect(&config, URL).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe));

    // The same server, and nobody looks.
    let anything = TlsConfig::builder().danger_accept_invalid_certs(true).build().unwrap();
    through(&server, &anything, URL).await;
    error
}

fn fault(error: &Error) -> &CertificateError {
    match error.find::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_the_names_of_a_certificate_for_another_host() {
    let authority = Authority::new("ours");
    let error = failure(&authority.issue(&["other.test", "*.more.test", "127.0.0.1"]), &authority).await;
    assert_eq!(
        error.to_string(),
        "the certificate of \"api.test\" is not for \"api.test\" but for other.test, *.more.test, 127.0.0.1: connect \
         by a name that it is for"
    );
    assert!(matches!(fault(&error), CertificateError::NotValidForNameContext { .. }));

    let nameless = failure(&authority.issue(&[]), &authority).await;
    assert_eq!(
        nameless.to_string(),
        "the certificate of \"api.test\" is for no name at all: it needs a subjectAltName"
    );
}

#[tokio::test]
async fn says_since_when_a_certificate_has_expired() {
    let authority = Authority::new("ours");
    let expired = authority.issue_with(&["api.test"], |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let error = failure(&expired, &authority).await;
    let text = error.to_string();
    assert!(text.starts_with("the certificate of \"api.test\" expired "), "{text}");
    assert!(text.ends_with(" days ago: its owner must renew it, unless the clock here is wrong"), "{text}");
    assert!(matches!(fault(&error), CertificateError::ExpiredContext { .. }));
}

#[tokio::test]
async fn says_when_a_certificate_is_not_valid_yet() {
    let authority = Authority::new("ours");
    let early = authority.issue_with(&["api.test"], |params| params.not_before = date_time_ymd(2999, 1, 1));
    let text = failure(&early, &authority).await.to_string();
    assert!(text.starts_with("the certificate of \"api.test\" is not valid for another "), "{text}");
}

#[tokio::test]
async fn says_how_to_trust_an_unknown_authority() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let self_signed = Identity::self_signed(&["api.test"], |_| ());
    for identity in [theirs.issue(&["api.test"]), self_signed] {
        let error = failure(&identity, &ours).await;
        let text = error.to_string();
        assert!(
            text.starts_with("the certificate of \"api.test\" is not signed by an authority trusted here"),
            "{text}"
        );
        assert!(text.contains("self-signed") && text.contains("TlsConfigBuilder::add_roots"), "{text}");
        assert_eq!(fault(&error), &CertificateError::UnknownIssuer);
    }
}

#[tokio::test]
async fn knows_an_authority_that_serves_with_its_own_certificate() {
    let authority = Authority::new("ours");
    let own = Identity::self_signed(&["api.test"], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let text = failure(&own, &authority).await.to_string();
    assert!(text.contains("is an authority's own, self-signed"), "{text}");
}

#[tokio::test]
async fn trusts_a_self_signed_certificate_that_was_added() {
    let identity = Identity::self_signed(&["api.test"], |_| ());
    let server = Server::new(&identity).await;
    let config = TlsConfig::builder().add_roots_pem(&identity.certificate_pem).build().unwrap();
    through(&server, &config, URL).await;
}

#[tokio::test]
async fn knows_plain_http_and_silence_from_tls() {
    let plain = Server::accepting(|mut stream| async move {
        let mut hello = [0; 16];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let config = TlsConfig::builder().danger_accept_invalid_certs(true).build().unwrap();
    let error = plain.connect(&config, URL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    assert_eq!(error.to_string(), "\"api.test\" did not answer in TLS on port 443: is it a port for plain http?");

    let closing = Server::accepting(|mut stream| async move {
        let _ = stream.read_buf(&mut Vec::with_capacity(64 * 1024)).await;
    })
    .await;
    let error = closing.connect(&config, URL).await.unwrap_err();
    assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe));
    assert_eq!(
        error.to_string(),
        "\"api.test\" closed the connection during the TLS handshake: is port 443 one for https?"
    );
    assert!(error.find::<std::io::Error>().is_some());
}

#[tokio::test]
async fn refuses_hosts_that_no_certificate_can_be_for() {
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let config = TlsConfig::builder().roots([authority.certificate()]).build().unwrap();
    for host in ["a..test", "-a.test", &format!("{}.test", "a".repeat(64))] {
        let error = server.connect(&config, &format!("https://{host}/")).await.unwrap_err();
        assert_eq!((error.kind(), error.resend()), (Kind::Tls, Resend::Safe), "{host}");
        assert_eq!(error.to_string(), format!("{host:?} is not a name that a TLS certificate can be for"));
    }
}
