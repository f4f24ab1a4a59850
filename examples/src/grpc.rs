//! A server that speaks gRPC, and a codec of texts in the place of protobuf's.

use std::convert::Infallible;
use std::io;

use bytes::{Buf, BufMut};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;
use treq_httpbin::Tls;

/// Messages of text; a generated client has protobuf's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Text;
    type Decoder = Text;

    fn encoder(&mut self) -> Text {
        Text
    }

    fn decoder(&mut self) -> Text {
        Text
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        String::from_utf8(bytes.into()).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Starts a server, over TLS or in the clear, and returns its origin: `/tea.Tea/Brew` answers with a message, any other method
/// with one for each letter.
///
/// # Errors
///
/// Where it cannot listen.
pub async fn start(tls: Option<Tls>) -> io::Result<http::Uri> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = match &tls {
        Some(_) => format!("https://localhost:{}", listener.local_addr()?.port()),
        None => format!("http://{}", listener.local_addr()?),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // hyper's bodies, as tonic has them.
            let service =
                tower::service_fn(serve).map_request(|request: http::Request<_>| request.map(tonic::body::Body::new));
            let service = TowerToHyperService::new(service);
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new()).http2_only();
            match &tls {
                Some(tls) => {
                    let handshake = tls.accept(stream);
                    tokio::spawn(async move {
                        let stream = TokioIo::new(handshake.await?);
                        server.serve_connection(stream, service).await.map_err(io::Error::other)
                    });
                }
                None => {
                    tokio::spawn(async move { server.serve_connection(TokioIo::new(stream), service).await });
                }
            }
        }
    });
    origin.parse().map_err(io::Error::other)
}

async fn serve(request: http::Request<tonic::body::Body>) -> Result<http::Response<tonic::body::Body>, Infallible> {
    let brew = tower::service_fn(|request: Request<String>| async move {
        Ok::<_, Status>(Response::new(format!("a pot of {}", request.into_inner())))
    });
    let pour = tower::service_fn(|request: Request<String>| async move {
        let letters: Vec<_> = request.into_inner().chars().map(|letter| Ok(letter.to_string())).collect();
        Ok::<Response<BoxStream<'static, Result<String, Status>>>, Status>(Response::new(stream::iter(letters).boxed()))
    });
    Ok(match request.uri().path() {
        "/tea.Tea/Brew" => tonic::server::Grpc::new(Text).unary(brew, request).await,
        _ => tonic::server::Grpc::new(Text).server_streaming(pour, request).await,
    })
}
