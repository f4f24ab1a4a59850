use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};
use tower_service::Service;
use treq_core::{BoxError, Error, Replay};

use crate::chain::{Chain, Content, is_redirect};

/// How much of a redirect's own body is read, so that its connection can be used again.
const DRAIN_BYTES: usize = 16 * 1024;

/// In how many pieces, so that a body that trickles does not hold up the next hop.
const DRAIN_FRAMES: usize = 64;

/// What is needed to send a request again; boxed, since most futures never look at it and each move would copy it.
pub(crate) struct Kept<B> {
    pub(crate) chain: Chain,
    /// A copy of the body, as long as the content is [`Content::Again`].
    pub(crate) body: Option<B>,
}

pin_project! {
    /// The future of [`Redirect`](crate::Redirect). The bound names the inner future, without a parameter for it.
    #[must_use = "futures do nothing unless polled"]
    pub struct RedirectFuture<S, B, R, Y>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        #[pin]
        state: State<S::Future, R>,
        inner: S,
        replay: Y,
        kept: Option<Box<Kept<B>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, R> {
        /// A request is under way.
        Calling { #[pin] future: F },
        /// Its answer was a redirect; the body goes to waste up to its end or these limits.
        Draining { #[pin] body: R, bytes: usize, frames: usize, late: Option<Pin<Box<Sleep>>> },
        /// The next request waits for the inner service.
        Readying,
        Done,
    }
}

impl<S, B, R, Y> RedirectFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    pub(crate) fn new(future: S::Future, inner: S, replay: Y, kept: Option<Box<Kept<B>>>) -> Self {
        RedirectFuture { state: State::Calling { future }, inner, replay, kept }
    }
}

impl<S, B, R, Y> Future for RedirectFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    R: Body,
    Y: Replay<B>,
{
    type Output = Result<Response<R>, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if let StateProj::Calling { future } = this.state.project() {
            let answer = future.poll(cx);
            // What nearly all answers are, and not moved about.
            if let Poll::Ready(Ok(response)) = &answer {
                if !response.status().is_redirection() && this.kept.as_deref().is_none_or(|kept| kept.chain.is_new()) {
                    return answer.map_err(Error::from_boxed);
                }
            }
            if let Some(last) = self.as_mut().answered(ready!(answer).map_err(Error::from_boxed)) {
                return Poll::Ready(last);
            }
        }
        self.follow(cx)
    }
}

impl<S, B, R, Y> RedirectFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    R: Body,
    Y: Replay<B>,
{
    /// The outcome of the whole call, unless this response to the current request is a redirect.
    #[cold]
    fn answered(self: Pin<&mut Self>, outcome: Result<Response<R>, Error>) -> Option<Result<Response<R>, Error>> {
        let mut this = self.project();
        let (state, last) = match outcome.and_then(|response| judge(this.kept.as_deref_mut(), response)) {
            Ok(Judged::Redirect(body)) => (drain(body), None),
            Ok(Judged::Final(response)) => (State::Done, Some(Ok(response))),
            Err(error) => (State::Done, Some(Err(error))),
        };
        this.state.set(state);
        last
    }

    #[cold]
    fn follow(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Response<R>, Error>> {
        loop {
            let mut this = self.as_mut().project();
            match this.state.as_mut().project() {
                StateProj::Calling { future } => {
                    let outcome = ready!(future.poll(cx)).map_err(Error::from_boxed);
                    if let Some(last) = self.as_mut().answered(outcome) {
                        return Poll::Ready(last);
                    }
                }
                StateProj::Draining { mut body, bytes, frames, late } => {
                    // Whatever ends the body, an error too: the redirect is known.
                    let piece = match body.as_mut().poll_frame(cx) {
                        Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Buf::remaining),
                        Poll::Ready(Some(Err(_)) | None) => DRAIN_BYTES,
                        Poll::Pending => {
                            // Without what was kept, `judge` calls every response final.
                            if let Some(kept) = this.kept.as_deref() {
                                ready!(poll_late(late, kept.chain.drain_timeout(), cx));
                            }
                            DRAIN_BYTES
                        }
                    };
                    *bytes = bytes.saturating_sub(piece);
                    *frames -= 1;
                    if *bytes == 0 || *frames == 0 || body.is_end_stream() {
                        this.state.set(State::Readying);
                    }
                }
                StateProj::Readying => {
                    let ready = ready!(this.inner.poll_ready(cx)).map_err(Error::from_boxed);
                    match (ready, this.kept.as_deref_mut()) {
                        (Ok(()), Some(kept)) => {
                            let request = kept.request(this.replay);
                            let future = this.inner.call(request);
                            this.state.set(State::Calling { future });
                        }
                        (Err(error), _) => {
                            this.state.set(State::Done);
                            return Poll::Ready(Err(error));
                        }
                        // Without what was kept, `judge` calls every response final.
                        (Ok(()), None) => this.state.set(State::Done),
                    }
                }
                // As of every future: polled after it was done, there is no answer to give.
                StateProj::Done => panic!("RedirectFuture polled after completion"),
            }
        }
    }
}

enum Judged<R> {
    Final(Response<R>),
    /// To be followed; what is left is the body.
    Redirect(R),
}

fn judge<B, R>(kept: Option<&mut Kept<B>>, response: Response<R>) -> Result<Judged<R>, Error> {
    let Some(kept) = kept else { return Ok(Judged::Final(response)) };
    let mut response = response;
    let next = match is_redirect(response.status()) {
        true => kept.chain.decide(response.status(), response.headers()),
        false => Ok(None),
    };
    match next {
        Ok(None) => {
            kept.chain.finish(response.extensions_mut());
            Ok(Judged::Final(response))
        }
        Ok(Some(next)) => {
            let (parts, body) = response.into_parts();
            kept.chain.advance(next, parts);
            Ok(Judged::Redirect(body))
        }
        Err(refusal) => Err(kept.chain.fail(refusal, response.into_parts().0)),
    }
}

fn drain<F, R: Body>(body: R) -> State<F, R> {
    let large = body.size_hint().lower() > DRAIN_BYTES as u64;
    if large || body.is_end_stream() {
        return State::Readying;
    }
    State::Draining { body, bytes: DRAIN_BYTES, frames: DRAIN_FRAMES, late: None }
}

/// Ready after `limit`; never outside of a tokio runtime, which has the clock.
fn poll_late(late: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
    if late.is_none() {
        *late = Handle::try_current().ok().map(|_| Box::pin(sleep(limit)));
    }
    late.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
}

impl<B: Default> Kept<B> {
    /// The next request, with a further copy of its body kept for the one after.
    fn request(&mut self, replay: &impl Replay<B>) -> Request<B> {
        let body = match self.chain.content() {
            Content::Again => self.body.take(),
            Content::Empty | Content::Once => None,
        };
        match &body {
            Some(body) => {
                self.body = replay.copy(body);
                if self.body.is_none() {
                    self.chain.sent_last_copy();
                }
            }
            None => self.body = None,
        }
        self.chain.request(body.unwrap_or_default())
    }
}

impl<S, B, R, Y> fmt::Debug for RedirectFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectFuture").finish_non_exhaustive()
    }
}
