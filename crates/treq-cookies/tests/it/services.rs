use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_cookies::{CookiesLayer, Jar};
use treq_core::{Body, BoxError, Origin, Target};
use treq_testing::{MemoryServer, Pipe};

/// A pipe as hyper-util wants it.
struct Stream(TokioIo<Pipe>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Says what it got, and sets a cookie.
fn echo<B>(request: &Request<B>) -> Response<String> {
    let got: Vec<_> = request.headers().get_all("cookie").iter().map(|field| field.to_str().unwrap()).collect();
    Response::builder().header("set-cookie", "sid=7f; Path=/; Domain=a.test").body(got.join("|")).unwrap()
}

#[tokio::test]
async fn works_over_hyper_utils_client() {
    let server = MemoryServer::new(service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(echo(&request).map(Body::from))
    }));
    let connector = server.connector();
    let connect = service_fn(move |uri: Uri| {
        let mut connector = connector.clone();
        Box::pin(async move {
            let connected = connector.call(Target::new(Origin::from_uri(&uri)?)).await?;
            Ok::<_, BoxError>(Stream(TokioIo::new(connected.io)))
        })
    });
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connect);
    let client = CookiesLayer::new().layer(client);
    for (url, expected) in
        [("http://www.a.test/1", ""), ("http://www.a.test/2", "sid=7f"), ("http://a.test/", "sid=7f")]
    {
        let request = Request::get(url).body(Full::default()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected);
    }
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let router = axum::Router::new().route("/", get(|request: axum::extract::Request| async move { echo(&request) }));
    let client = CookiesLayer::new().layer(router);
    for expected in ["", "sid=7f"] {
        let request = Request::get("http://a.test/").body(Full::<Bytes>::default()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected);
    }
    // Without scheme and host there are no cookies, and no error.
    let response = client.oneshot(Request::get("/").body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn keeps_body_and_error_of_a_service_that_cannot_fail() {
    let service = service_fn(|request: Request<Empty<Bytes>>| async move { Ok::<_, Infallible>(echo(&request)) });
    let jar = Jar::new();
    let client = CookiesLayer::with(jar.clone()).layer(service);
    let request = Request::get("http://a.test/").body(Empty::new()).unwrap();
    let outcome: Result<Response<String>, Infallible> = client.oneshot(request).await;
    let Ok(response) = outcome;
    assert_eq!((response.body().as_str(), jar.len()), ("", 1));
}
