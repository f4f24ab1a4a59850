use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use treq_core::BoxError;

/// What [`Resolve::resolve`] returns. One box per name looked up, so that the trait can be used as an object.
pub type Resolving = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, BoxError>> + Send>>;

/// A resolver: host names to addresses.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
/// use treq_connect::{Resolve, Resolving, TcpConnect};
///
/// /// Everything is at home.
/// struct Home;
///
/// impl Resolve for Home {
///     fn resolve(&self, _host: &str, port: u16) -> Resolving {
///         Box::pin(std::future::ready(Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])))
///     }
/// }
///
/// let connect = TcpConnect::new().resolver(Home);
/// # let _ = connect;
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, the preferred one first
    /// ([RFC 6724, section 6](https://www.rfc-editor.org/rfc/rfc6724#section-6)).
    ///
    /// `host` is in lower case and never an IP address: those are not looked up. An address with port 0 is connected
    /// to at `port`. An empty list says that the name has no address; the connection then fails with `Kind::Resolve`, as it does for an error.
    fn resolve(&self, host: &str, port: u16) -> Resolving;
}

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve(&self, host: &str, port: u16) -> Resolving {
        (**self).resolve(host, port)
    }
}

/// The operating system's resolver, `getaddrinfo`, on tokio's threads for blocking work.
///
/// It answers for both families at once, in the order of RFC 6724, so there is no waiting for the slower of two
/// answers as in [RFC 8305, section 3](https://www.rfc-editor.org/rfc/rfc8305#section-3).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

impl fmt::Debug for dyn Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dyn Resolve")
    }
}
