use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{ConnectionId, Origin};

/// The destination and kind of a connection.
///
/// A connector is called with it: an agent makes it of a request, a pool keeps connections by it. Origin, HTTP version and
/// route tell one kind of connection from another (they are the pool's [`Key`]); `reuse` says which of that kind will do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Scheme, host and port.
    pub origin: Origin,
    /// Which version of HTTP the caller wants spoken.
    pub http_version: HttpVersion,
    /// The connections of a pool that will do.
    pub reuse: Reuse,
    /// What other crates add: the choice of a proxy, TLS settings of one request.
    pub route: Option<Arc<dyn Route>>,
}

/// The connections of a pool that may serve a [`Target`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reuse {
    /// Any open connection.
    #[default]
    Any,
    /// Any connection made after this one, on which the request has failed.
    After(ConnectionId),
    /// None: a new connection, closed after its only exchange.
    Never,
}

/// Which version of HTTP is to be spoken on a connection. As a request's extension: for that request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpVersion {
    /// Over TLS what ALPN agrees on, in the clear HTTP/1.1.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: over TLS by ALPN, in the clear with prior knowledge
    /// ([RFC 9113, section 3.3](https://www.rfc-editor.org/rfc/rfc9113#section-3.3)).
    Http2,
}

/// A choice that makes connections of one origin differ, and that the pool keeps apart by its `same` and `digest`.
///
/// A proxy crate puts one into a [`Target`] and its connector, further down, takes it out again by `Any`.
pub trait Route: AsAny + fmt::Debug + Send + Sync {
    /// Whether connections made by way of `other` may be used instead.
    fn same(&self, other: &dyn Route) -> bool;

    /// Feeds what [`same`](Route::same) compares to a hasher.
    fn digest(&self, state: &mut dyn Hasher);

    /// Whether one connection serves requests for whatever origin, as long as they go in the clear over HTTP/1.1: one to a
    /// forward proxy does.
    fn is_shared(&self) -> bool {
        false
    }
}

impl dyn Route {
    /// The route as the type that it was made of.
    pub fn downcast_ref<T: Route>(&self) -> Option<&T> {
        self.as_any().downcast_ref()
    }
}

/// Upcasts a type to [`Any`], which a trait object of a subtrait cannot do before Rust 1.86.
pub trait AsAny: Any {
    /// Returns `self` as [`Any`].
    fn as_any(&self) -> &dyn Any;
}

impl<T: Any> AsAny for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Target {
    /// A connection to `origin`, of any kind.
    pub fn new(origin: Origin) -> Target {
        Target { origin, http_version: HttpVersion::Any, reuse: Reuse::Any, route: None }
    }

    /// Whether a connection of this kind may turn out to carry several exchanges at once, so that a second one should
    /// wait for what the first finds out.
    pub fn may_multiplex(&self) -> bool {
        match self.http_version {
            HttpVersion::Any => self.origin.is_https(),
            HttpVersion::Http1 => false,
            HttpVersion::Http2 => true,
        }
    }

    /// The part that tells kinds of connections apart.
    pub fn key(&self) -> Key<'_> {
        Key(self)
    }
}

/// A [`Target`] seen as the key of a pool: equal and of one hash where one connection can serve both.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a>(&'a Target);

impl Key<'_> {
    /// Whether the origin makes no difference.
    #[inline]
    fn is_shared(&self) -> bool {
        let in_clear = || !self.0.origin.is_https() && self.0.http_version != HttpVersion::Http2;
        self.0.route.as_ref().is_some_and(|route| in_clear() && route.is_shared())
    }
}

impl PartialEq for Key<'_> {
    #[inline]
    fn eq(&self, other: &Key<'_>) -> bool {
        match (&self.0.route, &other.0.route) {
            (None, None) => self.0.http_version == other.0.http_version && self.0.origin == other.0.origin,
            (Some(a), Some(b)) => self.is_like(other, a, b),
            _ => false,
        }
    }
}

impl Key<'_> {
    #[cold]
    fn is_like(&self, other: &Key<'_>, a: &Arc<dyn Route>, b: &Arc<dyn Route>) -> bool {
        self.0.http_version == other.0.http_version
            && (self.0.origin == other.0.origin || self.is_shared() && other.is_shared())
            && (Arc::ptr_eq(a, b) || a.same(&**b))
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !self.is_shared() {
            self.0.origin.hash(state);
        }
        state.write_u8(self.0.http_version as u8);
        if let Some(route) = &self.0.route {
            route.digest(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[derive(Debug)]
    struct Via(&'static str);

    impl Route for Via {
        fn is_shared(&self) -> bool {
            self.0 == "shared"
        }

        fn same(&self, other: &dyn Route) -> bool {
            other.downcast_ref::<Via>().is_some_and(|other| other.0 == self.0)
        }

        fn digest(&self, state: &mut dyn Hasher) {
            state.write(self.0.as_bytes());
        }
    }

    fn target(route: Option<&'static str>, http_version: HttpVersion) -> Target {
        let mut target = Target::new(Origin::from_uri(&"http://a.test".parse().unwrap()).unwrap());
        target.route = route.map(|name| Arc::new(Via(name)) as Arc<dyn Route>);
        target.http_version = http_version;
        target
    }

    #[test]
    fn tells_kinds_of_connections_apart() {
        let state = RandomState::new();
        let plain = target(None, HttpVersion::Any);
        let via = target(Some("a"), HttpVersion::Any);
        let mut fresh = target(Some("a"), HttpVersion::Any);
        fresh.reuse = Reuse::Never;
        assert_eq!(via.key(), fresh.key());
        assert_eq!(state.hash_one(via.key()), state.hash_one(fresh.key()));
        assert_ne!(plain.key(), via.key());
        assert_ne!(via.key(), target(Some("b"), HttpVersion::Any).key());
        assert_ne!(plain.key(), target(None, HttpVersion::Http2).key());

        let elsewhere = |mut target: Target, url: &'static str| {
            target.origin = Origin::from_uri(&http::Uri::from_static(url)).unwrap();
            target
        };
        let shared = target(Some("shared"), HttpVersion::Any);
        let other = elsewhere(shared.clone(), "http://b.test");
        assert_eq!(shared.key(), other.key());
        assert_eq!(state.hash_one(shared.key()), state.hash_one(other.key()));
        assert_ne!(shared.key(), elsewhere(shared.clone(), "https://a.test").key());
        let tunnel = target(Some("shared"), HttpVersion::Http2);
        assert_ne!(tunnel.key(), elsewhere(tunnel.clone(), "http://b.test").key());
    }
}
