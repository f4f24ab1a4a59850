use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::{BoxError, Error, Phase};

use crate::Elapsed;
use crate::deadline::Countdown;
use crate::limit::Shared;
use crate::timer::Timer;

pin_project! {
    /// A body whose every piece must come within a limit. After the error it has ended, and what it stood on is given up.
    pub struct TimeoutBody<B> {
        #[pin]
        body: Option<B>,
        timer: Timer,
    }
}

impl<B> TimeoutBody<B> {
    pub(crate) fn new(body: B, timer: Timer) -> TimeoutBody<B> {
        TimeoutBody { body: Some(body), timer }
    }

    /// Returns a reference to the body below; `None` once it took too long. It is dropped then, so that its connection can
    /// be closed.
    pub fn get_ref(&self) -> Option<&B> {
        self.body.as_ref()
    }

    /// Returns a mutable reference to the body below; `None` once it took too long.
    pub fn get_mut(&mut self) -> Option<&mut B> {
        self.body.as_mut()
    }

    /// Returns the body below by value, without a limit; `None` once it took too long.
    pub fn into_inner(self) -> Option<B> {
        self.body
    }
}

impl<B: Default> Default for TimeoutBody<B> {
    /// The default body, without a limit.
    fn default() -> TimeoutBody<B> {
        TimeoutBody::new(B::default(), Timer::new(Shared::unlimited()))
    }
}

impl<B> Body for TimeoutBody<B>
where
    B: Body,
    B::Error: Into<BoxError> + 'static,
{
    type Data = B::Data;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = body.poll_frame(cx) {
            match &frame {
                Some(Ok(_)) => this.timer.progress(),
                Some(Err(_)) | None => this.timer.stop(),
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from_boxed)));
        }
        let Some(limit) = this.timer.limits().read else { return Poll::Pending };
        this.timer.poll(cx, limit).map(|outcome| {
            this.body.set(None);
            Some(Err(outcome.err().unwrap_or_else(|| Elapsed::error(Phase::Read, limit))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for TimeoutBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutBody").field("timer", &self.timer).finish_non_exhaustive()
    }
}

pin_project! {
    /// A body that must be over before a deadline. After the error it has ended, and what it stood on is given up.
    pub struct DeadlineBody<B> {
        #[pin]
        body: Option<B>,
        countdown: Option<Box<Countdown>>,
    }
}

impl<B> DeadlineBody<B> {
    pub(crate) fn new(body: B, countdown: Option<Box<Countdown>>) -> DeadlineBody<B> {
        DeadlineBody { body: Some(body), countdown }
    }

    /// Returns a reference to the body below; `None` once it took too long. It is dropped then, so that its connection can
    /// be closed.
    pub fn get_ref(&self) -> Option<&B> {
        self.body.as_ref()
    }

    /// Returns a mutable reference to the body below; `None` once it took too long.
    pub fn get_mut(&mut self) -> Option<&mut B> {
        self.body.as_mut()
    }

    /// Returns the body below by value, without a limit; `None` once it took too long.
    pub fn into_inner(self) -> Option<B> {
        self.body
    }
}

impl<B: Default> Default for DeadlineBody<B> {
    /// The default body, without a limit.
    fn default() -> DeadlineBody<B> {
        DeadlineBody::new(B::default(), None)
    }
}

impl<B> Body for DeadlineBody<B>
where
    B: Body,
    B::Error: Into<BoxError> + 'static,
{
    type Data = B::Data;
    type Error = Error;

    // perf: 70 instructions per request.
    #[inline(always)]
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        // A body that always has something ready must not get past its deadline.
        let is_late = |countdown: &&mut Countdown| {
            countdown.is_over() && !body.is_end_stream() && body.size_hint().exact() != Some(0)
        };
        if let Some(countdown) = this.countdown.as_deref_mut().filter(is_late) {
            let error = countdown.error();
            this.body.set(None);
            return Poll::Ready(Some(Err(error)));
        }
        if let Poll::Ready(frame) = body.poll_frame(cx) {
            if this.countdown.is_some() {
                let is_over = this.body.as_ref().get_ref().as_ref().is_none_or(Body::is_end_stream);
                // With the last frame it has kept the deadline, whenever its end is asked for.
                if is_over || !matches!(frame, Some(Ok(_))) {
                    *this.countdown = None;
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from_boxed)));
        }
        let Some(countdown) = this.countdown else { return Poll::Pending };
        countdown.poll(cx).map(|error| {
            this.body.set(None);
            Some(Err(error))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for DeadlineBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineBody").field("countdown", &self.countdown).finish_non_exhaustive()
    }
}
