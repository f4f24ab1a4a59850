use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::OnceCell;
use treq_core::{Error, HttpVersion, Kind, Resend};

use super::TlsConfigBuilder;
use super::recipe::Recipe;

pub(super) type Preparing = Pin<Box<dyn Future<Output = Result<Arc<ClientConfig>, Error>> + Send>>;

/// How TLS is spoken: roots, client certificate, versions, protocols. Cloning it is cheap.
///
/// By default servers are verified as the operating system would do it, with its roots (by
/// [`rustls-platform-verifier`](https://docs.rs/rustls-platform-verifier)); on Linux and the BSDs that means the
/// certificates that the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else those in the usual places.
///
/// They are loaded at the first `https` target, on a thread for blocking work, and then kept together with the
/// sessions to be resumed: for all clones together, not for another configuration built alike. Until then a machine
/// without roots goes unnoticed, and a failure is not kept: the next target tries again. No crypto provider is
/// installed process-wide, and none that is installed is used.
///
/// Equality and hash are those of identity: clones are equal, and nothing else.
///
/// ```
/// use treq_connect::TlsConfig;
///
/// # fn main() -> Result<(), treq_core::Error> {
/// let config = TlsConfig::builder().http2(false).build()?;
/// assert_eq!(config, config.clone());
/// assert_ne!(config, TlsConfig::default());
/// # Ok(())
/// # }
/// ```
///
/// The feature `rustls-0-23` adds `TlsConfig::from_rustls_0_23`, for what the builder has no setting for.
#[derive(Clone)]
pub struct TlsConfig {
    shared: Arc<Shared>,
}

struct Shared {
    /// What is offered where the target's HTTP version is [`HttpVersion::Any`].
    alpn: Vec<Vec<u8>>,
    source: Source,
}

enum Source {
    /// The caller's own.
    #[cfg(feature = "rustls-0-23")]
    Whole(Arc<ClientConfig>),
    /// Built when it is first needed.
    Settings { recipe: Arc<Recipe>, ready: OnceCell<Arc<ClientConfig>> },
}

const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

impl TlsConfig {
    /// Settings that differ from the defaults.
    pub fn builder() -> TlsConfigBuilder {
        TlsConfigBuilder::new()
    }

    /// Takes a whole configuration of rustls: your own verifier, session store or key log.
    ///
    /// Its list of ALPN protocols, if it has one, is offered to targets that take any version of HTTP, and says whether
    /// HTTP/2 is allowed. An empty list stands for `h2` and `http/1.1`.
    ///
    /// ```
    /// use treq_connect::{TlsConfig, rustls};
    ///
    /// # #[cfg(feature = "ring")] fn main() -> Result<(), rustls::Error> {
    /// # let roots = rustls::RootCertStore::empty();
    /// let provider = rustls::crypto::ring::default_provider();
    /// let config = rustls::ClientConfig::builder_with_provider(provider.into())
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let config = TlsConfig::from_rustls_0_23(config);
    /// # let _ = config;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "ring"))] fn main() {}
    /// ```
    #[cfg(feature = "rustls-0-23")]
    pub fn from_rustls_0_23(config: impl Into<Arc<ClientConfig>>) -> TlsConfig {
        let client = config.into();
        let alpn = if client.alpn_protocols.is_empty() { protocols(true) } else { client.alpn_protocols.clone() };
        TlsConfig::of(alpn, Source::Whole(client))
    }

    pub(super) fn by(recipe: Recipe, http2: bool) -> TlsConfig {
        TlsConfig::of(protocols(http2), Source::Settings { recipe: Arc::new(recipe), ready: OnceCell::new() })
    }

    fn of(alpn: Vec<Vec<u8>>, source: Source) -> TlsConfig {
        TlsConfig { shared: Arc::new(Shared { alpn, source }) }
    }

    /// The protocols to offer, best first.
    pub(super) fn offer(&self, http_version: HttpVersion) -> Result<Vec<Vec<u8>>, Error> {
        let allowed = &self.shared.alpn;
        match http_version {
            HttpVersion::Http1 => Ok(vec![HTTP1.to_vec()]),
            HttpVersion::Http2 if allowed.iter().any(|protocol| protocol == H2) => Ok(vec![H2.to_vec()]),
            HttpVersion::Http2 => Err(Error::new(
                Kind::Builder,
                "HTTP/2 alone was asked for, which the TLS configuration forbids: see TlsConfigBuilder::http2",
            )
            .with_resend(Resend::Safe)),
            _ => Ok(allowed.clone()),
        }
    }

    /// The configuration, if it has been built.
    pub(super) fn ready(&self) -> Option<Arc<ClientConfig>> {
        match &self.shared.source {
            #[cfg(feature = "rustls-0-23")]
            Source::Whole(client) => Some(Arc::clone(client)),
            Source::Settings { ready, .. } => ready.get().cloned(),
        }
    }

    /// Builds the configuration, once for all who wait for it. Should the one who builds be dropped, the next does it.
    pub(super) fn prepare(&self) -> Preparing {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            match &shared.source {
                #[cfg(feature = "rustls-0-23")]
                Source::Whole(client) => Ok(Arc::clone(client)),
                Source::Settings { recipe, ready } => {
                    ready.get_or_try_init(|| build(Arc::clone(recipe))).await.cloned()
                }
            }
        })
    }
}

async fn build(recipe: Arc<Recipe>) -> Result<Arc<ClientConfig>, Error> {
    // Roots are read from disk, which may take some ten milliseconds.
    match tokio::task::spawn_blocking(move || recipe.client()).await {
        Ok(built) => built.map(Arc::new),
        Err(cause) => Err(Error::new(Kind::Tls, "building the TLS configuration was broken off").with_source(cause)),
    }
    .map_err(|error| error.with_resend(Resend::Safe))
}

fn protocols(http2: bool) -> Vec<Vec<u8>> {
    if http2 { vec![H2.to_vec(), HTTP1.to_vec()] } else { vec![HTTP1.to_vec()] }
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig::by(Recipe::default(), true)
    }
}

impl PartialEq for TlsConfig {
    fn eq(&self, other: &TlsConfig) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for TlsConfig {}

impl Hash for TlsConfig {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.shared).hash(state);
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shared.source {
            #[cfg(feature = "rustls-0-23")]
            Source::Whole(_) => f.debug_tuple("TlsConfig").field(&"rustls::ClientConfig").finish(),
            Source::Settings { recipe, ready } => {
                f.debug_struct("TlsConfig").field("settings", recipe).field("ready", &ready.initialized()).finish()
            }
        }
    }
}
