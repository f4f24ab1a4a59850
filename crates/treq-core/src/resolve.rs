use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::BoxError;

/// The future of [`Resolve::resolve`]. It is one box per name, so that the trait can be used as an object.
pub type Resolving = Pin<Box<dyn Future<Output = Result<Resolved, BoxError>> + Send>>;

/// A resolver: from a host name to its addresses.
///
/// Implement it for a type of your own, or make one from a closure by [`resolve_fn`]. A connector takes it, and so does a
/// proxy layer, for proxies that are given addresses.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
/// use treq_core::{Name, Resolve, Resolved, Resolving};
///
/// /// Knows the names of one zone.
/// struct Zone(Ipv4Addr);
///
/// impl Resolve for Zone {
///     fn resolve(&self, name: Name) -> Resolving {
///         let found: Resolved = match name.host().ends_with(".internal.test") {
///             true => [SocketAddr::from((self.0, name.port()))].into_iter().collect(),
///             false => Resolved::default(),
///         };
///         Box::pin(std::future::ready(Ok(found)))
///     }
/// }
///
/// let zone = Zone(Ipv4Addr::LOCALHOST);
/// # fn ready(mut future: Resolving) -> Resolved {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match future.as_mut().poll(&mut cx) { std::task::Poll::Ready(found) => found.unwrap(), _ => panic!() }
/// # }
/// # let found = ready(zone.resolve(Name::new("api.internal.test", 80)));
/// # assert_eq!(found.addrs(), [SocketAddr::from((Ipv4Addr::LOCALHOST, 80))]);
/// # assert!(ready(zone.resolve(Name::new("elsewhere.test", 80))).addrs().is_empty());
/// ```
pub trait Resolve: Send + Sync + 'static {
    /// Returns the addresses of a name, the preferred one first
    /// ([RFC 6724, section 6](https://www.rfc-editor.org/rfc/rfc6724#section-6)).
    ///
    /// An address with port 0 stands for the port of the name. An empty list means that the name has no address, which the
    /// caller reports like an error.
    ///
    /// # Errors
    ///
    /// Any error: the caller adds the host name to it.
    fn resolve(&self, name: Name) -> Resolving;
}

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve(&self, name: Name) -> Resolving {
        (**self).resolve(name)
    }
}

impl<R: Resolve + ?Sized> Resolve for Box<R> {
    fn resolve(&self, name: Name) -> Resolving {
        (**self).resolve(name)
    }
}

impl fmt::Debug for dyn Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dyn Resolve")
    }
}

/// A name to resolve.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    host: Box<str>,
    port: u16,
}

impl Name {
    /// The name `host`, for a connection to `port`.
    #[must_use]
    pub fn new(host: impl Into<Box<str>>, port: u16) -> Name {
        Name { host: host.into(), port }
    }

    /// Returns the host name. From a connector it is in lower case and never an IP address: those are not looked up.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The addresses of a [`Name`], the preferred one first.
///
/// It is made from a `Vec<SocketAddr>`, or collected from an iterator of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    addrs: Vec<SocketAddr>,
}

impl Resolved {
    /// Returns the addresses.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Returns the addresses by value.
    pub fn into_addrs(self) -> Vec<SocketAddr> {
        self.addrs
    }
}

impl From<Vec<SocketAddr>> for Resolved {
    fn from(addrs: Vec<SocketAddr>) -> Resolved {
        Resolved { addrs }
    }
}

impl FromIterator<SocketAddr> for Resolved {
    fn from_iter<I: IntoIterator<Item = SocketAddr>>(addrs: I) -> Resolved {
        Resolved { addrs: addrs.into_iter().collect() }
    }
}

/// Returns a resolver that calls `resolve` for each name.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
/// use treq_core::resolve_fn;
///
/// // Whatever the name, it is this machine.
/// let here = resolve_fn(|name| async move { Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, name.port()))].into()) });
/// # fn is_resolver(_: impl treq_core::Resolve) {}
/// # is_resolver(here);
/// ```
pub fn resolve_fn<F, Fut>(resolve: F) -> ResolveFn<F>
where
    F: Fn(Name) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Resolved, BoxError>> + Send + 'static,
{
    ResolveFn { resolve }
}

/// The resolver of [`resolve_fn`].
#[derive(Clone, Copy)]
pub struct ResolveFn<F> {
    resolve: F,
}

impl<F, Fut> Resolve for ResolveFn<F>
where
    F: Fn(Name) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Resolved, BoxError>> + Send + 'static,
{
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin((self.resolve)(name))
    }
}

impl<F> fmt::Debug for ResolveFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResolveFn")
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn addrs_of(resolver: impl Resolve) -> Vec<SocketAddr> {
        let mut resolving = resolver.resolve(Name::new("a.test", 80));
        match resolving.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found.unwrap().into_addrs(),
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn a_resolver_in_a_box_or_shared_is_one() {
        let here =
            || resolve_fn(|name| async move { Ok([([127, 0, 0, 1], name.port()).into()].into_iter().collect()) });
        let wanted = [SocketAddr::from(([127, 0, 0, 1], 80))];
        assert_eq!(addrs_of(here()), wanted);
        assert_eq!(addrs_of(Arc::new(here()) as Arc<dyn Resolve>), wanted);
        assert_eq!(addrs_of(Box::new(here()) as Box<dyn Resolve>), wanted);
    }
}
