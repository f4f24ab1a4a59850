use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::{BoxError, Error};

use crate::chain::{BUDGET, Chain, Pulled};

/// The cost of each frame of the inner body in bytes, so that empty frames end a poll too.
const FRAME: usize = 256;

pin_project! {
    /// A body whose codings are undone as it is read; without codings, the body as it is.
    ///
    /// What the server has flushed is given out as soon as it is here. Trailers come after the last of the data.
    pub struct DecodeBody<B> {
        #[pin]
        body: B,
        // Boxed, since most bodies have none and each move of an answer would copy it.
        coded: Option<Box<Coded>>,
    }
}

struct Coded {
    chain: Chain,
    trailers: Option<HeaderMap>,
    ended: bool,
    /// The error that ended it: a further poll returns the same, never an end that looks like a whole body.
    failed: Option<Arc<Error>>,
}

impl Coded {
    // Apart from the body's own, which most bodies get by with.
    #[cold]
    fn poll_frame<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>>
    where
        B: Body,
        B::Error: Into<BoxError> + 'static,
    {
        if self.ended {
            return Poll::Ready(self.failed.as_ref().map(|error| Err(Error::repeat(error))));
        }
        let mut left = BUDGET;
        loop {
            match self.chain.pull(&mut left) {
                Ok(Pulled::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Pulled::End) => {
                    self.ended = true;
                    return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(Pulled::Later) => {
                    // Others have the thread meanwhile, a time limit of this very request among them.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Pulled::Hungry) => {}
                Err(error) => return self.fail(error),
            }
            let frame = ready!(body.as_mut().poll_frame(cx));
            left = left.saturating_sub(FRAME);
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.chain.feed(whole(data)),
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.chain.end();
                    }
                },
                Some(Err(error)) => return self.fail(Error::from_boxed(error)),
                None => self.chain.end(),
            }
        }
    }

    fn fail<T>(&mut self, error: Error) -> Poll<Option<Result<T, Error>>> {
        self.ended = true;
        let error = self.failed.insert(Arc::new(error));
        Poll::Ready(Some(Err(Error::repeat(error))))
    }
}

impl<B> DecodeBody<B> {
    pub(crate) fn plain(body: B) -> DecodeBody<B> {
        DecodeBody { body, coded: None }
    }

    pub(crate) fn coded(body: B, chain: Chain) -> DecodeBody<B> {
        DecodeBody { body, coded: Some(Box::new(Coded { chain, trailers: None, ended: false, failed: None })) }
    }

    /// Returns a reference to the body below, which is still coded.
    pub fn get_ref(&self) -> &B {
        &self.body
    }

    /// Returns a mutable reference to the body below. What is read from it here is missing in what is decoded.
    pub fn get_mut(&mut self) -> &mut B {
        &mut self.body
    }

    /// Returns the body below by value: the part of it that has not been read yet, still coded.
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl<B: Default> Default for DecodeBody<B> {
    /// The default body, with no coding.
    fn default() -> DecodeBody<B> {
        DecodeBody::plain(B::default())
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
        let this = self.project();
        match this.coded {
            None => this.body.poll_frame(cx).map_ok(|frame| frame.map_data(whole)).map_err(Error::from_boxed),
            Some(coded) => coded.poll_frame(this.body, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.coded {
            Some(coded) => coded.ended && coded.failed.is_none(),
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.coded {
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
        f.debug_struct("DecodeBody").field("coded", &self.coded.is_some()).finish_non_exhaustive()
    }
}
