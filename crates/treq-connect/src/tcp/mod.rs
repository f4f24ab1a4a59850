use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Kind, Name, Origin, Peer, Resend, Resolve, Resolving, Target, uri};

use crate::resolve::SystemResolver;

mod order;
mod race;
mod socket;

pub use socket::Keepalive;
use socket::Options;

/// A connector that resolves the target's host and races its addresses over TCP.
///
/// Addresses are tried in Happy Eyeballs order ([RFC 8305](https://www.rfc-editor.org/rfc/rfc8305)): families take
/// turns, beginning with that of the resolver's first address; the next attempt begins when the one before has failed,
/// or [`attempt_delay`](TcpConnect::attempt_delay) after it began; the first that succeeds is kept, the others are
/// dropped. IP addresses are not looked up.
///
/// There is no time limit here but the system's own. The scheme is not looked at: for TLS, put a `TlsLayer` around it.
/// Must be called on a tokio runtime with IO and time switched on.
///
/// ```
/// use std::time::Duration;
/// use tokio::net::TcpListener;
/// use tower::ServiceExt;
/// use treq_connect::{Keepalive, TcpConnect};
/// use treq_core::{Origin, Target};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let connect = TcpConnect::new()
///     .resolve_to("api.test", [listener.local_addr()?])
///     .keepalive(Keepalive::after(Duration::from_secs(60)));
///
/// let target = Target::new(Origin::from_uri(&"http://api.test/".parse()?)?);
/// let connected = connect.oneshot(target).await?;
/// assert_eq!(connected.peer.addr(), Some(listener.local_addr()?));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Kind::Resolve`] names the host and has the resolver's error as its source; [`Kind::Connect`] names host and port
/// and is a [`std::io::Error`] at heart: `err.find::<std::io::Error>()`. Of several, that is the first one that is not
/// merely "unreachable from here". Both are [`Resend::Safe`].
#[derive(Clone, Debug)]
pub struct TcpConnect {
    resolver: Arc<dyn Resolve>,
    /// By host in lower case, without brackets.
    overrides: Arc<HashMap<Box<str>, Vec<SocketAddr>>>,
    attempt_delay: Duration,
    options: Options,
}

/// The future of [`TcpConnect`]. It holds one box: connections are rare beside requests.
#[must_use = "futures do nothing unless polled"]
pub struct TcpFuture(Pin<Box<dyn Future<Output = Result<Connected<TcpStream>, Error>> + Send>>);

impl TcpConnect {
    /// A connector with the system's resolver, 250 ms between attempts, no Nagle delay, and keep-alive probes after 15 s of silence.
    pub fn new() -> TcpConnect {
        TcpConnect {
            resolver: Arc::new(SystemResolver),
            overrides: Arc::default(),
            // https://www.rfc-editor.org/rfc/rfc8305#section-8
            attempt_delay: Duration::from_millis(250),
            options: Options::default(),
        }
    }

