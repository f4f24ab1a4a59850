use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;

use crate::counts::Counts;
use crate::listen;
use crate::tasks::Tasks;
use crate::tls::Tls;
use crate::{Connections, Options};

/// A running server. See the [crate](crate) for what it answers.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    ca_pem: Option<String>,
    unix: Option<PathBuf>,
    counts: Counts,
    tasks: Tasks,
}

impl Server {
    /// Starts one in the clear, on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Where no socket can be bound.
    pub async fn start() -> io::Result<Server> {
        Server::start_with(Options::default()).await
    }

    /// Starts one with TLS, on a free port of 127.0.0.1. ALPN offers `h2` and `http/1.1`.
    ///
    /// # Errors
    ///
    /// As [`start`](Server::start), and where no certificate can be made.
    pub async fn start_tls() -> io::Result<Server> {
        Server::start_with(Options { tls: true, ..Options::default() }).await
    }

    /// Starts one as `options` say.
    ///
    /// # Errors
    ///
    /// As [`start_tls`](Server::start_tls), and where the Unix socket cannot be made.
    pub async fn start_with(options: Options) -> io::Result<Server> {
        let tls = if options.tls { Some(Tls::new()?) } else { None };
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let listener = TcpListener::bind((options.ip, options.port)).await?;
        let mut server = Server {
            addr: listener.local_addr()?,
            ca_pem,
            unix: None,
            counts: Counts::default(),
            tasks: Tasks::default(),
        };
        let (counts, tasks) = (server.counts.clone(), server.tasks.clone());
        server.tasks.spawn(listen::tcp(listener, acceptor, counts.clone(), tasks.clone()));
        if let Some(path) = options.unix {
            server.tasks.spawn(listen::unix(&path, counts, tasks)?);
            server.unix = Some(path);
        }
        Ok(server)
    }

    /// The address of its TCP socket.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path that begins with `/`: `https` where TLS is spoken.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.addr)
    }

    /// The certificate of the authority that a client must trust, as PEM, where TLS is spoken.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// How many connections were accepted, and how many are open.
    pub fn connections(&self) -> Connections {
        self.counts.now()
    }

    /// Waits until so many connections are open: what a test does before it looks, since a server learns of a closed
    /// connection a little later than the client.
    pub async fn wait_for_open(&self, open: usize) {
        self.counts.wait(|counts| counts.open == open).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.end();
        if let Some(path) = &self.unix {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}
