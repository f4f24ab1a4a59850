use std::net::{IpAddr, Ipv4Addr};

use super::{Destination, Fault, Next, malformed};
use crate::ProxyReply;

/// SOCKS4, and SOCKS4a where the destination is a name: one request, one reply of eight bytes.
pub(crate) struct Socks4 {
    request: Vec<u8>,
    reply: Vec<u8>,
}

const REPLY_LEN: usize = 8;
const GRANTED: u8 = 90;

impl Socks4 {
    /// `None` for an IPv6 address, which SOCKS4 cannot say. The user name holds no zero byte.
    pub(crate) fn new(destination: &Destination, port: u16, user: &[u8]) -> Option<Socks4> {
        let (addr, name) = match destination {
            Destination::Ip(IpAddr::V4(addr)) => (*addr, None),
            Destination::Ip(IpAddr::V6(_)) => return None,
            // An address that cannot be says that a name follows.
            Destination::Name(name) => (Ipv4Addr::new(0, 0, 0, 1), Some(name)),
        };
        let mut request = vec![4, 1];
        request.extend_from_slice(&port.to_be_bytes());
        request.extend_from_slice(&addr.octets());
        request.extend_from_slice(user);
        request.push(0);
        if let Some(name) = name {
            request.extend_from_slice(name.as_bytes());
            request.push(0);
        }
        Some(Socks4 { request, reply: Vec::with_capacity(REPLY_LEN) })
    }

    pub(super) fn start(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request)
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Next, Fault> {
        self.reply.extend_from_slice(bytes);
        match self.reply[..] {
            [version, ..] if version != 0 => return Err(malformed(4, "version", version)),
            [_, code @ 91..=93, ..] => return Err(Fault::Refused(ProxyReply::Socks4(code))),
            [_, code, ..] if code != GRANTED => return Err(malformed(4, "reply code", code)),
            _ => {}
        }
        Ok(match REPLY_LEN - self.reply.len() {
            0 => Next::Done,
            missing => Next::Read(missing),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Socks, play};
    use super::*;

    #[test]
    fn asks_for_addresses_and_names_and_leaves_what_follows() {
        let ip = Destination::Ip([192, 0, 2, 7].into());
        let name = Destination::Name("a.test".into());
        for (destination, user, want) in [
            (&ip, &b""[..], &b"\x04\x01\x01\xbb\xc0\x00\x02\x07\x00"[..]),
            (&ip, b"me", b"\x04\x01\x01\xbb\xc0\x00\x02\x07me\x00"),
            (&name, b"me", b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00a.test\x00"),
        ] {
            for piece in 1..=12 {
                let socks = Socks::V4(Socks4::new(destination, 443, user).unwrap());
                let (written, outcome) = play(socks, b"\x00\x5a\x00\x00\x00\x00\x00\x00rest", piece);
                assert_eq!((written, outcome), (vec![want.to_vec()], Ok(4)));
            }
        }
        assert!(Socks4::new(&Destination::Ip("::1".parse().unwrap()), 80, b"").is_none());
    }

    #[test]
    fn tells_refusals_from_nonsense() {
        for (answer, want) in [
            (&b"\x00\x5b"[..], Fault::Refused(ProxyReply::Socks4(91))),
            (b"\x00\x5d\x00\x00\x00\x00\x00\x00", Fault::Refused(ProxyReply::Socks4(93))),
            (b"\x00\x5f", malformed(4, "reply code", 0x5f)),
            (b"\x05\x00", malformed(4, "version", 5)),
            (b"HTTP/1.1 400", malformed(4, "version", b'H')),
            (b"\x00\x5a\x00\x00", Fault::Malformed("end".into())),
            (b"", Fault::Malformed("end".into())),
        ] {
            for piece in 1..=8 {
                let destination = Destination::Name("a.test".into());
                let socks = Socks::V4(Socks4::new(&destination, 443, b"").unwrap());
                assert_eq!(play(socks, answer, piece).1, Err(want.clone()), "{answer:?}");
            }
        }
    }

    impl Clone for Fault {
        fn clone(&self) -> Fault {
            match self {
                Fault::Refused(reply) => Fault::Refused(*reply),
                Fault::Malformed(what) => Fault::Malformed(what.clone()),
            }
        }
    }
}
