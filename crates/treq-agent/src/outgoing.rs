use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};
use treq_core::{BoxError, Error, Kind};

use crate::failure;
use crate::watch::Watch;

/// A request's body on its way out: waits for `100 Continue` where that was asked for, holds the caller to the length
/// announced, and says when the last of it has gone.
///
/// One word, since hyper moves it about with its request; `None` where there is nothing to send.
pub(crate) struct Outgoing<B>(Option<Box<Upload<B>>>);

struct Upload<B> {
    body: B,
    /// `None` once the last of it has gone.
    under_way: Option<UnderWay>,
}

struct UnderWay {
    gate: Option<Gate>,
    tie: Option<Tie>,
    left: Option<Left>,
    /// Those that came together with the last of the data.
    trailers: Option<HeaderMap>,
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

/// What a body over HTTP/2 and its exchange tell each other. hyper resets the stream of a body that fails and forgets why,
/// and goes on with one whose answer is over.
pub(crate) struct Tie(oneshot::Sender<Error>);

/// The other end. Dropped, it ends the sending.
pub(crate) struct Tied {
    told: oneshot::Receiver<Error>,
    watch: Arc<Watch>,
}

impl Tied {
    /// Why the body failed, if it did.
    pub(crate) fn failure(&mut self) -> Option<Error> {
        self.told.try_recv().ok()
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        self.watch.untied();
    }
}

impl Tie {
    /// Nobody waits for the answer any more, or has all of it.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_closed(cx)
    }

    fn failed(self, error: BoxError) -> BoxError {
        let told = failure::of_upload(error);
        let why = told.to_string();
        // Who does not listen any more has an answer.
        let _ = self.0.send(told);
        why.into()
    }
}

/// Has hyper reset the stream without a word of a fault
/// ([RFC 9113, section 7](https://www.rfc-editor.org/rfc/rfc9113#section-7)).
fn unwanted() -> BoxError {
    #[cfg(feature = "http2")]
    let why = h2::Error::from(h2::Reason::CANCEL).into();
    #[cfg(not(feature = "http2"))]
    let why = "the answer is over".into();
    why
}

impl<B> Outgoing<B> {
    pub(crate) fn nothing() -> Outgoing<B> {
        Outgoing(None)
    }

    pub(crate) fn new(body: B, announced: Option<u64>, gate: Option<Gate>, watch: &Arc<Watch>) -> Outgoing<B> {
        let left = announced.map(|bytes| Left { announced: bytes, bytes });
        let under_way = Some(UnderWay { gate, tie: None, left, trailers: None, watch: Arc::clone(watch) });
        Outgoing(Some(Box::new(Upload { body, under_way })))
    }

    /// Ties a body that goes over HTTP/2 to its exchange.
    #[cfg(feature = "http2")]
    pub(crate) fn tied(mut self, exchange: &mut Option<Tied>) -> Outgoing<B> {
        if let Some(going) = self.0.as_mut().and_then(|upload| upload.under_way.as_mut()) {
            let (tie, told) = oneshot::channel();
            going.watch.tied();
            (going.tie, *exchange) = (Some(Tie(tie)), Some(Tied { told, watch: Arc::clone(&going.watch) }));
        }
        self
    }

    fn has_gone(&self) -> bool {
        self.0.as_ref().is_none_or(|upload| upload.under_way.is_none())
    }

