//! A connection by SOCKS, over a stream.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tower_service::Service;
use treq_core::{BoxError, Connected, Error, Kind, Origin, Resend, Resolve, Target};

use super::Dial;
use crate::credentials::Credentials;
use crate::error::{failed, refused};
use crate::resolve::lookup;
use crate::socks::{Destination, Fault, NAME_LEN, Next, Socks, Socks4, Socks5};
use crate::{Proxy, ProxyReply, ProxyScheme, ProxyStream};

pub(super) async fn connect<C, S, P, T>(
    dial: &mut Dial<C, S>,
    resolver: &dyn Resolve,
) -> Result<Connected<ProxyStream<P, T>>, Error>
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

async fn destinations(proxy: &Proxy, origin: &Origin, resolver: &dyn Resolve) -> Result<Vec<Destination>, Error> {
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
                let elsewhere = matches!(reply, ProxyReply::Socks4(91) | ProxyReply::Socks5(1 | 3 | 4 | 5 | 6 | 8));
                return Err((refused(proxy, origin, reply), elsewhere));
            }
            Err(Fault::Malformed(what)) => return Err((failed(proxy, origin, what), false)),
        };
    }
}
