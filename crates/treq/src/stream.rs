use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame};
use pin_project_lite::pin_project;
use treq_core::Error;

use crate::ResponseBody;

/// The pieces of a body as they arrive; trailers are passed over.
pub struct BodyStream {
    body: ResponseBody,
}

impl BodyStream {
    pub(crate) fn new(body: ResponseBody) -> BodyStream {
        BodyStream { body }
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}

pin_project! {
    /// A stream of pieces as the body of a request.
    pub(crate) struct Streamed<S> {
        #[pin]
        stream: S,
    }
}

impl<S> Streamed<S> {
    pub(crate) fn new(stream: S) -> Streamed<S> {
        Streamed { stream }
    }
}

impl<S, B, E> HttpBody for Streamed<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let piece = ready!(self.project().stream.poll_next(cx));
        Poll::Ready(piece.map(|piece| piece.map(|bytes| Frame::data(bytes.into()))))
    }
}
