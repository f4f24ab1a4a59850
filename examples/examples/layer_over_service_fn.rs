//! cargo run -p examples --example layer_over_service_fn
//!
//! Layers over a function: decoding and timeouts, each with that service's own body and errors.
#![allow(clippy::print_stdout)] // Examples print.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use treq_decode::DecodeLayer;
use treq_timeout::TimeoutLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // "hello", gzipped; any other path never answers.
    let service = service_fn(|request: Request<String>| async move {
        if request.uri().path() != "/hello" {
            std::future::pending::<()>().await;
        }
        let coded: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
        let answer = Response::builder().header("content-encoding", "gzip").body(Full::<Bytes>::from(coded));
        Ok::<_, Infallible>(answer.unwrap())
    });
    let limits = TimeoutLayer::new().head(Duration::from_millis(50));
    let client = ServiceBuilder::new().layer(DecodeLayer::new()).layer(limits).service(service);

    let response = client.clone().oneshot(Request::get("/hello").body(String::new())?).await?;
    println!("decoded: {:?}", response.into_body().collect().await?.to_bytes());
    let error = client.oneshot(Request::get("/silent").body(String::new())?).await.err().ok_or("there is no answer")?;
    println!("and {:?}", error.kind());
    Ok(())
}
