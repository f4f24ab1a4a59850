//! The IO of connecting through a proxy: streams are dialled here, and what goes over them is decided elsewhere.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Forward, Kind, Origin, Resend, Scheme, Target, Wish};

use crate::error::{failed, refused};
use crate::proxy::Credentials;
use crate::resolve::{Resolver, lookup};
use crate::socks::{Destination, Fault, NAME_LEN, Next, Socks, Socks4, Socks5};
use crate::stream::Io;
use crate::tunnel::{Drain, Drained, Head, HeadReader, Tunnel, Verdict};
use crate::{Proxy, ProxyScheme, ProxyStream, Reply};

/// How the proxy is reached, once and maybe once more.
pub(crate) struct Dial<C, S> {
    plain: C,
    /// Whether `plain` was found ready by the caller.
    ready: bool,
    secure: S,
    proxy: Proxy,
    target: Target,
}

impl<C, S, P, T> Dial<C, S>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
{
    /// `plain` must be ready.
    pub(crate) fn new(plain: C, secure: S, proxy: Proxy, target: Target) -> Dial<C, S> {
        Dial { plain, ready: true, secure, proxy, target }
    }

    /// A new connection to the proxy.
    async fn dial(&mut self) -> Result<Connected<ProxyStream<P, T>>, Error> {
        let mut target = Target::new(self.proxy.origin().clone());
        // Proxies are spoken with in HTTP/1.1, which ALPN must not leave open.
        target.wish = Wish::Http1;
        let dialled = if self.proxy.scheme() == ProxyScheme::Https {
            call(&mut self.secure, false, target).await.map(|connected| connected.map(Io::Secure))
        } else {
            let ready = std::mem::take(&mut self.ready);
            call(&mut self.plain, ready, target).await.map(|connected| connected.map(Io::Plain))
        };
        match dialled {
            Ok(connected) => {
                // Facts of TLS are for the origin, and none of it has been spoken with yet.
                let mut connected = connected.map(ProxyStream::new);
                connected.tls = None;
                connected.forward = None;
                Ok(connected)
            }
            // A limit on time stays one.
            Err(error) if error.is_timeout() => Err(error),
            Err(error) => Err(failed(&self.proxy, &self.target.origin, "cannot be connected to").with_source(error)),
        }
    }
}

async fn call<C: Service<Target>>(connector: &mut C, ready: bool, target: Target) -> Result<C::Response, Error>
where
    C::Error: Into<BoxError> + 'static,
{
    if !ready {
        poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Error::adopt)?;
    }
    connector.call(target).await.map_err(Error::adopt)
}

/// A connection to the target by way of the proxy.
pub(crate) async fn through<C, S, P, T>(
    mut dial: Dial<C, S>,
    resolver: Resolver,
) -> Result<Connected<ProxyStream<P, T>>, Error>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    P: AsyncRead + AsyncWrite + Unpin,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    if !dial.proxy.scheme().is_http() {
        return by_socks(&mut dial, &resolver).await;
    }
    if is_forwarded(&dial.proxy, &dial.target.origin, dial.target.wish) {
        let mut connected = dial.dial().await?;
        let mut forward = Forward::default();
        if let Credentials::Login(login) = dial.proxy.credentials() {
            forward.authorization = Some(login.basic()?);
        }
        connected.forward = Some(forward);
        return Ok(connected);
    }
    by_tunnel(&mut dial).await
}

/// Whether requests to an origin are handed to the proxy in the clear. HTTP/2 with the origin itself needs a tunnel.
pub(crate) fn is_forwarded(proxy: &Proxy, origin: &Origin, wish: Wish) -> bool {
    proxy.forwards() && origin.scheme() == Scheme::Http && wish != Wish::Http2
}

