//! SOCKS: the bytes that go to and fro until a connection stands. No IO here.

mod v4;
mod v5;

use std::net::IpAddr;

use crate::ProxyReply;

pub(crate) use v4::Socks4;
pub(crate) use v5::Socks5;

/// Where the proxy is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Ip(IpAddr),
    /// For the proxy to resolve: at most [`NAME_LEN`] bytes.
    Name(String),
}

/// The longest name that SOCKS5 can carry, in bytes; SOCKS4a is held to it too.
pub(crate) const NAME_LEN: usize = 255;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Write these bytes, then push nothing.
    Write(Vec<u8>),
    /// Read at least one byte and at most so many, and push them: what comes behind them is the origin's.
    Read(usize),
    /// The connection stands.
    Done,
}

/// Why there will be no connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Refused(ProxyReply),
    /// A clause whose subject is the proxy.
    Malformed(String),
}

/// Either version.
pub(crate) enum Socks {
    V4(Socks4),
    V5(Socks5),
}

impl Socks {
    /// The first bytes to write.
    pub(crate) fn start(&mut self) -> Vec<u8> {
        match self {
            Socks::V4(socks) => socks.start(),
            Socks::V5(socks) => socks.start(),
        }
    }

    /// Takes in what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Next, Fault> {
        match self {
            Socks::V4(socks) => socks.push(bytes),
            Socks::V5(socks) => socks.push(bytes),
        }
    }
}

fn malformed(version: u8, what: &str, byte: u8) -> Fault {
    Fault::Malformed(format!("does not speak SOCKS{version}: its {what} is {byte:#04x}"))
}

/// Plays an exchange in which the proxy's bytes arrive in pieces of this length; the bytes written, and the outcome.
#[cfg(test)]
fn play(mut socks: Socks, mut answer: &[u8], piece: usize) -> (Vec<Vec<u8>>, Result<usize, Fault>) {
    let mut written = vec![socks.start()];
    let mut next = socks.push(&[]);
    loop {
        next = match next {
            Err(fault) => return (written, Err(fault)),
            Ok(Next::Done) => return (written, Ok(answer.len())),
            Ok(Next::Write(bytes)) => {
                written.push(bytes);
                socks.push(&[])
            }
            Ok(Next::Read(most)) => {
                assert!(most > 0);
                let (now, later) = answer.split_at(most.min(piece).min(answer.len()));
                if now.is_empty() {
                    return (written, Err(Fault::Malformed("end".into())));
                }
                answer = later;
                socks.push(now)
            }
        };
    }
}
