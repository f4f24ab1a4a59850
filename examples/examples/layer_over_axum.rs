//! cargo run -p examples --example layer_over_axum
//!
//! Layers over a router: a client's view of an application, without a socket.
#![allow(clippy::print_stdout)] // Examples print.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use tower::{ServiceBuilder, ServiceExt};
use treq_cookies::CookiesLayer;
use treq_redirect::{History, RedirectLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shown = |headers: HeaderMap| async move { String::from_utf8_lossy(headers["cookie"].as_bytes()).into_owned() };
    let app = Router::<()>::new()
        .route("/login", get(|| async { ([("set-cookie", "sid=7f; Path=/")], Redirect::to("/account")) }))
        .route("/account", get(shown));

    let client = ServiceBuilder::new().layer(RedirectLayer::new()).layer(CookiesLayer::new()).service(app);

    let request = Request::get("http://app.test/login").body(Empty::<bytes::Bytes>::new())?;
    let response = client.oneshot(request).await?;
    let history = response.extensions().get::<History>().ok_or("a redirect")?;
    let from: String = history.iter().map(|hop| hop.url.path()).collect();
    let text = String::from_utf8(response.into_body().collect().await?.to_bytes().into())?;
    println!("{from} led to a page that saw {text}");
    examples::expect(text.contains("sid=7f"), "the cookie of the login")
}