    /// The body, where there was one to send.
    pub(crate) fn into_inner(self) -> Option<B> {
        self.0.map(|upload| upload.body)
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
        let Some(Upload { body, under_way }) = self.0.as_deref_mut() else { return Poll::Ready(None) };
        let Some(going) = under_way else { return Poll::Ready(None) };
        if going.tie.is_none() {
            return next_frame(body, under_way, cx);
        }
        if going.tie.as_mut().is_some_and(|tie| tie.poll_over(cx).is_ready()) {
            *under_way = None;
            return Poll::Ready(Some(Err(unwanted())));
        }
        let frame = ready!(next_frame(body, under_way, cx));
        let tie = under_way.as_mut().and_then(|going| going.tie.take_if(|_| matches!(frame, Some(Err(_)))));
        Poll::Ready(match (frame, tie) {
            (Some(Err(error)), Some(tie)) => Some(Err(tie.failed(error))),
            (frame, _) => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.has_gone()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |upload| upload.body.size_hint())
    }
}

/// The number of empty pieces that are passed over at one poll, and behind the length of a body.
const MAX_EMPTY: usize = 64;

fn next_frame<B>(
    body: &mut B,
    under_way: &mut Option<UnderWay>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<B::Data>, BoxError>>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let Some(going) = under_way else { return Poll::Ready(None) };
    if let Some(gate) = &mut going.gate {
        ready!(gate.poll_open(cx));
        going.gate = None;
    }
    if let Some(trailers) = going.trailers.take() {
        *under_way = None;
        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
    }
    let frame = ready!(filled_frame(body, cx));
    if let Some(left) = &mut going.left {
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
        let new = data.map_or(0, |data| data.remaining() as u64);
        match left.bytes.checked_sub(new) {
            Some(rest) => left.bytes = rest,
            None => return Poll::Ready(Some(Err(Box::new(wrong_length(left.announced, "longer"))))),
        }
        if frame.is_none() && left.bytes > 0 {
            return Poll::Ready(Some(Err(Box::new(wrong_length(left.announced, "shorter")))));
        }
        // Over HTTP/1.1 hyper asks for no more once it has the length, so it is asked for here. HTTP/2 asks up to the end itself.
        if left.bytes == 0 && new > 0 && going.tie.is_none() {
            match behind(body, cx) {
                Behind::Nothing => *under_way = None,
                Behind::Unknown => {}
                Behind::Trailers(trailers) => going.trailers = Some(trailers),
                Behind::Data => return Poll::Ready(Some(Err(Box::new(wrong_length(left.announced, "longer"))))),
                Behind::Failed(error) => return Poll::Ready(Some(Err(error))),
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
    }
    // One that ends before its length is asked once more, and has to say so.
    if frame.is_none() || (body.is_end_stream() && going.left.is_none_or(|left| left.bytes == 0)) {
        *under_way = None;
    }
    Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
}

type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

/// The next frame that is not an empty piece of data. hyper asks for another at once after an empty one over HTTP/1.1, whatever
/// becomes of its task, and over HTTP/2 each is a frame on the wire, of which servers bear few.
fn filled_frame<B>(body: &mut B, cx: &mut Context<'_>) -> Polled<B>
where
    B: Body + Unpin,
{
    for _ in 0..MAX_EMPTY {
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        let is_empty = |frame: &Frame<B::Data>| frame.data_ref().is_some_and(|data| !data.has_remaining());
        // With the last of them it is over.
        if !matches!(&frame, Some(Ok(frame)) if is_empty(frame)) || body.is_end_stream() {
            return Poll::Ready(frame);
        }
    }
    // There may be no end of them: others have their turn, those that end this among them.
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// What a body has behind the length that was announced.
enum Behind {
    Nothing,
    /// It does not know yet, and is not waited for: it may wait for the response.
    Unknown,
    Trailers(HeaderMap),
    Data,
    Failed(BoxError),
}

fn behind<B>(body: &mut B, cx: &mut Context<'_>) -> Behind
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    // Of empty pieces there may be no end.
    for _ in 0..MAX_EMPTY {
        if body.is_end_stream() {
            return Behind::Nothing;
        }
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) if data.has_remaining() => return Behind::Data,
                Ok(_) => {}
                Err(frame) => return frame.into_trailers().map_or(Behind::Unknown, Behind::Trailers),
            },
            Poll::Ready(Some(Err(error))) => return Behind::Failed(error.into()),
            Poll::Ready(None) => return Behind::Nothing,
            Poll::Pending => return Behind::Unknown,
        }
    }
    Behind::Unknown
}

fn wrong_length(announced: u64, how: &str) -> Error {
    Error::new(Kind::Body, format!("the request's body is {how} than its Content-Length of {announced} bytes"))
}

impl<B> fmt::Debug for Outgoing<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("ended", &self.has_gone()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_gate_that_is_shut_may_be_asked_again() {
        let (opener, mut gate) = Gate::new(Duration::ZERO);
        drop(opener);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(gate.poll_open(&mut cx).is_pending());
        }
    }
}
