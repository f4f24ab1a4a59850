use std::net::{IpAddr, SocketAddr};

use treq_core::{BoxError, Name, Origin, Resolve, Resolving};

/// The system's resolver.
pub(crate) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.host(), name.port())).await?.collect()) })
    }
}

/// The addresses worth a try: the first, and the first of the other family, since the proxy may have only one of them.
pub(crate) async fn lookup(resolver: &dyn Resolve, origin: &Origin, only_v4: bool) -> Result<Vec<IpAddr>, BoxError> {
    let found = resolver.resolve(Name::new(origin.host(), origin.port())).await?;
    let mut addrs: Vec<IpAddr> = Vec::with_capacity(2);
    for addr in found.addrs().iter().map(SocketAddr::ip).filter(|addr| addr.is_ipv4() || !only_v4) {
        if addrs.iter().all(|known| known.is_ipv4() != addr.is_ipv4()) {
            addrs.push(addr);
        }
    }
    Ok(addrs)
}