async fn by_tunnel<C, S, P, T>(dial: &mut Dial<C, S>) -> Result<Connected<ProxyStream<P, T>>, Error>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    P: AsyncRead + AsyncWrite + Unpin,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (proxy, origin) = (dial.proxy.clone(), dial.target.origin.clone());
    let mut tunnel = Tunnel::new(&proxy, &origin)?;
    let mut connected = dial.dial().await?;
    // Whether this connection has carried an answer before: only then may it have been closed meanwhile.
    let mut used = false;
    loop {
        let (head, rest) = match ask(&mut connected.io, &tunnel.head()).await {
            Ok(answer) => answer,
            Err(Broken::Closed) if used => {
                connected = dial.dial().await?;
                used = false;
                continue;
            }
            Err(broken) => return Err(broken.into_error(&proxy, &origin)),
        };
        match tunnel.judge(&head)? {
            Verdict::Open => {
                tunnel.check_early(&rest)?;
                return Ok(connected.map(|io| io.with_early(rest)));
            }
            Verdict::Again(drain) => {
                used = match drain {
                    Some(drain) => drained(&mut connected.io, drain, rest).await,
                    None => false,
                };
                if !used {
                    // Closed before the next is opened: a proxy may count them.
                    drop(connected);
                    connected = dial.dial().await?;
                }
            }
        }
    }
}

/// Why there is no answer to CONNECT.
enum Broken {
    /// The connection ended, or failed, before a byte of it.
    Closed,
    Io(io::Error),
    /// It ended within.
    Cut,
    Malformed(String),
}

impl Broken {
    fn into_error(self, proxy: &Proxy, origin: &Origin) -> Error {
        match self {
            Broken::Closed => failed(proxy, origin, "closed the connection without an answer to CONNECT"),
            Broken::Cut => failed(proxy, origin, "closed the connection amid its answer to CONNECT"),
            Broken::Io(error) => failed(proxy, origin, "broke the connection off").with_source(error),
            Broken::Malformed(what) => failed(proxy, origin, what),
        }
    }
}

async fn ask<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, head: &[u8]) -> Result<(Head, Bytes), Broken> {
    let mut reader = HeadReader::default();
    let sent = async {
        io.write_all(head).await?;
        io.flush().await
    };
    if let Err(error) = sent.await {
        return Err(match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Broken::Closed,
            _ => Broken::Io(error),
        });
    }
    let mut buffer = [0; 1024];
    loop {
        let len = match io.read(&mut buffer).await {
            Ok(0) if reader.is_empty() => return Err(Broken::Closed),
            Ok(0) => return Err(Broken::Cut),
            Ok(len) => len,
            Err(error) if reader.is_empty() && error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(Broken::Closed);
            }
            Err(error) => return Err(Broken::Io(error)),
        };
        match reader.push(&buffer[..len]) {
            Ok(Some(head)) => return Ok((head, reader.into_rest())),
            Ok(None) => {}
            Err(malformed) => return Err(Broken::Malformed(malformed.to_string())),
        }
    }
}

/// Reads a body to its end; false where the connection is of no further use.
async fn drained<IO: AsyncRead + Unpin>(io: &mut IO, mut drain: Drain, rest: Bytes) -> bool {
    let mut next = drain.push(&rest);
    let mut buffer = [0; 1024];
    loop {
        match next {
            Drained::Done => return true,
            Drained::GiveUp => return false,
            Drained::More => match io.read(&mut buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(len) => next = drain.push(&buffer[..len]),
            },
        }
    }
}

async fn by_socks<C, S, P, T>(dial: &mut Dial<C, S>, resolver: &Resolver) -> Result<Connected<ProxyStream<P, T>>, Error>
where
    C: Service<Target, Response = Connected<P>>,
    C::Error: Into<BoxError> + 'static,
    P: AsyncRead + AsyncWrite + Unpin,
    S: Service<Target, Response = Connected<T>>,
    S::Error: Into<BoxError> + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (proxy, origin) = (dial.proxy.clone(), dial.target.origin.clone());
    let destinations = destinations(&proxy, &origin, resolver).await?;
    let mut last = None;
    for destination in &destinations {
        let socks = socks(&proxy, &origin, destination)?;
        let mut connected = dial.dial().await?;
        match shake_hands(&mut connected.io, socks, &proxy, &origin).await {
            Ok(()) => return Ok(connected),
            // The other family may do: the proxy has its own view of the network.
            Err((error, true)) => last = Some(error),
            Err((error, false)) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| failed(&proxy, &origin, "was given no address to connect to")))
}

