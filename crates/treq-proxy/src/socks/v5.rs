use std::net::IpAddr;

use super::{Destination, Fault, Next, malformed};
use crate::ProxyReply;
use crate::credentials::Login;

/// SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)): a greeting, a login where the proxy wants one ([RFC
/// 1929](https://www.rfc-editor.org/rfc/rfc1929)), a request.
pub(crate) struct Socks5 {
    request: Vec<u8>,
    login: Option<Vec<u8>>,
    state: State,
    /// Of the proxy's message that is being read.
    buffer: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    /// Which of the offered ways to log in it takes: version, method.
    Method,
    /// What it says to user name and password: version, status.
    Login,
    /// Version and code of its reply.
    Code,
    /// The two bytes behind: a reserved one, and the type of the address that follows.
    Type,
    /// The length of a name.
    Length,
    /// So many bytes of address and port, which nobody needs.
    Bound(usize),
    Done,
}

const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_OF_THEM: u8 = 0xff;

impl Socks5 {
    /// User name and password have at most 255 bytes, and so has a name.
    pub(crate) fn new(destination: &Destination, port: u16, login: Option<&Login>) -> Socks5 {
        let mut request = vec![5, 1, 0];
        match destination {
            Destination::Ip(IpAddr::V4(addr)) => {
                request.push(1);
                request.extend_from_slice(&addr.octets());
            }
            Destination::Ip(IpAddr::V6(addr)) => {
                request.push(4);
                request.extend_from_slice(&addr.octets());
            }
            Destination::Name(name) => {
                request.push(3);
                prefixed(&mut request, name.as_bytes());
            }
        }
        request.extend_from_slice(&port.to_be_bytes());
        let login = login.map(|login| {
            let mut message = vec![1];
            prefixed(&mut message, &login.user);
            prefixed(&mut message, login.password.as_deref().unwrap_or_default());
            message
        });
        Socks5 { request, login, state: State::Method, buffer: Vec::new() }
    }

