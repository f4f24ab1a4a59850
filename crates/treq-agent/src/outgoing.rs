use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};
use treq_core::{BoxError, Error, Kind};

use crate::watch::Watch;

/// A request's body on its way out: waits for `100 Continue` where that was asked for, holds the caller to the length
/// announced, and says when the last of it has gone.
pub(crate) struct Outgoing<B> {
    body: B,
    /// `None` where there is no body to send, which keeps what hyper moves about small.
    under_way: Option<Box<UnderWay>>,
}

struct UnderWay {
    gate: Option<Gate>,
    left: Option<Left>,
    /// Told when the body is done with, sent or not.
    watch: Arc<Watch>,
}

/// What may still follow of the length that was announced.
#[derive(Clone, Copy, Debug)]
struct Left {
    announced: u64,
    bytes: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.watch.given();
    }
}

/// The body waits here until the server wants it
/// ([RFC 9110, section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1)).
pub(crate) struct Gate {
    /// `None` where the final answer came first: the gate stays shut.
    open: Option<oneshot::Receiver<()>>,
    wait: Duration,
    /// Runs from the first poll on, which is when the head has been written.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    /// A gate and what opens it: a value sent. A sender dropped keeps it shut for good: the final answer came first.
    pub(crate) fn new(wait: Duration) -> (oneshot::Sender<()>, Gate) {
        let (opener, open) = oneshot::channel();
        (opener, Gate { open: Some(open), wait, timer: None })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(open) = &mut self.open else { return Poll::Pending };
        match Pin::new(open).poll(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(()),
            Poll::Ready(Err(_)) => {
                self.open = None;
                return Poll::Pending;
            }
            Poll::Pending => {}
        }
        let wait = self.wait;
        self.timer.get_or_insert_with(|| Box::pin(sleep(wait))).as_mut().poll(cx)
    }
}

impl<B: Body> Outgoing<B> {
    pub(crate) fn new(body: B, announced: Option<u64>, gate: Option<Gate>, watch: &Arc<Watch>) -> Outgoing<B> {
        let left = announced.map(|bytes| Left { announced: bytes, bytes });
        let under_way = (!body.is_end_stream()).then(|| Box::new(UnderWay { gate, left, watch: Arc::clone(watch) }));
        Outgoing { body, under_way }
    }

    pub(crate) fn into_inner(self) -> B {
        self.body
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = &mut *self;
        let Some(under_way) = &mut this.under_way else { return Poll::Ready(None) };
        if let Some(gate) = &mut under_way.gate {
            ready!(gate.poll_open(cx));
            under_way.gate = None;
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(left) = &mut under_way.left {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
            let new = data.map_or(0, |data| data.remaining() as u64);
            match left.bytes.checked_sub(new) {
                Some(rest) => left.bytes = rest,
                None => return Poll::Ready(Some(Err(Box::new(wrong_length(left.announced, "longer"))))),
            }
            if frame.is_none() && left.bytes > 0 {
                return Poll::Ready(Some(Err(Box::new(wrong_length(left.announced, "shorter")))));
            }
        }
        if frame.is_none() || this.body.is_end_stream() {
            this.under_way = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.under_way.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn wrong_length(announced: u64, how: &str) -> Error {
    Error::new(Kind::Body, format!("the request's body is {how} than its Content-Length of {announced} bytes"))
}

impl<B> fmt::Debug for Outgoing<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("ended", &self.under_way.is_none()).finish_non_exhaustive()
    }
}
