use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::{BoxError, Error};

use crate::chain::{Chain, Pulled};

pin_project! {
    /// A body whose codings are undone as it is read; without codings, the body as it is.
    ///
    /// What the server has flushed is given out as soon as it is here. Trailers come after the last of the data.
    pub struct DecodeBody<B> {
        #[pin]
        body: B,
        chain: Option<Box<Chain>>,
        trailers: Option<HeaderMap>,
        ended: bool,
    }
}

impl<B> DecodeBody<B> {
    pub(crate) fn plain(body: B) -> DecodeBody<B> {
        DecodeBody { body, chain: None, trailers: None, ended: false }
    }

    pub(crate) fn coded(body: B, chain: Chain) -> DecodeBody<B> {
        DecodeBody { body, chain: Some(Box::new(chain)), trailers: None, ended: false }
    }
}

impl<B> Body for DecodeBody<B>
where
    B: Body,
    B::Error: Into<BoxError> + 'static,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut this = self.project();
        let Some(chain) = this.chain else {
            return this.body.poll_frame(cx).map_ok(|frame| frame.map_data(whole)).map_err(Error::adopt);
        };
        if *this.ended {
            return Poll::Ready(None);
        }
        loop {
            match chain.pull() {
                Ok(Pulled::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Pulled::End) => {
                    *this.ended = true;
                    return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(Pulled::Hungry) => {}
                Err(error) => {
                    *this.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => chain.feed(whole(data)),
                    Err(frame) => {
                        *this.trailers = frame.into_trailers().ok();
                        chain.end();
                    }
                },
                Some(Err(error)) => {
                    *this.ended = true;
                    return Poll::Ready(Some(Err(Error::adopt(error))));
                }
                None => chain.end(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.chain {
            Some(_) => self.ended,
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.chain {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}

/// All that is left of a buffer: no copy where it is `Bytes`.
fn whole(mut data: impl Buf) -> Bytes {
    data.copy_to_bytes(data.remaining())
}

impl<B> fmt::Debug for DecodeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeBody").field("coded", &self.chain.is_some()).finish_non_exhaustive()
    }
}
