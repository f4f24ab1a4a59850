//! The layer over services of others, and the vectors of the content-coding suite.
#![allow(missing_docs)]

mod layer;
mod over;
mod search;
mod vectors;

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::{Layer as _, ServiceExt as _};
use treq_decode::DecodeLayer;

/// What comes of a body with these fields, given in pieces of `size`.
async fn decode(
    layer: &DecodeLayer,
    encodings: &[&str],
    body: &[u8],
    size: usize,
) -> Result<(http::HeaderMap, Bytes), treq_core::Error> {
    let pieces: Vec<_> = body.chunks(size.max(1)).map(Bytes::copy_from_slice).collect();
    let encodings: Vec<_> = encodings.iter().map(|value| http::HeaderValue::from_str(value).unwrap()).collect();
    let server = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let (pieces, encodings) = (pieces.clone(), encodings.clone());
        async move {
            let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(http_body::Frame::data(piece)));
            let mut response = Response::new(StreamBody::new(Iter(frames)));
            encodings.into_iter().for_each(|value| _ = response.headers_mut().append("content-encoding", value));
            Ok::<_, Infallible>(response)
        }
    });
    let request = Request::get("http://a.test/").body(Full::default()).unwrap();
    let (head, body) = layer.layer(server).oneshot(request).await?.into_parts();
    Ok((head.headers, body.collect().await?.to_bytes()))
}

struct Iter<I>(I);

impl<I: Iterator + Unpin> futures_core::Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<I::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}
