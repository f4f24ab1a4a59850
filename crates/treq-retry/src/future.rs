use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;
use treq_core::{BoxError, Error, Replay};

use crate::SlowAttempt;
use crate::drain::Drain;
use crate::kept::Kept;

pin_project! {
    /// The future of [`Retry`](crate::Retry). The bound names the inner future, without a parameter for it.
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryFuture<S, B, R, Y>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        #[pin]
        state: State<S::Future, R>,
        limit: Option<Duration>,
        // What is timed at the moment: an attempt or the wait for one.
        timer: Option<Pin<Box<Sleep>>>,
        // Boxed, since requests that are sent once have none.
        more: Option<Box<More<S, B, Y>>>,
    }
}

/// What a request needs that may be sent again.
struct More<S, B, Y> {
    inner: S,
    kept: Kept<B, Y>,
}

pin_project! {
    #[project = StateProj]
    enum State<F, R> {
        /// An attempt is under way.
        Calling { #[pin] future: F },
        /// It is to be followed by another; the body of its response goes to waste.
        Draining { #[pin] body: R, drain: Drain },
        /// The next attempt waits for its time.
        Waiting,
        /// And for the inner service.
        Readying,
        Failed { error: Option<Error> },
        Done,
    }
}

impl<S, B, R, Y> RetryFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    pub(crate) fn new(future: S::Future, limit: Option<Duration>, more: Option<(S, Kept<B, Y>)>) -> Self {
        let more = more.map(|(inner, kept)| Box::new(More { inner, kept }));
        RetryFuture { state: State::Calling { future }, limit, timer: None, more }
    }

    pub(crate) fn failed(error: Error) -> Self {
        RetryFuture { state: State::Failed { error: Some(error) }, limit: None, timer: None, more: None }
    }
}

impl<S, B, R, Y> Future for RetryFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    R: Body,
    Y: Replay<B>,
{
    type Output = Result<Response<R>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Calling { future } => {
                    let answer = future.poll(cx);
                    // Nearly every request: sent once, and its response is not moved about.
                    if this.more.is_none() && (answer.is_ready() || this.limit.is_none()) {
                        return answer.map_err(Error::from_boxed);
                    }
                    let outcome = match (answer, *this.limit) {
                        (Poll::Ready(outcome), _) => outcome.map_err(Error::from_boxed),
                        (Poll::Pending, None) => return Poll::Pending,
                        (Poll::Pending, Some(limit)) => {
                            // The first look at an attempt follows its call at once.
                            ready!(this.timer.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx));
                            Err(SlowAttempt::error(limit))
                        }
                    };
                    *this.timer = None;
                    let Some(more) = this.more.as_deref_mut() else {
                        this.state.set(State::Done);
                        return Poll::Ready(outcome);
                    };
                    let Some(wait) = more.kept.judge(outcome.as_ref(), || Instant::now().into_std()) else {
                        this.state.set(State::Done);
                        return Poll::Ready(more.end(outcome));
                    };
                    if !wait.is_zero() {
                        *this.timer = Some(Box::pin(sleep(wait)));
                    }
                    // Whatever comes next, the attempt and all it held are over.
                    this.state.set(outcome.map_or(State::Waiting, |response| drain(response.into_body())));
                }
                StateProj::Draining { body, drain } => {
                    if let Some(more) = this.more.as_deref() {
                        ready!(drain.poll(body, more.kept.drain_timeout(), cx));
                    }
                    this.state.set(State::Waiting);
                }
                StateProj::Waiting => {
                    if let Some(timer) = this.timer {
                        ready!(timer.as_mut().poll(cx));
                    }
                    *this.timer = None;
                    this.state.set(State::Readying);
                }
                StateProj::Readying => {
                    let Some(more) = this.more.as_deref_mut() else { unreachable!("only what was kept is sent again") };
                    match ready!(more.inner.poll_ready(cx)).map_err(Error::from_boxed) {
                        Ok(()) => {
                            let request = more.kept.request();
                            let future = more.inner.call(request);
                            this.state.set(State::Calling { future });
                        }
                        Err(error) => {
                            this.state.set(State::Done);
                            return Poll::Ready(more.end(Err(error)));
                        }
                    }
                }
                StateProj::Failed { error } => {
                    let Some(error) = error.take() else { unreachable!("failed once") };
                    this.state.set(State::Done);
                    return Poll::Ready(Err(error));
                }
                // As of every future: polled after it was done, there is no answer to give.
                StateProj::Done => panic!("RetryFuture polled after completion"),
            }
        }
    }
}

impl<S, B, Y> More<S, B, Y> {
    fn end<R>(&mut self, outcome: Result<Response<R>, Error>) -> Result<Response<R>, Error> {
        match outcome {
            Ok(mut response) => {
                self.kept.answer(&mut response);
                Ok(response)
            }
            Err(error) => Err(self.kept.fail(error)),
        }
    }
}

fn drain<F, R: Body>(body: R) -> State<F, R> {
    match Drain::of(&body) {
        Some(drain) => State::Draining { body, drain },
        None => State::Waiting,
    }
}

impl<S, B, R, Y> fmt::Debug for RetryFuture<S, B, R, Y>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture").finish_non_exhaustive()
    }
}
