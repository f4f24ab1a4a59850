use std::hash::Hasher;
use std::net::{Ipv4Addr, SocketAddr};

use treq_core::{Origin, Route, Target};

use crate::hosts;

/// How a request came to a [`MemoryServer`](crate::MemoryServer): an extension of every request that its services see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    origin: Origin,
}

impl Arrival {
    /// Of a connection to this target. A [`Secure`] route makes it an https one.
    pub(crate) fn of(target: &Target) -> Arrival {
        let origin = &target.origin;
        let secure = target.route.as_deref().is_some_and(|route| route.downcast_ref::<Secure>().is_some());
        if origin.is_https() || !secure {
            return Arrival { origin: origin.clone() };
        }
        let https = treq_core::uri::parse(&format!("https://{}", hosts::names(origin)[0]))
            .and_then(|located| Origin::from_uri(&located.uri));
        // The host stood in a URL already, so there is nothing to go wrong.
        Arrival { origin: https.unwrap_or_else(|_| origin.clone()) }
    }

    /// Scheme, host and port that the client connected to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the client asked for https. Nothing is encrypted in memory, unless by
    /// [`MemoryServer::tls`](crate::MemoryServer::tls).
    pub fn is_secure(&self) -> bool {
        self.origin.is_https()
    }

    /// The port that the client connected to.
    pub fn port(&self) -> u16 {
        self.origin.port()
    }

    /// Who the client is: always `127.0.0.1:31337`.
    pub fn client(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 31337))
    }
}

/// The [`Route`] of a request for an https URL whose bytes go in the clear, since they never leave the process: the
/// server takes a connection by way of it for a secure one, and the pool shares it with no plain one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secure;

impl Route for Secure {
    fn same(&self, other: &dyn Route) -> bool {
        other.downcast_ref::<Secure>().is_some()
    }

    fn digest(&self, state: &mut dyn Hasher) {
        state.write(b"secure in memory");
    }
}
