//! A hostile server, driven by a seed.

mod http1;
mod http2;
mod ledger;
mod plan;

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use treq_core::{Connected, Error, HttpVersion, Kind, Peer, Resend, Target};

use self::plan::pause;
use crate::counts::Counts;
use crate::pipe::pipe;
use crate::tasks::Tasks;
use crate::{MemoryConnector, Random};

pub use self::ledger::Ledger;

/// A server that does what real servers do to clients, in a mix that a seed decides.
///
/// Over HTTP/1.1 and HTTP/2 it serves, refuses, goes away in order and out of order, withholds windows, resets streams, responds
/// before it has read the request or long after, half-closes, dies at every point of an exchange, sends interim responses, 4xx
/// with challenges and 5xx with `Retry-After`, redirects between its hosts, and sends its bytes in pieces. Its content can be
/// checked: `/s/ID` yields [`Storm::content`] of the number, and the [`Ledger`] knows the requests that it has acted on.
///
/// In memory, under tokio's paused time on a single thread, a seed always plays the same.
///
/// ```
/// use tower::ServiceExt;
/// use treq_core::{Body, Origin, Target};
/// use treq_testing::Storm;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq_core::Error> {
/// let storm = Storm::in_memory(7);
/// let target = Target::new(Origin::from_uri(&"http://a.test/".parse().unwrap())?);
/// // A connection is refused now and then.
/// let connection = storm.connector().oneshot(target).await;
/// assert!(connection.is_ok() || storm.connections() == 0);
/// assert_eq!(storm.ledger().faults(), Vec::<String>::new());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Storm {
    addr: Option<SocketAddr>,
    seed: u64,
    counts: Counts,
    ledger: Ledger,
    tasks: Tasks,
}

impl Storm {
    /// Its hosts in memory.
    pub const HOSTS: [&'static str; 3] = ["a.test", "b.test", "c.test"];

    /// A server in memory, reached by its [connector](Storm::connector). It speaks HTTP/2 with a target that wishes for it,
    /// otherwise HTTP/1.1.
    pub fn in_memory(seed: u64) -> Storm {
        Storm { addr: None, seed, counts: Counts::default(), ledger: Ledger::default(), tasks: Tasks::default() }
    }

    /// A server on a loopback socket, which recognises HTTP/2 by its first bytes.
    ///
    /// # Errors
    ///
    /// If no socket can be bound.
    pub async fn listen(seed: u64) -> std::io::Result<Storm> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut storm = Storm::in_memory(seed);
        storm.addr = Some(listener.local_addr()?);
        let (ledger, tasks) = (storm.ledger.clone(), storm.tasks.clone());
        storm.tasks.spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                let (ledger, random) = (ledger.clone(), Random::of(seed, number));
                tasks.spawn(async move {
                    let mut first = [0; 3];
                    let is_http2 = matches!(stream.peek(&mut first).await, Ok(3)) && first == *b"PRI";
                    serve(stream, is_http2, random, ledger).await;
                });
            }
        });
        Ok(storm)
    }

    /// The connector to it in memory.
    pub fn connector(&self) -> MemoryConnector {
        let (seed, counts, ledger, tasks) = (self.seed, self.counts.clone(), self.ledger.clone(), self.tasks.clone());
        MemoryConnector::new(move |target: Target| {
            let mut random = Random::of(seed, counts.made() as u64 + 1);
            let (counts, ledger, tasks) = (counts.clone(), ledger.clone(), tasks.clone());
            async move {
                pause(&mut random, 10).await;
                if random.one_in(20) {
                    let error = Error::new(Kind::Connect, "the storm refuses the connection");
                    return Err(error.with_resend(Resend::Safe));
                }
                let (client, server) = pipe([16, 1024, 65_536][random.below(3)], counts.opened());
                let is_http2 = target.http_version == HttpVersion::Http2;
                tasks.spawn(serve(server, is_http2, random, ledger));
                Ok(Connected::new(client, Peer::Memory("storm".into())))
            }
        })
    }

    /// The address of its socket, if it has one.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The number of connections made to it in memory.
    pub fn connections(&self) -> usize {
        self.counts.made()
    }

    /// The number of connections in memory that the client still holds.
    pub fn open(&self) -> usize {
        self.counts.open()
    }

    /// The requests that it has acted on, and their faults.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The bytes of a number: the content of `/s/ID`, and of any upload to it.
    pub fn content(id: u64) -> Vec<u8> {
        let len = [0, 1, 100, 5_000, 70_000, 300_000][(id % 6) as usize];
        (0..len).map(|at: u64| (id.wrapping_mul(31) + at.wrapping_mul(7) + (at >> 8)) as u8).collect()
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

async fn serve<IO>(io: IO, is_http2: bool, random: Random, ledger: Ledger)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if is_http2 {
        http2::serve(io, random, ledger).await;
    } else {
        // What ends a connection is the client's business too.
        let _ = http1::Connection::new(io, random, ledger).serve().await;
    }
}
