//! What a request costs: treq beside its peers.
//!
//! Three comparisons are of instructions, which are the same on every run; one is of time, between programs run in turn,
//! since what it spares is the kernel's work. `cargo xtask bench` makes them and knows their limits.
//!
//! # One small GET
//!
//! `serve` answers every request with 200, two fields and 13 bytes; `fetch CLIENT COUNT URL` sends so many small GETs,
//! one after the other, on one kept-alive connection and a one-thread runtime; `count` does the same and counts
//! allocations, in a program of its own because counting takes instructions.
//!
//! # A full jar
//!
//! The clients `jar-10` and `jar-100000` of `fetch` are treq's default client with so many cookies in its jar. Both ask
//! the same host, which has four of them; the others belong to other sites, 29,999 of them in the full jar, whose limits
//! are raised for that. The same bytes go over the wire, so what differs is what the size of the jar costs.
//!
//! # 10 MiB of gzip
//!
//! `gunzip flate2 COUNT FILE` and `gunzip treq-decode COUNT FILE` decode the same file so many times. Both are given the
//! same pieces of coded bytes, of 16 to 64 KiB, and give decoded pieces of at most 32 KiB, which are only counted. flate2
//! is called directly, as a gzip decoder on zlib-rs that checks the checksum as it goes, with one output buffer for all
//! pieces: the least that this work takes. treq-decode stands as a layer over a service whose body yields the pieces, and
//! gives each decoded one away as `Bytes` of its own. `gunzip write FILE` makes the file: lines as a log has them.
//!
//! # 10,000 requests in memory
//!
//! `memory COUNT` is treq's default client with its whole stack over a server in the same process: what a test with a
//! stub costs. It is timed beside bare hyper that asks `serve` over loopback, process by process. A feature, since a
//! hyper that can serve is another hyper, and the others are measured with the one that they would have.
#![forbid(unsafe_code)]

mod gunzip;
mod jar;

pub use gunzip::gunzip;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};
use tower_layer::Layer;

/// Any failure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The words that `fetch` and `count` take.
const USAGE: &str = "hyper|hyper-util|reqwest|agent|treq|jar-10|jar-100000 COUNT URL";

/// Does what the command line says: `CLIENT COUNT URL`.
///
/// # Errors
///
/// For words that are none of these, and a request that fails.
pub fn run(mut args: impl Iterator<Item = String>) -> Result<(), Failure> {
    let client = args.next().ok_or(USAGE)?;
    let count: usize = args.next().ok_or(USAGE)?.parse()?;
    let url = args.next().ok_or(USAGE)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match client.as_str() {
            "hyper" => hyper(count, &url).await,
            "hyper-util" => hyper_util(count, &url).await,
            "reqwest" => reqwest(count, &url).await,
            "agent" => agent(count, &url).await,
            "treq" => treq(count, &url).await,
            "jar-10" => jar::small(count, &url).await,
            "jar-100000" => jar::full(count, &url).await,
            other => Err(format!("{other:?} is no client: {USAGE}").into()),
        }
    })
}

/// hyper's connection API: the floor. It alone is spared the URL.
async fn hyper(count: usize, url: &str) -> Result<(), Failure> {
    let uri: http::Uri = url.parse()?;
    let authority = uri.authority().ok_or("no authority")?.clone();
    let stream = TcpStream::connect(authority.as_str()).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    for _ in 0..count {
        let request = http::Request::get("/get").header("host", authority.as_str()).body(Empty::<Bytes>::new())?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        check(response.into_body().collect().await?.to_bytes())?;
    }
    Ok(())
}

async fn hyper_util(count: usize, url: &str) -> Result<(), Failure> {
    let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
    connector.set_nodelay(true);
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).build::<_, Empty<Bytes>>(connector);
    for _ in 0..count {
        let response = client.request(http::Request::get(url).body(Empty::new())?).await?;
        check(response.into_body().collect().await?.to_bytes())?;
    }
    Ok(())
}

async fn reqwest(count: usize, url: &str) -> Result<(), Failure> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    for _ in 0..count {
        check(client.get(url).send().await?.bytes().await?)?;
    }
    Ok(())
}

/// treq's bare agent over its pool.
async fn agent(count: usize, url: &str) -> Result<(), Failure> {
    let connect = tower::service_fn(|target: treq_core::Target| async move {
        let address =
            target.origin.authority().as_str().parse::<std::net::SocketAddr>().map_err(std::io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(treq_core::Connected::new(stream, treq_core::Peer::Tcp(address)))
    });
    let pool = treq_pool::PoolLayer::new().layer(treq_agent::HttpHandshake::new(connect));
    let mut agent = treq_agent::Agent::new(pool);
    for _ in 0..count {
        let request = http::Request::get(url).body(treq_core::Body::empty())?;
        let response = agent.ready().await?.call(request).await?;
        check(response.into_body().collect().await?.to_bytes())?;
    }
    Ok(())
}

/// treq's default client with its whole stack.
async fn treq(count: usize, url: &str) -> Result<(), Failure> {
    let client = treq::Client::new();
    for _ in 0..count {
        check(client.get(url).await?.content().await?)?;
    }
    Ok(())
}

fn check(body: Bytes) -> Result<(), Failure> {
    if body.len() == 13 { Ok(()) } else { Err(format!("a body of {} bytes", body.len()).into()) }
}