    /// Looks names up with `resolver` instead of the [`SystemResolver`]: a [`Resolve`] of your own, or a closure by
    /// [`resolve_fn`](treq_core::resolve_fn).
    ///
    /// ```
    /// use std::net::{Ipv4Addr, SocketAddr};
    /// use treq_connect::TcpConnect;
    /// use treq_core::{Name, Resolve, Resolving};
    ///
    /// /// Every name is this machine.
    /// struct Home;
    ///
    /// impl Resolve for Home {
    ///     fn resolve(&self, name: Name) -> Resolving {
    ///         let here = SocketAddr::from((Ipv4Addr::LOCALHOST, name.port()));
    ///         Box::pin(async move { Ok(vec![here].into()) })
    ///     }
    /// }
    ///
    /// let connect = TcpConnect::new().resolver(Home);
    /// # let _ = connect;
    /// ```
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> TcpConnect {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Uses `addrs` for `host`, in any case, without looking it up. Port 0 means the port of the target. An international name
    /// equals its ASCII form, and a trailing dot makes no difference.
    ///
    /// A second call for the same host replaces the first. With no address at all every connection to `host` fails.
    #[must_use]
    pub fn resolve_to(mut self, host: &str, addrs: impl IntoIterator<Item = SocketAddr>) -> TcpConnect {
        // As it stands in the origin of a URL.
        let located = uri::parse(&format!("http://{host}/")).ok();
        let parsed = located.as_ref().and_then(|located| located.uri.host()).unwrap_or(host);
        let parsed = parsed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(parsed);
        let overrides = Arc::make_mut(&mut self.overrides);
        overrides.insert(without_dot(&parsed.to_ascii_lowercase()).into(), addrs.into_iter().collect());
        self
    }

    /// How long an attempt has before the next address is tried beside it: 250 ms by default, as recommended by
    /// [RFC 8305, section 5](https://www.rfc-editor.org/rfc/rfc8305#section-5), which wants at least 10 ms.
    #[must_use]
    pub fn attempt_delay(mut self, delay: Duration) -> TcpConnect {
        self.attempt_delay = delay;
        self
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`): true by default.
    #[must_use]
    pub fn nodelay(mut self, nodelay: bool) -> TcpConnect {
        self.options.nodelay = nodelay;
        self
    }

    /// When the system probes a silent connection (`SO_KEEPALIVE`): after 15 seconds by default, every 15 seconds, and gives
    /// it up after 3 probes without an answer. `None`: never.
    #[must_use]
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> TcpConnect {
        self.options.keepalive = keepalive.into();
        self
    }

    /// How long what was sent may stay without the peer's acknowledgement before the system gives the connection up
    /// (`TCP_USER_TIMEOUT`, [RFC 5482](https://www.rfc-editor.org/rfc/rfc5482)): 30 seconds by default, on Linux and Android
    /// alone. `None`: as long as the system likes, which is many minutes.
    #[must_use]
    pub fn user_timeout(mut self, limit: impl Into<Option<Duration>>) -> TcpConnect {
        self.options.user_timeout = limit.into();
        self
    }

    /// Connects from this address of the machine; addresses of the other family are then left out.
    #[must_use]
    pub fn local_address(mut self, local: impl Into<Option<IpAddr>>) -> TcpConnect {
        self.options.local = local.into();
        self
    }

    async fn connect(self, origin: Origin) -> Result<Connected<TcpStream>, Error> {
        let mut addrs = self.lookup(&origin).await?;
        if let Some(local) = self.options.local {
            addrs.retain(|addr| addr.is_ipv4() == local.is_ipv4());
        }
        let addrs = order::interleave(addrs);
        let count = addrs.len();
        let options = self.options;
        match race::Race::new(addrs, self.attempt_delay, move |addr| options.connect(addr)).await {
            Ok((addr, stream)) => Ok(Connected::new(stream, Peer::Tcp(addr))),
            Err(cause) => Err(unconnected(&origin, count, options.local, cause)),
        }
    }

    /// Never empty, and without port 0.
    async fn lookup(&self, origin: &Origin) -> Result<Vec<SocketAddr>, Error> {
        self.lookup_name(origin.host(), origin.port()).await
    }

    async fn lookup_name(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let mut addrs = if let Some(addrs) = self.overrides.get(without_dot(host)) {
            addrs.clone()
        } else if let Ok(ip) = host.parse::<IpAddr>() {
            vec![SocketAddr::new(ip, 0)]
        } else if without_dot(host).ends_with(".localhost") {
            // Never looked up: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
            vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))]
        } else {
            let found = self.resolver.resolve(Name::new(host, port)).await;
            let failed = |cause| unresolved(format!("could not resolve the host name {host:?}"), Some(cause));
            found.map_err(failed)?.into_addrs()
        };
        if addrs.is_empty() {
            return Err(unresolved(format!("the host name {host:?} has no address"), None));
        }
        for addr in addrs.iter_mut().filter(|addr| addr.port() == 0) {
            addr.set_port(port);
        }
        Ok(addrs)
    }
}

/// Resolves as the connector itself does, for connections made in another way, such as by a SOCKS proxy that is given the
/// addresses.
impl Resolve for TcpConnect {
    fn resolve(&self, name: Name) -> Resolving {
        let connect = self.clone();
        Box::pin(async move { Ok(connect.lookup_name(name.host(), name.port()).await?.into()) })
    }
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

impl Default for TcpConnect {
    fn default() -> TcpConnect {
        TcpConnect::new()
    }
}

impl Service<Target> for TcpConnect {
    type Response = Connected<TcpStream>;
    type Error = Error;
    type Future = TcpFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> TcpFuture {
        TcpFuture(Box::pin(self.clone().connect(target.origin)))
    }
}

impl Future for TcpFuture {
    type Output = Result<Connected<TcpStream>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for TcpFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpFuture")
    }
}

fn unresolved(message: String, cause: Option<BoxError>) -> Error {
    let error = Error::new(Kind::Resolve, message).with_resend(Resend::Safe);
    match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

fn unconnected(origin: &Origin, count: usize, local: Option<IpAddr>, cause: io::Error) -> Error {
    let host = origin.host();
    let endpoint =
        if host.contains(':') { format!("[{host}]:{}", origin.port()) } else { format!("{host}:{}", origin.port()) };
    let message = match (count, local) {
        (0, Some(local)) => {
            format!("could not connect to {endpoint}: none of its addresses is of the family of {local}")
        }
        (1, _) => format!("could not connect to {endpoint}: its one address failed"),
        _ => format!("could not connect to {endpoint}: all {count} addresses failed"),
    };
    Error::new(Kind::Connect, message).with_source(cause).with_resend(Resend::Safe)
}
