use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use treq_core::{Error, Kind, Origin, Resend};

use crate::Proxy;

/// The cause of an error of `Kind::Proxy`: the proxy answered, and said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyRefused {
    reply: ProxyReply,
}

/// What a proxy [refused](ProxyRefused) with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyReply {
    /// The status of its answer to CONNECT ([RFC 9110, section
    /// 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
    Status(StatusCode),
    /// The reply code of SOCKS4: 91 to 93.
    Socks4(u8),
    /// The reply code of SOCKS5 ([RFC 1928, section 6](https://www.rfc-editor.org/rfc/rfc1928#section-6)).
    Socks5(u8),
    /// A SOCKS5 proxy takes none of the ways to log in that were offered.
    SocksMethods,
    /// The status of a login to a SOCKS5 proxy ([RFC 1929, section
    /// 2](https://www.rfc-editor.org/rfc/rfc1929#section-2)).
    SocksLogin(u8),
}

impl ProxyRefused {
    pub(crate) fn new(reply: ProxyReply) -> ProxyRefused {
        ProxyRefused { reply }
    }

    /// What it said.
    pub fn reply(&self) -> ProxyReply {
        self.reply
    }

    /// The status of an answer to CONNECT.
    pub fn status(&self) -> Option<StatusCode> {
        match self.reply {
            ProxyReply::Status(status) => Some(status),
            _ => None,
        }
    }
}

impl fmt::Display for ProxyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reply {
            ProxyReply::Status(status) => write!(f, "CONNECT was answered by {status}"),
            ProxyReply::Socks4(code) => write!(f, "SOCKS4 reply {code}: {}", socks4(code)),
            ProxyReply::Socks5(code) => write!(f, "SOCKS5 reply {code}: {}", socks5(code)),
            ProxyReply::SocksMethods => f.write_str("none of the offered ways to log in is taken"),
            ProxyReply::SocksLogin(status) => write!(f, "user name and password were refused with status {status}"),
        }
    }
}

impl StdError for ProxyRefused {}

fn socks4(code: u8) -> &'static str {
    match code {
        91 => "the request was rejected or failed",
        92 => "the proxy cannot reach the identd of this machine",
        93 => "identd knows this user by another name",
        _ => "a code that nothing defines",
    }
}

fn socks5(code: u8) -> &'static str {
    match code {
        1 => "the proxy failed",
        2 => "the proxy's rules do not allow it",
        3 => "the network cannot be reached",
        4 => "the host cannot be reached",
        5 => "the host refuses the connection",
        6 => "the time to live ran out",
        7 => "the proxy does not know the command",
        8 => "the proxy does not know this type of address",
        _ => "a code that nothing defines",
    }
}

/// Host and port as a proxy is asked for them: the port always there, an IPv6 literal in brackets.
pub(crate) fn endpoint(origin: &Origin) -> String {
    match origin.host() {
        host if host.contains(':') => format!("[{host}]:{}", origin.port()),
        host => format!("{host}:{}", origin.port()),
    }
}

/// `what` is a clause whose subject is the proxy. Nothing of the request has been sent at this point.
pub(crate) fn failed(proxy: &Proxy, origin: &Origin, what: impl fmt::Display) -> Error {
    let message = format!("the proxy {proxy}, asked for {}, {what}", endpoint(origin));
    Error::new(Kind::Proxy, message).with_resend(Resend::Safe)
}

pub(crate) fn refused(proxy: &Proxy, origin: &Origin, reply: ProxyReply) -> Error {
    let cause = ProxyRefused::new(reply);
    let known = proxy.has_credentials();
    let what = match reply {
        ProxyReply::Status(StatusCode::PROXY_AUTHENTICATION_REQUIRED) | ProxyReply::SocksMethods if !known => {
            format!("wants credentials: give them in its address, as {}://user:password@host", proxy.scheme())
        }
        ProxyReply::Status(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
            "does not take the credentials (407): see whether they are right, and which scheme it wants".to_owned()
        }
        ProxyReply::SocksMethods => "takes neither user name with password nor a connection without".to_owned(),
        ProxyReply::SocksLogin(_) => {
            "does not take the user name and the password: see whether they are right".to_owned()
        }
        ProxyReply::Status(status) => format!("answered CONNECT by {status}, and only 2xx opens a tunnel"),
        ProxyReply::Socks4(_) | ProxyReply::Socks5(_) => format!("refused ({cause})"),
    };
    failed(proxy, origin, what).with_source(cause)
}
