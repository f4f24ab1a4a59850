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

use super::kept::{Kept, Verdict, Work};

/// How much of a 407's own body is read, so that its connection can be used again.
const DRAIN_BYTES: usize = 16 * 1024;

/// In how many pieces, so that a body that trickles does not hold up the answer.
const DRAIN_FRAMES: usize = 64;

pin_project! {
    /// The future of [`Routed`](crate::Routed). The bound names the inner future, without a parameter for it.
    #[must_use = "futures do nothing unless polled"]
    pub struct RoutedFuture<S, B, R, Y>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        #[pin]
        state: State<S::Future, R>,
        // Boxed, since requests whose proxy does not see each of them have none.
        more: Option<Box<More<S, B, R, Y>>>,
    }
}

/// What a request needs whose response may not be the caller's.
struct More<S, B, R, Y> {
    inner: S,
    replay: Y,
    kept: Box<Kept<B>>,
    pause: Option<Pause<B, R>>,
    /// What goes out as soon as the inner service is ready.
    next: Option<Request<B>>,
}

/// What the scheme has asked for, and what is done then.
struct Pause<B, R> {
    work: Work<B>,
    then: Then<B, R>,
}

enum Then<B, R> {
    /// Send this request.
    SetOut(Request<B>),
    /// Judge this response.
    Judge(Response<R>),
}