async fn destinations(proxy: &Proxy, origin: &Origin, resolver: &Resolver) -> Result<Vec<Destination>, Error> {
    let host = origin.host();
    if let Ok(addr) = host.parse::<IpAddr>() {
        return Ok(vec![Destination::Ip(addr)]);
    }
    if host.len() > NAME_LEN {
        let what = format!("cannot be given a host name of {} bytes: SOCKS carries {NAME_LEN}", host.len());
        return Err(failed(proxy, origin, what));
    }
    let only_v4 = match proxy.scheme() {
        ProxyScheme::Socks4 => true,
        ProxyScheme::Socks5 => false,
        _ => return Ok(vec![Destination::Name(host.to_owned())]),
    };
    let unresolved = |cause: Option<BoxError>| {
        let (what, far) = if only_v4 { ("IPv4 address", "socks4a") } else { ("address", "socks5h") };
        let message = format!(
            "{host:?} has no {what} that the proxy {proxy} could be given: {} resolves names here, {far} leaves that to \
             the proxy",
            proxy.scheme()
        );
        let error = Error::new(Kind::Proxy, message).with_resend(Resend::Safe);
        match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    };
    match lookup(resolver, origin, only_v4).await {
        Ok(addrs) if addrs.is_empty() => Err(unresolved(None)),
        Ok(addrs) => Ok(addrs.into_iter().map(Destination::Ip).collect()),
        Err(cause) => Err(unresolved(Some(cause))),
    }
}

fn socks(proxy: &Proxy, origin: &Origin, destination: &Destination) -> Result<Socks, Error> {
    let login = match proxy.credentials() {
        Credentials::None => None,
        Credentials::Login(login) => Some(&**login),
        Credentials::Scheme(_) => {
            let what = "cannot be given the credentials: SOCKS takes a user name and a password, and no other scheme";
            return Err(failed(proxy, origin, what));
        }
    };
    match proxy.scheme() {
        ProxyScheme::Socks4 | ProxyScheme::Socks4a => {
            let user = login.map_or(&[][..], |login| &login.user);
            let what = "cannot be asked for it: SOCKS4 knows no IPv6 address, use socks5";
            Socks4::new(destination, origin.port(), user).map(Socks::V4).ok_or_else(|| failed(proxy, origin, what))
        }
        _ => Ok(Socks::V5(Socks5::new(destination, origin.port(), login))),
    }
}

/// The error says with it whether another address may do.
async fn shake_hands<IO: AsyncRead + AsyncWrite + Unpin>(
    io: &mut IO,
    mut socks: Socks,
    proxy: &Proxy,
    origin: &Origin,
) -> Result<(), (Error, bool)> {
    let broken = |error: io::Error| (failed(proxy, origin, "broke the connection off").with_source(error), false);
    let mut next = Ok(Next::Write(socks.start()));
    // More than the longest message.
    let mut buffer = [0; 512];
    loop {
        next = match next {
            Ok(Next::Done) => return Ok(()),
            Ok(Next::Write(bytes)) => {
                io.write_all(&bytes).await.map_err(broken)?;
                io.flush().await.map_err(broken)?;
                socks.push(&[])
            }
            Ok(Next::Read(most)) => {
                let most = most.min(buffer.len());
                match io.read(&mut buffer[..most]).await.map_err(broken)? {
                    0 => return Err((failed(proxy, origin, "closed the connection amid the SOCKS handshake"), false)),
                    len => socks.push(&buffer[..len]),
                }
            }
            Err(Fault::Refused(reply)) => {
                let elsewhere = matches!(reply, Reply::Socks4(91) | Reply::Socks5(1 | 3 | 4 | 5 | 6 | 8));
                return Err((refused(proxy, origin, reply), elsewhere));
            }
            Err(Fault::Malformed(what)) => return Err((failed(proxy, origin, what), false)),
        };
    }
}
