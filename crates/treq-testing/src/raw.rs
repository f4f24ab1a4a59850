mod builder;
mod log;
pub(crate) mod read;
mod script;
mod step;
mod wire;

use std::net::SocketAddr;

use treq_core::{Connected, Error, Kind, Peer, Resend, Target};

use self::log::{Log, Seen};
use self::script::play;
use self::wire::Wire;
use crate::MemoryConnector;
use crate::counts::Counts;
use crate::pipe::pipe;
use crate::tasks::Tasks;

pub use self::builder::RawBuilder;
pub use self::log::{RawConnection, RawRequest};
pub use self::step::Step;

/// A server that plays scripted bytes, and notes what it saw.
///
/// Each connection has a script, a list of [`Step`]s. It listens on a loopback socket
/// ([`start`](RawBuilder::start)) or only in memory ([`start_in_memory`](RawBuilder::start_in_memory), for paused
/// time); its [connector](RawServer::connector) leads to it either way. Dropping it ends all its tasks.
///
/// ```
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use treq_testing::{RawServer, Step};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let script = [Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"), Step::Close];
/// let server = RawServer::builder().connection(script).start().await;
///
/// let mut socket = tokio::net::TcpStream::connect(server.addr()).await?;
/// socket.write_all(b"GET /file HTTP/1.1\r\nHost: a.test\r\n\r\n").await?;
/// let mut answer = String::new();
/// socket.read_to_string(&mut answer).await?;
///
/// assert!(answer.ends_with("\r\n\r\ncut"));
/// assert_eq!(server.requests()[0].target(), "/file");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RawServer {
    /// None where it was started in memory.
    addr: Option<SocketAddr>,
    scripts: Scripts,
    log: Log,
    counts: Counts,
    tasks: Tasks,
}

/// Which script a connection gets.
#[derive(Clone, Debug, Default)]
struct Scripts {
    list: Vec<std::sync::Arc<[Step]>>,
    repeat_last: bool,
    no_accept: bool,
}

impl RawServer {
    /// A server whose scripts are given one after the other.
    pub fn builder() -> RawBuilder {
        RawBuilder::default()
    }

    /// The address of its socket.
    ///
    /// # Panics
    ///
    /// Where it was started in memory: there is none then.
    pub fn addr(&self) -> SocketAddr {
        self.addr.expect("a RawServer that was started in memory has no address: use its connector")
    }

    /// The URL of a path that begins with `/`. In memory the host is `raw.test`.
    pub fn url(&self, path: &str) -> String {
        match self.addr {
            Some(addr) => format!("http://{addr}{path}"),
            None => format!("http://raw.test{path}"),
        }
    }

    /// A connector whose connections, in memory, end here, whatever host they are for.
    pub fn connector(&self) -> MemoryConnector {
        let (scripts, log) = (self.scripts.clone(), self.log.clone());
        let (counts, tasks) = (self.counts.clone(), self.tasks.clone());
        MemoryConnector::new(move |target: Target| {
            let (scripts, log, counts, tasks) = (scripts.clone(), log.clone(), counts.clone(), tasks.clone());
            async move {
                if scripts.no_accept {
                    std::future::pending::<()>().await;
                }
                if tasks.is_over() {
                    let message = format!("the raw server that answered for {} was dropped", target.origin);
                    return Err(Error::new(Kind::Connect, message).with_resend(Resend::Safe));
                }
                let (client, end) = pipe(64 * 1024, counts.opened());
                tasks.spawn(scripts.next(Wire::Pipe(end), log));
                Ok(Connected::new(client, Peer::Memory(target.origin.host().into())))
            }
        })
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.log.look(|seen| seen.connections.len())
    }

    /// How many connections are not over yet.
    pub fn open(&self) -> usize {
        self.log.look(|seen| seen.connections.iter().filter(|connection| !connection.over).count())
    }

    /// What is known of the connection with this number, counted from 0.
    ///
    /// # Panics
    ///
    /// Where there were not so many connections.
    pub fn connection(&self, number: usize) -> RawConnection {
        self.log.look(|seen| match seen.connections.get(number) {
            Some(connection) => connection.clone(),
            None => panic!("there is no connection {number}: {} were accepted", seen.connections.len()),
        })
    }

    /// The requests that were read so far, in the order of their heads.
    pub fn requests(&self) -> Vec<RawRequest> {
        self.log.look(|seen| seen.requests.clone())
    }

    /// Waits until `count` connections were accepted.
    pub async fn wait_for_connections(&self, count: usize) {
        self.log.wait_for("so many connections", |seen| seen.connections.len() >= count).await;
    }

    /// Waits until the steps that read the first `count` requests are done: the head for [`Step::ReadHead`], the body
    /// too for [`Step::ReadRequest`], or as much as came where the client broke off.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<RawRequest> {
        let read = |seen: &Seen| seen.requests.iter().filter(|request| request.read).count();
        self.log.wait_for("so many requests", |seen| read(seen) >= count).await;
        self.requests()
    }

    /// Waits until every connection accepted so far is over.
    pub async fn wait_closed(&self) {
        self.log.wait(|seen| seen.connections.iter().all(|connection| connection.over)).await;
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

impl Scripts {
    /// Notes a connection and plays the script that is its own.
    fn next(&self, wire: Wire, log: Log) -> impl Future<Output = ()> + Send + 'static {
        let number = log.connected();
        let last = self.list.last().filter(|_| self.repeat_last);
        let script = self.list.get(number).or(last).cloned();
        async move {
            match script {
                Some(steps) => play(steps, wire, log, number).await,
                None => {
                    wire.reset();
                    log.change(|seen| {
                        seen.connections[number].over = true;
                        seen.connections[number].fault = Some(format!("no script for connection {number}"));
                    });
                }
            }
        }
    }
}
