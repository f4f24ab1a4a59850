use std::fmt;
use std::path::Path;
#[cfg(feature = "rustls-0-23")]
use std::sync::Arc;

#[cfg(feature = "rustls-0-23")]
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use treq_core::Error;

use super::recipe::Recipe;
use super::{TlsConfig, pem};

/// Settings of a new [`TlsConfig`].
///
/// Files are read at once, by the method that names them, on the thread that calls it.
/// [`build`](TlsConfigBuilder::build) returns the first error.
///
/// A client that trusts one authority and has a certificate of its own, as mutual TLS wants it:
///
/// ```
/// use treq_connect::{TlsConfig, TlsVersion};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
/// // Certificates for a test; a program reads them with `roots_pem_file` and `client_pem_files`.
/// let authority = rcgen::generate_simple_self_signed(vec!["authority.test".into()])?;
/// let client = rcgen::generate_simple_self_signed(vec!["client.test".into()])?;
///
/// let config = TlsConfig::builder()
///     .roots_pem(authority.cert.pem())
///     .client_pem(client.cert.pem() + &client.signing_key.serialize_pem())
///     .min_version(TlsVersion::Tls13)
///     .build()?;
/// # let _ = config;
/// # }
/// # Ok(())
/// # }
/// ```
#[must_use = "settings have no effect before `build` is called"]
#[derive(Debug)]
pub struct TlsConfigBuilder {
    draft: Result<Draft, Error>,
}

#[derive(Debug)]
struct Draft {
    recipe: Recipe,
    /// Read into the recipe by `build`: the provider may be named after the certificate.
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    http2: bool,
}

/// A version of TLS.
///
/// ```
/// use treq_connect::TlsVersion;
///
/// assert!(TlsVersion::Tls13 > TlsVersion::Tls12);
/// assert_eq!(TlsVersion::Tls13.to_string(), "TLS 1.3");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, [RFC 5246](https://www.rfc-editor.org/rfc/rfc5246).
    #[default]
    Tls12,
    /// TLS 1.3, [RFC 8446](https://www.rfc-editor.org/rfc/rfc8446).
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        })
    }
}

impl TlsConfigBuilder {
    pub(super) fn new() -> TlsConfigBuilder {
        TlsConfigBuilder { draft: Ok(Draft { recipe: Recipe::default(), identity: None, http2: true }) }
    }

    /// Trusts these authorities, and neither those of the platform nor any named before.
    pub fn roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> TlsConfigBuilder {
        self.only().add_roots(roots)
    }

    /// [`roots`](TlsConfigBuilder::roots) from a PEM text with one or more certificates.
    pub fn roots_pem(self, pem: impl AsRef<[u8]>) -> TlsConfigBuilder {
        self.only().add_roots_pem(pem)
    }

    /// [`roots`](TlsConfigBuilder::roots) from a PEM file with one or more certificates.
    pub fn roots_pem_file(self, path: impl AsRef<Path>) -> TlsConfigBuilder {
        self.only().add_roots_pem_file(path)
    }

