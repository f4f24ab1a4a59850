//! cargo run -p examples --example layer_contract
//!
//! A layer of one's own, checked against the rules that tower layers have to keep before anybody uses it.
#![allow(clippy::print_stdout)] // Examples print.

use std::task::{Context, Poll};

use http::{HeaderValue, Request};
use tower::{Service, layer};

/// Says in each request who sent it.
#[derive(Clone)]
struct Signed<S>(S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for Signed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.headers_mut().insert("from", HeaderValue::from_static("ada@tea.test"));
        self.0.call(request)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A rule that is broken ends this with a panic that names it.
    treq_testing::contract::check(layer::layer_fn(Signed)).await;
    println!("readiness, cancellation, bodies, errors and extensions: kept");

    let base = examples::base().await?;
    let client = treq::Client::builder().layer(layer::layer_fn(Signed)).build()?;
    let seen = client.get(base.url("/headers")).await?.json::<serde_json::Value>().await?;
    examples::show("the server read", &seen["headers"]["From"], serde_json::json!("ada@tea.test"))
}
