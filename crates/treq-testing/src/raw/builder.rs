use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::log::Log;
use super::wire::Wire;
use super::{RawServer, Scripts, Step};
use crate::Faults;
use crate::counts::Counts;
use crate::tasks::Tasks;

/// Builds a [`RawServer`]: the scripts of its connections, in the order in which they are accepted.
///
/// A connection for which there is no script is reset.
#[derive(Clone, Debug)]
pub struct RawBuilder {
    ip: IpAddr,
    scripts: Scripts,
}

impl Default for RawBuilder {
    fn default() -> RawBuilder {
        RawBuilder { ip: Ipv4Addr::LOCALHOST.into(), scripts: Scripts::default() }
    }
}

impl RawBuilder {
    /// The script of the next connection.
    #[must_use]
    pub fn connection(mut self, steps: impl IntoIterator<Item = Step>) -> RawBuilder {
        self.scripts.list.push(steps.into_iter().collect());
        self
    }

    /// Plays the last script again on all further connections.
    #[must_use]
    pub fn repeat_last(mut self) -> RawBuilder {
        self.scripts.repeat_last = true;
        self
    }

    /// Accepts nothing: on a socket the kernel connects and nobody ever answers; in memory connecting never ends.
    #[must_use]
    pub fn no_accept(mut self) -> RawBuilder {
        self.scripts.no_accept = true;
        self
    }

    /// Listens on another address than 127.0.0.1, such as `::1`.
    #[must_use]
    pub fn ip(mut self, ip: impl Into<IpAddr>) -> RawBuilder {
        self.ip = ip.into();
        self
    }

    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// Where no socket can be bound: no test can go on then.
    pub async fn start(self) -> RawServer {
        let listening = async {
            let listener = TcpListener::bind((self.ip, 0)).await?;
            io::Result::Ok((listener.local_addr()?, listener))
        };
        let (addr, listener) = match listening.await {
            Ok(listening) => listening,
            Err(error) => panic!("a RawServer cannot listen on {}: {error}", self.ip),
        };
        let server = self.server(Some(addr));
        let (scripts, log, tasks) = (server.scripts.clone(), server.log.clone(), server.tasks.clone());
        server.tasks.spawn(accept(listener, scripts, log, tasks));
        server
    }

    /// Starts it without a socket: only its [connector](RawServer::connector) leads there.
    pub fn start_in_memory(self) -> RawServer {
        self.server(None)
    }

    fn server(self, addr: Option<SocketAddr>) -> RawServer {
        RawServer { addr, scripts: self.scripts, log: Log::new(), counts: Counts::default(), tasks: Tasks::default() }
    }
}

async fn accept(listener: TcpListener, scripts: Scripts, log: Log, tasks: Tasks) {
    if scripts.no_accept {
        // The listener must live on, or the kernel would refuse.
        std::future::pending::<()>().await;
    }
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let _ = socket.set_nodelay(true);
                let socket = Faults::from_env().stream(socket);
                tasks.spawn(scripts.next(Wire::Socket(socket), log.clone()));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Files have run out: the clients of this test then wait, and tell of it better than we could.
            Err(_) => return,
        }
    }
}
