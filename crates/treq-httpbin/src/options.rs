use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// What a [`Server`](crate::Server) listens on.
///
/// ```
/// let options = treq_httpbin::Options { port: 8080, tls: true, ..Default::default() };
/// # assert!(options.ip.is_loopback());
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// The address: 127.0.0.1 unless told otherwise.
    pub ip: IpAddr,
    /// The port: 0, the default, takes a free one.
    pub port: u16,
    /// Whether TLS is spoken on the port, with a certificate for `localhost`, `127.0.0.1` and `::1` made at the start.
    pub tls: bool,
    /// A Unix socket to listen on too, in the clear. The file must not be there yet; it is removed at the end.
    pub unix: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options { ip: Ipv4Addr::LOCALHOST.into(), port: 0, tls: false, unix: None }
    }
}
