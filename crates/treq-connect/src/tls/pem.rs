use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use treq_core::{BoxError, Error, Kind};

/// Every certificate of a PEM text, at least one. `name` says in errors where the text is from.
pub(super) fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(Error::new(Kind::Tls, format!("{name} holds no certificate: it must have a BEGIN CERTIFICATE line")))
        }
        Ok(found) => Ok(found),
        Err(cause) => Err(broken(format!("{name} is not well-formed PEM"), cause)),
    }
}

/// The first private key of a PEM text: PKCS #8, PKCS #1 or SEC 1, not encrypted.
pub(super) fn private_key(pem: &[u8], name: &str) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|cause| {
        broken(
            format!("{name} holds no usable private key: it must be PKCS #8, PKCS #1 or SEC 1, not encrypted"),
            cause,
        )
    })
}

/// The content of a file, and its name for errors.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, String), Error> {
    let name = format!("the PEM file {path:?}");
    match std::fs::read(path) {
        Ok(pem) => Ok((pem, name)),
        Err(cause) => Err(broken(format!("could not read {name}"), cause)),
    }
}

fn broken(message: String, cause: impl Into<BoxError>) -> Error {
    Error::new(Kind::Tls, message).with_source(cause)
}