    pub(super) fn start(&mut self) -> Vec<u8> {
        match self.login {
            None => vec![5, 1, NO_LOGIN],
            Some(_) => vec![5, 2, NO_LOGIN, PASSWORD],
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Next, Fault> {
        self.buffer.extend_from_slice(bytes);
        loop {
            let wanted = match self.state {
                State::Method | State::Login | State::Code | State::Type => 2,
                State::Length => 1,
                State::Bound(len) => len,
                State::Done => return Ok(Next::Done),
            };
            if self.buffer.len() < wanted {
                // What cannot be SOCKS is told by its first byte.
                if let (State::Method | State::Code, Some(&version)) = (self.state, self.buffer.first()) {
                    check(version, 5, "version")?;
                }
                return Ok(Next::Read(wanted - self.buffer.len()));
            }
            let message = std::mem::take(&mut self.buffer);
            if let Some(reply) = self.step(&message)? {
                return Ok(Next::Write(reply));
            }
        }
    }

    /// Takes in one message of the length that its state wants.
    fn step(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        match (self.state, message) {
            (State::Method, &[version, method]) => {
                check(version, 5, "version")?;
                match (method, self.login.take()) {
                    (NO_LOGIN, _) => return Ok(self.ask()),
                    (PASSWORD, Some(login)) => {
                        self.state = State::Login;
                        return Ok(Some(login));
                    }
                    (NONE_OF_THEM, _) => return Err(Fault::Refused(ProxyReply::SocksMethods)),
                    (other, _) => return Err(malformed(5, "way to log in, which was not offered,", other)),
                }
            }
            (State::Login, &[version, status]) => {
                check(version, 1, "version of the login")?;
                if status != 0 {
                    return Err(Fault::Refused(ProxyReply::SocksLogin(status)));
                }
                return Ok(self.ask());
            }
            (State::Code, &[version, code]) => {
                check(version, 5, "version")?;
                if code != 0 {
                    return Err(Fault::Refused(ProxyReply::Socks5(code)));
                }
                self.state = State::Type;
            }
            (State::Type, &[_, kind]) => {
                self.state = match kind {
                    1 => State::Bound(4 + 2),
                    3 => State::Length,
                    4 => State::Bound(16 + 2),
                    other => return Err(malformed(5, "type of address", other)),
                }
            }
            (State::Length, &[len]) => self.state = State::Bound(usize::from(len) + 2),
            _ => self.state = State::Done,
        }
        Ok(None)
    }

    fn ask(&mut self) -> Option<Vec<u8>> {
        self.state = State::Code;
        Some(std::mem::take(&mut self.request))
    }
}

fn check(byte: u8, wanted: u8, what: &str) -> Result<(), Fault> {
    if byte == wanted { Ok(()) } else { Err(malformed(5, what, byte)) }
}

/// The length in one byte, then the bytes; what does not fit was refused before.
fn prefixed(message: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(255)];
    message.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    message.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::{Socks, play};
    use super::*;

    const GREET: &[u8] = b"\x05\x01\x00";
    const GREET_LOGIN: &[u8] = b"\x05\x02\x00\x02";
    const LOGIN: &[u8] = b"\x01\x01u\x03p\x00w";
    const ASK: &[u8] = b"\x05\x01\x00\x03\x06a.test\x01\xbb";

    fn name() -> Destination {
        Destination::Name("a.test".into())
    }

    fn login() -> Login {
        Login { user: b"u".to_vec(), password: Some(b"p\0w".to_vec()) }
    }

    #[test]
    fn writes_each_message_and_leaves_what_follows() {
        let v4 = Destination::Ip([192, 0, 2, 7].into());
        let v6 = Destination::Ip("2001:db8::9".parse().unwrap());
        let ask_v6 = b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x01\xbb";
        for (destination, login, answer, want) in [
            (name(), None, &b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0rest"[..], vec![GREET, ASK]),
            (name(), Some(login()), b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0rest", vec![GREET_LOGIN, ASK]),
            (name(), Some(login()), b"\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\0\0rest", vec![GREET_LOGIN, LOGIN, ASK]),
            (
                v4,
                None,
                b"\x05\x00\x05\x00\x00\x03\x00\0\0rest",
                vec![GREET, b"\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb"],
            ),
            (v6, None, b"\x05\x00\x05\x00\x09\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0rest", vec![GREET, ask_v6]),
        ] {
            for piece in 1..=answer.len() {
                let socks = Socks::V5(Socks5::new(&destination, 443, login.as_ref()));
                let (written, outcome) = play(socks, answer, piece);
                assert_eq!(outcome, Ok(4), "{answer:?}");
                assert_eq!(written, want, "{answer:?}");
            }
        }
    }

    #[test]
    fn tells_refusals_from_nonsense() {
        let end = || Fault::Malformed("end".into());
        for (with_login, answer, want) in [
            (false, &b"\x05\xff"[..], Fault::Refused(ProxyReply::SocksMethods)),
            (true, b"\x05\xff", Fault::Refused(ProxyReply::SocksMethods)),
            (true, b"\x05\x02\x01\x01", Fault::Refused(ProxyReply::SocksLogin(1))),
            (true, b"\x05\x02\x05\x00", malformed(5, "version of the login", 5)),
            (false, b"\x05\x02", malformed(5, "way to log in, which was not offered,", 2)),
            (true, b"\x05\x01", malformed(5, "way to log in, which was not offered,", 1)),
            (false, b"\x05\x00\x05\x05", Fault::Refused(ProxyReply::Socks5(5))),
            (false, b"\x05\x00\x05\x63\x00", Fault::Refused(ProxyReply::Socks5(0x63))),
            (false, b"\x05\x00\x05\x00\x00\x09", malformed(5, "type of address", 9)),
            (false, b"\x05\x00\x04\x00", malformed(5, "version", 4)),
            (false, b"\x04", malformed(5, "version", 4)),
            (false, b"\x05\x00\x04", malformed(5, "version", 4)),
            (false, b"HTTP/1.1 400 Bad", malformed(5, "version", b'H')),
            (false, b"\x05\x00", end()),
            (false, b"\x05\x00\x05\x00\x00\x03\xff\0\0", end()),
            (false, b"", end()),
        ] {
            for piece in 1..=answer.len().max(1) {
                let login = with_login.then(login);
                let socks = Socks::V5(Socks5::new(&name(), 443, login.as_ref()));
                assert_eq!(play(socks, answer, piece).1, Err(want.clone()), "{answer:?}");
            }
        }
    }

    #[test]
    fn the_longest_fits() {
        let login = Login { user: vec![b'u'; 255], password: Some(vec![b'p'; 255]) };
        let destination = Destination::Name("n".repeat(255));
        let socks = Socks::V5(Socks5::new(&destination, 1, Some(&login)));
        let (written, _) = play(socks, b"\x05\x02\x01\x00", 9);
        assert_eq!((written[1].len(), written[1][1], written[1][257]), (513, 255, 255));
        assert_eq!((written[2].len(), written[2][4]), (262, 255));
    }
}