pin_project! {
    #[project = StateProj]
    enum State<F, R> {
        /// A request is under way.
        Calling { #[pin] future: F },
        /// The scheme waits, or reads a copy of the body.
        Pausing,
        /// The response was a challenge; its body goes to waste up to its end or these limits.
        Draining { #[pin] body: R, bytes: usize, frames: usize, late: Option<Pin<Box<Sleep>>> },
        /// The next request waits for the inner service.
        Readying,
        Failed { error: Option<Error> },
        Done,
    }
}

impl<S, B, R, Y> RoutedFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    pub(super) fn calling(future: S::Future) -> Self {
        RoutedFuture { state: State::Calling { future }, more: None }
    }

    pub(super) fn failed(error: Error) -> Self {
        RoutedFuture { state: State::Failed { error: Some(error) }, more: None }
    }

    pub(super) fn listening(future: S::Future, inner: S, replay: Y, kept: Box<Kept<B>>) -> Self {
        let more = More { inner, replay, kept, pause: None, next: None };
        RoutedFuture { state: State::Calling { future }, more: Some(Box::new(more)) }
    }

    pub(super) fn pausing(inner: S, replay: Y, kept: Box<Kept<B>>, work: Work<B>, request: Request<B>) -> Self {
        let pause = Some(Pause { work, then: Then::SetOut(request) });
        let more = More { inner, replay, kept, pause, next: None };
        RoutedFuture { state: State::Pausing, more: Some(Box::new(more)) }
    }
}

impl<S, B, R, Y> Future for RoutedFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    B::Error: Into<BoxError>,
    R: Body,
    Y: Replay<B>,
{
    type Output = Result<Response<R>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Nearly every request: nothing listens, and the response is not moved about.
        if let (None, StateProj::Calling { future }) = (&this.more, this.state.as_mut().project()) {
            return future.poll(cx).map_err(Error::from_boxed);
        }
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Calling { future } => {
                    let outcome = ready!(future.poll(cx)).map_err(Error::from_boxed);
                    match this.more.as_deref_mut() {
                        Some(more) => outcome.and_then(|response| more.judge(response)),
                        None => outcome.map(Next::Return),
                    }
                }
                StateProj::Pausing => {
                    let Some(more) = this.more.as_deref_mut() else { unreachable!("only what was kept waits") };
                    ready!(more.poll_pause(cx))
                }
                StateProj::Draining { body, bytes, frames, late } => {
                    let Some(more) = this.more.as_deref() else {
                        unreachable!("a challenge is answered by what was kept")
                    };
                    ready!(poll_drain(body, bytes, frames, late, more.kept.drain_timeout(), cx));
                    Ok(Next::Ready)
                }
                StateProj::Readying => {
                    let Some(more) = this.more.as_deref_mut() else { unreachable!("only what was kept is sent again") };
                    match ready!(more.inner.poll_ready(cx)).map_err(Error::from_boxed) {
                        Ok(()) => {
                            let Some(request) = more.next.take() else { unreachable!("a request waits for this") };
                            let future = more.inner.call(request);
                            this.state.set(State::Calling { future });
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
                StateProj::Failed { error } => match error.take() {
                    Some(error) => Err(error),
                    None => unreachable!("failed once"),
                },
                // As of every future: polled after it was done, there is no answer to give.
                StateProj::Done => panic!("RoutedFuture polled after completion"),
            };
            match next {
                Ok(Next::Return(response)) => {
                    this.state.set(State::Done);
                    return Poll::Ready(Ok(response));
                }
                Ok(Next::Pause) => this.state.set(State::Pausing),
                Ok(Next::Drain(body)) => this.state.set(drain(body)),
                Ok(Next::Ready) => this.state.set(State::Readying),
                Err(error) => {
                    this.state.set(State::Done);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

/// What follows a state.
enum Next<R> {
    Return(Response<R>),
    Pause,
    Drain(R),
    Ready,
}

impl<S, B, R, Y> More<S, B, R, Y>
where
    B: Body + Default,
    B::Error: Into<BoxError>,
    Y: Replay<B>,
{
    fn judge(&mut self, response: Response<R>) -> Result<Next<R>, Error> {
        Ok(match self.kept.judge(&self.replay, &response)? {
            Verdict::Return => Next::Return(response),
            Verdict::Again(headers) => {
                self.next = Some(self.kept.request(headers));
                Next::Drain(response.into_body())
            }
            Verdict::Pause(work) => {
                self.pause = Some(Pause { work, then: Then::Judge(response) });
                Next::Pause
            }
        })
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next<R>, Error>> {
        let Some(pause) = &mut self.pause else { unreachable!("a scheme has asked for this") };
        match &mut pause.work {
            Work::Wait(waiting) => ready!(waiting.as_mut().poll(cx)).map_err(|error| self.kept.unusable(error))?,
            Work::Read(hashing) => {
                let hash = ready!(Pin::new(hashing).poll(cx))?;
                self.kept.set_hash(hash);
            }
        }
        let Some(Pause { then, .. }) = self.pause.take() else { unreachable!("it is there") };
        Poll::Ready(match then {
            Then::SetOut(mut request) => self.kept.set_out(&self.replay, &mut request).map(|work| match work {
                Some(work) => {
                    self.pause = Some(Pause { work, then: Then::SetOut(request) });
                    Next::Pause
                }
                None => {
                    self.next = Some(request);
                    Next::Ready
                }
            }),
            Then::Judge(response) => self.judge(response),
        })
    }
}

fn drain<F, R: Body>(body: R) -> State<F, R> {
    let large = body.size_hint().lower() > DRAIN_BYTES as u64;
    if large || body.is_end_stream() {
        return State::Readying;
    }
    State::Draining { body, bytes: DRAIN_BYTES, frames: DRAIN_FRAMES, late: None }
}

fn poll_drain<R: Body>(
    mut body: Pin<&mut R>,
    bytes: &mut usize,
    frames: &mut usize,
    late: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    cx: &mut Context<'_>,
) -> Poll<()> {
    while *bytes > 0 && *frames > 0 && !body.is_end_stream() {
        // Whatever ends the body, an error too: the challenge is known.
        let piece = match body.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Buf::remaining),
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
            Poll::Pending => return poll_late(late, limit, cx),
        };
        *bytes = bytes.saturating_sub(piece);
        *frames -= 1;
    }
    Poll::Ready(())
}

/// Ready after `limit`; never outside of a tokio runtime, which has the clock.
fn poll_late(late: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
    if late.is_none() {
        *late = Handle::try_current().ok().map(|_| Box::pin(sleep(limit)));
    }
    late.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
}

impl<S, B, R, Y> fmt::Debug for RoutedFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutedFuture").finish_non_exhaustive()
    }
}
