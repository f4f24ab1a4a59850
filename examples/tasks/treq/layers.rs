use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use treq_cookies::CookiesLayer;
use treq_redirect::RedirectLayer;

pub async fn layers(url: &str) -> Result<StatusCode, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let layers = ServiceBuilder::new().layer(RedirectLayer::new()).layer(CookiesLayer::new());
    Ok(layers.service(client).oneshot(Request::get(url).body(Empty::new())?).await?.status())
}
