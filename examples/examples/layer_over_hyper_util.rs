//! cargo run -p examples --example layer_over_hyper_util
//!
//! Layers without the client: redirects and cookies around hyper-util's.
#![allow(clippy::print_stdout)] // Examples print.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt};
use treq_cookies::CookiesLayer;
use treq_redirect::{History, RedirectLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(HttpConnector::new());

    // Cookies inside, so that every hop has them.
    let client = ServiceBuilder::new().layer(RedirectLayer::new()).layer(CookiesLayer::new()).service(client);

    let request = Request::get(base.url("/cookies/set?tea=green")).body(Empty::new())?;
    let response = client.oneshot(request).await?;
    let hops = response.extensions().get::<History>().map_or(0, |history| history.len());
    let text = String::from_utf8(response.into_body().collect().await?.to_bytes().into())?;
    println!("{hops} redirect to {}", text.split_whitespace().collect::<String>());
    examples::expect(text.contains("green"), "the cookie at the second hop")
}
