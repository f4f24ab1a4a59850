use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

/// When the system probes a connection on which nothing has come in for a while.
///
/// Systems count in whole seconds; where one has no setting for the interval or the number of probes, it uses its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    after: Duration,
    every: Option<Duration>,
    probes: Option<u32>,
}

/// The largest time in seconds, and number of probes, that systems accept. Larger ones fail every connection.
const MAX_IDLE: u64 = 32_767;
const MAX_PROBES: u32 = 127;

/// The range that Linux accepts for the user timeout: whole milliseconds in 31 bits.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MIN_LIMIT: Duration = Duration::from_millis(1);
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_LIMIT: Duration = Duration::from_millis(i32::MAX as u64);

/// The nearest time that systems accept, with parts of a second rounded up.
fn taken(time: Duration) -> Duration {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    Duration::from_secs(seconds.clamp(1, MAX_IDLE))
}

impl Keepalive {
    /// Sends the first probe after `idle` of silence. Times are rounded to whole seconds from 1 to 32,767.
    pub fn after(idle: Duration) -> Keepalive {
        Keepalive { after: idle, every: None, probes: None }
    }

    /// Further ones follow at this interval.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Keepalive {
        self.every = Some(interval);
        self
    }

    /// Gives the connection up after this many unanswered probes. The number is limited to 1 to 127.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Keepalive {
        self.probes = Some(probes);
        self
    }

    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "windows",
    ))]
    fn to_socket(self) -> TcpKeepalive {
        let mut keepalive = TcpKeepalive::new().with_time(taken(self.after));
        if let Some(interval) = self.every {
            keepalive = keepalive.with_interval(taken(interval));
        }
        if let Some(probes) = self.probes {
            keepalive = keepalive.with_retries(probes.clamp(1, MAX_PROBES));
        }
        keepalive
    }

    #[cfg(not(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "windows",
    )))]
    fn to_socket(self) -> TcpKeepalive {
        TcpKeepalive::new().with_time(taken(self.after))
    }
}

/// What is set on a socket before it connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) nodelay: bool,
    pub(super) keepalive: Option<Keepalive>,
    pub(super) user_timeout: Option<Duration>,
    pub(super) local: Option<IpAddr>,
}

impl Default for Options {
    fn default() -> Options {
        let every = Duration::from_secs(15);
        Options {
            nodelay: true,
            keepalive: Some(Keepalive::after(every).every(every).probes(3)),
            user_timeout: Some(Duration::from_secs(30)),
            local: None,
        }
    }
}

impl Options {
    pub(super) async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_nodelay(self.nodelay)?;
        if let Some(keepalive) = self.keepalive {
            SockRef::from(&socket).set_tcp_keepalive(&keepalive.to_socket())?;
        }
        #[cfg(any(target_os = "android", target_os = "linux"))]
        SockRef::from(&socket)
            .set_tcp_user_timeout(self.user_timeout.map(|limit| limit.clamp(MIN_LIMIT, MAX_LIMIT)))?;
        if let Some(local) = self.local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.connect(addr).await
    }
}
