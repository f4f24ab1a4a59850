use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use treq_core::{BoxError, Origin};

/// What a resolver given to [`ProxyLayer::resolver`](crate::ProxyLayer::resolver) returns: the addresses of a name, the
/// preferred one first.
pub type Resolving = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, BoxError>> + Send>>;

pub(crate) type Resolver = Arc<dyn Fn(&str, u16) -> Resolving + Send + Sync>;

/// The system's resolver.
pub(crate) fn system() -> Resolver {
    Arc::new(|host, port| {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    })
}

/// The addresses worth a try: the first, and the first of the other family, since the proxy may have only one of them.
pub(crate) async fn lookup(resolver: &Resolver, origin: &Origin, only_v4: bool) -> Result<Vec<IpAddr>, BoxError> {
    let found = resolver(origin.host(), origin.port()).await?;
    let mut addrs: Vec<IpAddr> = Vec::with_capacity(2);
    for addr in found.iter().map(SocketAddr::ip).filter(|addr| addr.is_ipv4() || !only_v4) {
        if addrs.iter().all(|known| known.is_ipv4() != addr.is_ipv4()) {
            addrs.push(addr);
        }
    }
    Ok(addrs)
}