    /// Trusts these authorities too: beside those of the platform, or those that [`roots`](TlsConfigBuilder::roots)
    /// has put in their place. Android cannot add to those of the platform; the first `https` target then fails.
    pub fn add_roots(self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> TlsConfigBuilder {
        self.change(|draft| draft.recipe.trust(roots.into_iter().collect(), "the list of roots"))
    }

    /// [`add_roots`](TlsConfigBuilder::add_roots) from a PEM text with one or more certificates.
    pub fn add_roots_pem(self, pem: impl AsRef<[u8]>) -> TlsConfigBuilder {
        const NAME: &str = "the PEM text of the roots";
        self.change(|draft| draft.recipe.trust(pem::certificates(pem.as_ref(), NAME)?, NAME))
    }

    /// [`add_roots`](TlsConfigBuilder::add_roots) from a PEM file with one or more certificates.
    pub fn add_roots_pem_file(self, path: impl AsRef<Path>) -> TlsConfigBuilder {
        self.change(|draft| {
            let (pem, name) = pem::read(path.as_ref())?;
            draft.recipe.trust(pem::certificates(&pem, &name)?, &name)
        })
    }

    /// Shows this certificate to servers that ask for one: the client's own first, then those that lead to its root.
    pub fn client_certificate(
        self,
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> TlsConfigBuilder {
        self.set(|draft| draft.identity = Some((chain.into_iter().collect(), key)))
    }

    /// [`client_certificate`](TlsConfigBuilder::client_certificate) from one PEM text that holds the chain and the key
    /// (PKCS #8, PKCS #1 or SEC 1, not encrypted).
    pub fn client_pem(self, pem: impl AsRef<[u8]>) -> TlsConfigBuilder {
        self.identity((pem.as_ref(), "the PEM text of the client"), None)
    }

    /// [`client_pem`](TlsConfigBuilder::client_pem) from one file.
    pub fn client_pem_file(self, path: impl AsRef<Path>) -> TlsConfigBuilder {
        match pem::read(path.as_ref()) {
            Ok((pem, name)) => self.identity((&pem, &name), None),
            Err(error) => self.change(|_| Err(error)),
        }
    }

    /// [`client_pem`](TlsConfigBuilder::client_pem) from two files, one with the chain and one with the key.
    pub fn client_pem_files(self, chain: impl AsRef<Path>, key: impl AsRef<Path>) -> TlsConfigBuilder {
        match (pem::read(chain.as_ref()), pem::read(key.as_ref())) {
            (Ok((pem, name)), Ok((key, key_name))) => self.identity((&pem, &name), Some((&key, &key_name))),
            (Err(error), _) | (_, Err(error)) => self.change(|_| Err(error)),
        }
    }

    /// Whether HTTP/2 is offered by ALPN: true by default.
    pub fn http2(self, http2: bool) -> TlsConfigBuilder {
        self.set(|draft| draft.http2 = http2)
    }

    /// The oldest version spoken: TLS 1.2 by default.
    pub fn min_version(self, version: TlsVersion) -> TlsConfigBuilder {
        self.set(|draft| draft.recipe.min_version = version)
    }

    /// Whether the keys of each session are appended to the file that the environment variable `SSLKEYLOGFILE` names,
    /// for Wireshark and its like: false by default, and without effect where the variable is not set.
    ///
    /// **Who reads that file reads the traffic.** The variable is read when the first connection is made.
    pub fn key_log(self, key_log: bool) -> TlsConfigBuilder {
        self.set(|draft| draft.recipe.key_log = key_log)
    }

    /// **Dangerous.** Takes any certificate: self-signed, expired, for another host, of an attacker in between. Whoever
    /// can get into the way reads and changes everything, credentials included; what remains is encryption with
    /// somebody. Settings of roots then have no effect.
    ///
    /// For a server with a certificate of one's own, [`add_roots_pem_file`](TlsConfigBuilder::add_roots_pem_file) is
    /// as short and is safe.
    pub fn danger_accept_invalid_certs(self, accept: bool) -> TlsConfigBuilder {
        self.set(|draft| draft.recipe.any_certificate = accept)
    }

    /// Sets the cryptography to use, instead of that of the feature `aws-lc-rs` (which wins) or `ring`. With `tls` and
    /// neither of them there is none, and this must be set.
    #[cfg(feature = "rustls-0-23")]
    pub fn provider_rustls_0_23(self, provider: impl Into<Arc<CryptoProvider>>) -> TlsConfigBuilder {
        self.set(|draft| draft.recipe.provider = Some(provider.into()))
    }

    /// The configuration. The platform's roots are not looked at yet: see [`TlsConfig`].
    ///
    /// # Errors
    ///
    /// [`Kind::Tls`](treq_core::Kind::Tls) for the first setting that was wrong, naming the file where there is one: a
    /// file that cannot be read, PEM without certificate or key, a certificate that is none, a client key that does
    /// not belong to its certificate, no crypto provider to read that key with.
    pub fn build(self) -> Result<TlsConfig, Error> {
        let Draft { mut recipe, identity, http2 } = self.draft?;
        if let Some((chain, key)) = identity {
            recipe.identify(chain, key)?;
        }
        Ok(TlsConfig::by(recipe, http2))
    }

    fn only(self) -> TlsConfigBuilder {
        self.set(|draft| {
            draft.recipe.platform = false;
            draft.recipe.roots.clear();
        })
    }

    /// The key stands in the text of the chain, or in one of its own.
    fn identity(self, chain: (&[u8], &str), key: Option<(&[u8], &str)>) -> TlsConfigBuilder {
        self.change(|draft| {
            let (key, key_name) = key.unwrap_or(chain);
            let (chain, name) = chain;
            draft.identity = Some((pem::certificates(chain, name)?, pem::private_key(key, key_name)?));
            Ok(())
        })
    }

    fn set(self, set: impl FnOnce(&mut Draft)) -> TlsConfigBuilder {
        self.change(|draft| {
            set(draft);
            Ok(())
        })
    }

    /// The first error stays: what comes after it is not looked at.
    fn change(self, change: impl FnOnce(&mut Draft) -> Result<(), Error>) -> TlsConfigBuilder {
        let draft = self.draft.and_then(|mut draft| change(&mut draft).map(|()| draft));
        TlsConfigBuilder { draft }
    }
}
