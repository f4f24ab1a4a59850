//! The request layer over hyper-util's client, an axum router and a service that cannot fail.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt, service_fn};
use tower_service::Service;
use treq_core::{Body, BoxError, Origin, Route, Target};
use treq_proxy::{Proxies, ProxyChoice, ProxyConnect, RouteLayer, Routed};
use treq_testing::{MemoryConnector, MemoryServer, Pipe, RawServer, Step};

use crate::support::{Echo, proxy, target};

fn layer() -> RouteLayer {
    RouteLayer::new(Proxies::all(proxy("p.test").auth(Echo::default())))
}

fn challenge<B>(body: B) -> Response<B> {
    Response::builder().status(407).header("proxy-authenticate", "Own").body(body).unwrap()
}

/// A pipe as hyper-util wants it: a proxy at its other end, so that requests go out in absolute form.
struct Stream(TokioIo<Pipe>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(true)
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

#[tokio::test]
async fn works_over_hyper_utils_client_on_one_connection() {
    let server = MemoryServer::new(service_fn(|request: Request<Body>| async move {
        assert_eq!(request.uri().to_string(), "http://a.test/1");
        let field = request.headers().get("proxy-authorization").cloned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(match field {
            Some(field) => {
                assert_eq!(field, "own POST http://a.test/1");
                Response::new(Body::from(body))
            }
            // Of unknown length, so in chunks.
            None => challenge(Body::new(Full::new(Bytes::from("x".repeat(16_000))).map_frame(|frame| frame))),
        })
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
    let client = layer().layer(client);
    for _ in 0..2 {
        let request = Request::post("http://a.test/1").body(Full::from("tea")).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn works_over_an_axum_router() {
    let router = axum::Router::new().route(
        "/echo",
        post(|headers: HeaderMap, body: Bytes| async move {
            match headers.contains_key("proxy-authorization") {
                true => Response::new(axum::body::Body::from(body)),
                false => challenge(axum::body::Body::empty()),
            }
        }),
    );
    let request = Request::post("http://a.test/echo").body(Full::<Bytes>::from("tea")).unwrap();
    let response = layer().layer(router).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "tea");
}

#[tokio::test]
async fn works_over_a_service_that_cannot_fail() {
    let service = service_fn(|request: Request<Empty<Bytes>>| async move {
        let route = request.extensions().get::<Arc<dyn Route>>().map(|route| format!("{route:?}"));
        Ok::<_, Infallible>(Response::new(route.unwrap_or_default()))
    });
    let request =
        Request::get("http://a.test/").extension(ProxyChoice::proxy(proxy("own.test"))).body(Empty::new()).unwrap();
    let response = RouteLayer::new(Proxies::none()).layer(service).oneshot(request).await.unwrap();
    assert_eq!(response.into_body(), "Proxy(http://own.test:80)");
}

#[tokio::test]
async fn made_by_hand_they_do_as_made_by_their_layers() {
    let server =
        RawServer::builder().connection([Step::ReadHead, Step::send("HTTP/1.1 200 OK\r\n\r\n")]).start_in_memory();
    let mut connect = ProxyConnect::new(server.connector(), proxy("p.test").into());
    let below = connect.get_ref().clone();
    *connect.get_mut() = below;
    let connecting = connect.ready().await.unwrap().call(target("https://a.test"));
    assert!(format!("{connecting:?}").starts_with("ProxyFuture"));
    connecting.await.unwrap();
    assert_eq!(server.requests()[0].line, "CONNECT a.test:443 HTTP/1.1");
    let _: MemoryConnector = connect.into_inner();

    let routes = tower::service_fn(|request: Request<Empty<Bytes>>| async move {
        let chosen = request.extensions().get::<Arc<dyn Route>>().map(|route| format!("{route:?}"));
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(chosen.unwrap_or_default())))
    });
    let mut routed = Routed::new(routes, proxy("p.test").into());
    let below = *routed.get_ref();
    *routed.get_mut() = below;
    let request = Request::get("http://a.test/").body(Empty::new()).unwrap();
    let response = routed.ready().await.unwrap().call(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "Proxy(http://p.test:80)");
    // What is below is reached without the choice.
    let request = Request::get("http://a.test/").body(Empty::new()).unwrap();
    let response = routed.into_inner().oneshot(request).await.unwrap();
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}
