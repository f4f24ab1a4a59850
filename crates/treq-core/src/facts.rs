use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Version;

use crate::{Peer, TlsFacts};

/// What is known of the connection that carried an answer: kept by its body, and an extension of the response where the
/// agent is asked for that.
///
/// ```
/// # fn show(response: &http::Response<()>) {
/// if let Some(facts) = response.extensions().get::<treq_core::Facts>() {
///     println!("{} over {:?}, reused: {}", facts.connection().peer, facts.connection().protocol, facts.is_reused());
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Facts {
    connection: Arc<ConnectionFacts>,
    reused: bool,
    framing: Framing,
}

/// What does not change over a connection's life.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionFacts {
    /// Tells connections of this process apart.
    pub id: ConnectionId,
    /// Who is at the other end.
    pub peer: Peer,
    /// The version of HTTP that is spoken on it.
    pub protocol: Version,
    /// What the TLS handshake agreed on.
    pub tls: Option<Arc<TlsFacts>>,
}

impl ConnectionFacts {
    /// The facts of a new connection, with an id of its own.
    pub fn new(peer: Peer, protocol: Version, tls: Option<Arc<TlsFacts>>) -> ConnectionFacts {
        ConnectionFacts { id: ConnectionId::next(), peer, protocol, tls }
    }
}

/// A number that no other connection of this process has; a later connection has a greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The number of a connection that is made now.
    pub fn next() -> ConnectionId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How the end of a response's body is told
/// ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// There is no body, whatever the fields say: the answer to HEAD, 204, 304, an upgrade.
    None,
    /// By its length, by chunks or by the frames of HTTP/2: a missing end is an error.
    Delimited,
    /// By the end of the connection: a body that was cut looks like a whole one.
    Close,
}

/// Whether a body that ended without error is known to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyEnd {
    /// The framing said that this is the end.
    Complete,
    /// Only the end of the connection did: it may have been cut.
    PossiblyCut,
}

/// The reason phrase of a status line, where it is not the usual one of its status: an extension of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Bytes);

impl Reason {
    /// A phrase, as it stood on the line.
    pub fn new(phrase: impl Into<Bytes>) -> Reason {
        Reason(phrase.into())
    }

    /// The phrase: any bytes but control characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Facts {
    /// The facts of one answer.
    pub fn new(connection: Arc<ConnectionFacts>, reused: bool, framing: Framing) -> Facts {
        Facts { connection, reused, framing }
    }

    /// The connection.
    pub fn connection(&self) -> &ConnectionFacts {
        &self.connection
    }

    /// Whether the connection had carried an exchange before this one.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// How the end of the body is told.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// What an end of the body without error is worth.
    pub fn body_end(&self) -> BodyEnd {
        match self.framing {
            Framing::Close => BodyEnd::PossiblyCut,
            Framing::None | Framing::Delimited => BodyEnd::Complete,
        }
    }
}
