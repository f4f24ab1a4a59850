use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::BoxError;

pin_project! {
    /// A body whose error comes a poll later: a server that sees it at once would not send what came before.
    pub(crate) struct BrokenOff<B> {
        #[pin]
        body: B,
        error: Option<BoxError>,
    }
}

impl<B> BrokenOff<B> {
    pub(crate) fn new(body: B) -> BrokenOff<B> {
        BrokenOff { body, error: None }
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for BrokenOff<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(this.body.poll_frame(cx)) {
            Some(Err(error)) => {
                *this.error = Some(error.into());
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.error.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
