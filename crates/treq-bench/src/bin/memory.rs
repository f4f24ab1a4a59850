//! `memory COUNT`: so many GETs with treq's whole stack over a server in this process, which leave nothing behind.
#![forbid(unsafe_code)]

use treq::testing::{StringStubbing, StubTreq};
use treq_bench::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let count: usize = std::env::args().nth(1).ok_or("memory COUNT")?.parse()?;
    let stub = StubTreq::new(StringStubbing::new(|_| (200, [("content-type", "text/plain")], "Hello, World!")));
    for _ in 0..count {
        let body = stub.get("http://stub.test/get").await?.content().await?;
        if body.len() != 13 {
            return Err(format!("a body of {} bytes", body.len()).into());
        }
    }
    drop(stub);
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    match tokio::runtime::Handle::current().metrics().num_alive_tasks() {
        0 => Ok(()),
        tasks => Err(format!("{tasks} tasks are left").into()),
    }
}
