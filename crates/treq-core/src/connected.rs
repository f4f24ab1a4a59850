use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

/// A byte stream as a connector hands it out, and what is known of it.
///
/// A connector is a `tower_service::Service<Target, Response = Connected<IO>>`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<IO> {
    /// The stream: TCP, TLS, a Unix socket, a pipe in memory.
    pub io: IO,
    /// Who is at the other end.
    pub peer: Peer,
    /// What the handshake agreed on, where TLS is spoken.
    pub tls: Option<Arc<TlsFacts>>,
    /// Set where the other end is a forward proxy that wants requests in absolute form.
    pub forward: Option<Forward>,
}

impl<IO> Connected<IO> {
    /// A stream in the clear to `peer`.
    pub fn new(io: IO, peer: Peer) -> Connected<IO> {
        Connected { io, peer, tls: None, forward: None }
    }

    /// The same facts around another stream: what a connector that wraps streams returns.
    pub fn map<T>(self, wrap: impl FnOnce(IO) -> T) -> Connected<T> {
        Connected { io: wrap(self.io), peer: self.peer, tls: self.tls, forward: self.forward }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(Box<Path>),
    /// A pipe inside this process, by its name.
    Memory(Box<str>),
    /// A connector that does not say.
    Unknown,
}

impl Peer {
    /// The socket address, where there is one.
    pub fn addr(&self) -> Option<SocketAddr> {
        match self {
            Peer::Tcp(addr) => Some(*addr),
            Peer::Unix(_) | Peer::Memory(_) | Peer::Unknown => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(addr) => addr.fmt(f),
            Peer::Unix(path) => write!(f, "unix:{}", path.display()),
            Peer::Memory(name) => write!(f, "memory:{name}"),
            Peer::Unknown => f.write_str("unknown"),
        }
    }
}

/// What a TLS handshake agreed on. Names are those of the IANA registries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFacts {
    /// The protocol chosen by ALPN: `h2`, `http/1.1`.
    pub alpn: Option<Bytes>,
    /// `TLSv1_3`, `TLSv1_2`.
    pub version: Option<Box<str>>,
    /// The cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: Option<Box<str>>,
    /// The key exchange group, such as `X25519MLKEM768`.
    pub key_exchange: Option<Box<str>>,
    /// The peer's certificates as DER, its own first.
    pub peer_certificates: Vec<Bytes>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
}

/// A forward proxy at the other end: requests go to it with their whole URL as the target
/// ([RFC 9112, section 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Forward {
    /// The `Proxy-Authorization` field, marked sensitive.
    pub authorization: Option<HeaderValue>,
}
