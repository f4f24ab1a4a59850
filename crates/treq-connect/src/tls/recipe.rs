use std::fmt;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ConfigBuilder, DEFAULT_VERSIONS, KeyLogFile, RootCertStore, SupportedProtocolVersion, WantsVerifier,
    version,
};
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};
use treq_core::{BoxError, Error, Kind};

use super::TlsVersion;
use super::danger::AnyCertificate;

/// What a `rustls::ClientConfig` is made from, at the first `https` target.
pub(super) struct Recipe {
    /// Whether the platform's roots are trusted.
    pub(super) platform: bool,
    /// Those that are trusted beside, or instead. Each has been parsed once.
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) any_certificate: bool,
    pub(super) key_log: bool,
    pub(super) min_version: TlsVersion,
    pub(super) provider: Option<Arc<CryptoProvider>>,
    identity: Option<Arc<CertifiedKey>>,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            platform: true,
            roots: Vec::new(),
            any_certificate: false,
            key_log: false,
            min_version: TlsVersion::default(),
            provider: None,
            identity: None,
        }
    }
}

impl Recipe {
    /// Adds roots, at least one. `name` says in errors where they are from.
    pub(super) fn trust(&mut self, roots: Vec<CertificateDer<'static>>, name: &str) -> Result<(), Error> {
        if roots.is_empty() {
            return Err(Error::new(Kind::Tls, format!("{name} holds no certificate")));
        }
        for root in roots {
            let parsed = RootCertStore::empty().add(root.clone());
            parsed.map_err(|cause| failure(format!("{name} holds what is not a root certificate"), cause))?;
            self.roots.push(root);
        }
        Ok(())
    }

    pub(super) fn identify(
        &mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        if chain.is_empty() {
            return Err(Error::new(Kind::Tls, "the client certificate's chain is empty"));
        }
        let provider = self.provider()?;
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|cause| failure("the client certificate and its private key cannot be used together", cause))?;
        self.identity = Some(Arc::new(certified));
        Ok(())
    }

    /// Reads the platform's roots: not for a thread that polls futures.
    pub(super) fn client(&self) -> Result<ClientConfig, Error> {
        let provider = self.provider()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(self.min_version))
            .map_err(|cause| failure("the crypto provider does not go with the versions of TLS asked for", cause))?;
        let builder = self.verified(builder, provider)?;
        let mut client = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity)))),
            None => builder.with_no_client_auth(),
        };
        if self.key_log {
            client.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(client)
    }

    fn verified(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        provider: Arc<CryptoProvider>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
        if self.any_certificate {
            return Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))));
        }
        if !self.platform {
            let mut store = RootCertStore::empty();
            for root in &self.roots {
                store.add(root.clone()).map_err(|cause| failure("a root certificate is not one", cause))?;
            }
            return Ok(builder.with_root_certificates(store));
        }
        if self.roots.is_empty() {
            return builder.with_platform_verifier().map_err(no_roots);
        }
        let verifier = platform_and(&self.roots, provider)?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
    }

    fn provider(&self) -> Result<Arc<CryptoProvider>, Error> {
        self.provider.clone().or_else(default_provider).ok_or_else(|| {
            Error::new(
                Kind::Tls,
                "there is no cryptography for TLS: switch on the feature `aws-lc-rs` or `ring` of treq-connect, or \
                 give a provider with TlsConfigBuilder::provider_rustls_0_23",
            )
        })
    }
}

/// By value, never the process's.
#[cfg(feature = "aws-lc-rs")]
fn default_provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn default_provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
fn default_provider() -> Option<Arc<CryptoProvider>> {
    None
}

#[cfg(not(target_os = "android"))]
fn platform_and(roots: &[CertificateDer<'static>], provider: Arc<CryptoProvider>) -> Result<Verifier, Error> {
    Verifier::new_with_extra_roots(roots.iter().cloned(), provider).map_err(no_roots)
}

/// Android's verifier takes no further roots.
#[cfg(target_os = "android")]
fn platform_and(_: &[CertificateDer<'static>], _: Arc<CryptoProvider>) -> Result<Verifier, Error> {
    Err(Error::new(
        Kind::Tls,
        "on Android no roots can be added to those of the platform: give all of them with TlsConfig::builder().roots",
    ))
}

fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static TLS13_ONLY: [&SupportedProtocolVersion; 1] = [&version::TLS13];
    match min {
        TlsVersion::Tls12 => DEFAULT_VERSIONS,
        TlsVersion::Tls13 => &TLS13_ONLY,
    }
}

fn no_roots(cause: rustls::Error) -> Error {
    failure(
        "no root certificates to verify servers with could be had from this system: install its package of CA \
         certificates (ca-certificates), or set SSL_CERT_FILE to a PEM file of them, or give them with \
         TlsConfig::builder().roots",
        cause,
    )
}

fn failure(message: impl Into<std::borrow::Cow<'static, str>>, cause: impl Into<BoxError>) -> Error {
    Error::new(Kind::Tls, message).with_source(cause)
}

/// Without the key and without the bytes of certificates.
impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("platform", &self.platform)
            .field("roots", &self.roots.len())
            .field("any_certificate", &self.any_certificate)
            .field("key_log", &self.key_log)
            .field("min_version", &self.min_version)
            .field("client_certificate", &self.identity.is_some())
            .finish()
    }
}
