use rustls::pki_types::CertificateDer;
use treq_connect::TlsConfig;
use treq_core::{Error, Kind};

use super::{Authority, Identity, Server, through};
use crate::support::Scratch;

const URL: &str = "https://api.test/";

#[tokio::test]
async fn trusts_roots_given_by_value_text_and_file() {
    let authority = Authority::new("ours");
    let server = Server::new(&authority.issue(&["api.test"])).await;
    let scratch = Scratch::new();
    let file = scratch.file("roots.pem", authority.pem());
    for config in [
        TlsConfig::builder().roots([authority.certificate()]),
        TlsConfig::builder().roots_pem(authority.pem()),
        TlsConfig::builder().roots_pem_file(&file),
        TlsConfig::builder().add_roots([authority.certificate()]),
        TlsConfig::builder().add_roots_pem(authority.pem()),
        TlsConfig::builder().add_roots_pem_file(&file),
    ] {
        through(&server, &config.build().unwrap(), URL).await;
    }
}

#[tokio::test]
async fn replaces_what_was_named_before_and_adds_to_what_stays() {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let server = Server::new(&first.issue(&["api.test"])).await;
    let replaced = TlsConfig::builder().add_roots([first.certificate()]).roots([second.certificate()]);
    let error = server.connect(&replaced.build().unwrap(), URL).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);

    let added = TlsConfig::builder().roots([second.certificate()]).add_roots([first.certificate()]);
    through(&server, &added.build().unwrap(), URL).await;

    // Several in one text.
    let both = TlsConfig::builder().roots_pem(second.pem() + &first.pem());
    through(&server, &both.build().unwrap(), URL).await;
}

#[test]
fn refuses_roots_that_are_none() {
    let scratch = Scratch::new();
    let key = scratch.file("key.pem", Identity::self_signed(&["api.test"], |_| ()).key_pem);
    let torn = scratch.file("torn.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    let odd = scratch.file("odd.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = scratch.path("missing.pem");
    for (path, wanted) in [
        (&key, "holds no certificate"),
        (&torn, "is not well-formed PEM"),
        (&odd, "holds what is not a root certificate"),
        (&missing, "could not read"),
    ] {
        for builder in [TlsConfig::builder().roots_pem_file(path), TlsConfig::builder().add_roots_pem_file(path)] {
            let error = refused(builder.build());
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
    assert!(refused(TlsConfig::builder().roots([]).build()).to_string().contains("holds no certificate"));
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    let error = refused(TlsConfig::builder().add_roots([garbage]).build());
    assert!(error.find::<rustls::Error>().is_some());
}

#[test]
fn keeps_the_first_error() {
    let error = refused(TlsConfig::builder().roots_pem("").client_pem("").build());
    assert_eq!(
        error.to_string(),
        "the PEM text of the roots holds no certificate: it must have a BEGIN CERTIFICATE line"
    );
}

fn refused(built: Result<TlsConfig, Error>) -> Error {
    let error = built.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls);
    error
}
