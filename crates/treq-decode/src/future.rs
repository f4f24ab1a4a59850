use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http::header::CONTENT_ENCODING;
use pin_project_lite::pin_project;
use treq_core::{BoxError, Error};

use crate::chain::Chain;
use crate::{DecodeBody, DecodeLayer, plan};

pin_project! {
    /// The future of a [`Decode`](crate::Decode).
    #[must_use = "futures do nothing unless polled"]
    pub struct DecodeFuture<F> {
        #[pin]
        future: F,
        // `None` where the answer is passed on as it is.
        looks: Option<DecodeLayer>,
    }
}

impl<F> DecodeFuture<F> {
    pub(crate) fn new(future: F, looks: Option<DecodeLayer>) -> DecodeFuture<F> {
        DecodeFuture { future, looks }
    }
}

impl<F, R, E> Future for DecodeFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError> + 'static,
{
    type Output = Result<Response<DecodeBody<R>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx)).map_err(Error::from_boxed)?;
        let Some(layer) = this.looks else { return Poll::Ready(Ok(response.map(DecodeBody::plain))) };
        // Few fields are sooner looked through than looked up.
        let encoded = response.headers().keys().any(|name| name == CONTENT_ENCODING);
        if !encoded || !plan::has_body(response.status()) {
            return Poll::Ready(Ok(response.map(DecodeBody::plain)));
        }
        let (mut head, body) = response.into_parts();
        let undone = plan::undo(&mut head.headers, layer.codings())?;
        let body = if undone.is_empty() {
            DecodeBody::plain(body)
        } else {
            DecodeBody::coded(body, Chain::new(&undone, layer.limits()))
        };
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

impl<F> fmt::Debug for DecodeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecodeFuture")
    }
}
