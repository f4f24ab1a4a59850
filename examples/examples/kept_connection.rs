//! cargo run -p examples --example kept_connection
//!
//! One connection that the caller keeps: no pool, no client; each request goes out on it when the last is over.
#![allow(clippy::print_stdout)] // Examples print.

use std::future::poll_fn;

use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;
use treq_agent::HttpHandshake;
use treq_connect::TcpConnect;
use treq_core::{Body, Connection, Exchange, Facts, Origin, Target};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let origin = Origin::from_uri(&base.url("/").parse()?)?;

    let host = origin.authority().to_string();
    let mut connection = HttpHandshake::new(TcpConnect::new()).oneshot(Target::new(origin)).await?;
    for cup in 1..=3 {
        poll_fn(|cx| connection.poll_ready(cx)).await?;
        let request = Request::get(format!("/get?cup={cup}")).header("host", &host);
        connection.begin(request.body(Body::empty())?);
        let response = poll_fn(|cx| connection.poll_response(cx)).await.map_err(|refused| refused.error)?;
        let (status, reused) = (response.status(), response.body().facts().is_some_and(Facts::is_reused));
        let bytes = response.into_body().collect().await?.to_bytes();
        println!("{status}, {}, used before: {reused}", bytes.starts_with(b"{"));
    }
    println!("still open: {}", connection.is_open());
    base.server.map_or(Ok(()), |server| examples::expect(server.connections().accepted == 1, "one connection"))
}
