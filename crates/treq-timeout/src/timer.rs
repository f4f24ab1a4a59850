use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limit::{Limits, Shared};
use crate::ticker::{Place, TICK};

/// From here on a limit is worth waiting for a tick before a timer is set up.
const LONG: Duration = TICK.saturating_mul(5);

/// For how long nothing has happened.
pub(crate) struct Timer {
    shared: Arc<Shared>,
    /// The request's own.
    own: Option<Box<Limits>>,
    state: State,
    /// Something has happened since the last look.
    progress: bool,
}

enum State {
    Idle,
    Ticking(Place),
    Armed(Pin<Box<Sleep>>),
}

impl Timer {
    pub(crate) fn new(shared: &Arc<Shared>, own: Option<Box<Limits>>) -> Timer {
        Timer { shared: Arc::clone(shared), own, state: State::Idle, progress: false }
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.own.as_deref().unwrap_or(&self.shared.limits)
    }

    /// This timer for what comes next: the head has come, so the waiting begins anew.
    pub(crate) fn take(&mut self) -> Timer {
        let state = std::mem::replace(&mut self.state, State::Idle);
        Timer { shared: Arc::clone(&self.shared), own: self.own.take(), state, progress: true }
    }

    /// Something has happened: the waiting begins anew at the next look.
    pub(crate) fn progress(&mut self) {
        self.progress = true;
    }

    /// Ready once nothing has happened for `limit`; the first look begins the waiting.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let progress = std::mem::take(&mut self.progress);
        if let State::Ticking(place) = self.state {
            let Some(since) = self.shared.ticker.ask(place, cx.waker(), progress) else { return Poll::Pending };
            self.state = State::Idle;
            self.arm(since.checked_add(limit));
        } else if let (State::Idle, true) = (&self.state, limit >= LONG) {
            self.state = State::Ticking(self.shared.ticker.enter(cx.waker()));
            return Poll::Pending;
        } else if progress || matches!(self.state, State::Idle) {
            self.arm(Instant::now().checked_add(limit));
        }
        match &mut self.state {
            State::Armed(sleep) => sleep.as_mut().poll(cx),
            // An end that no clock reaches.
            State::Idle | State::Ticking(_) => Poll::Pending,
        }
    }

    /// The waiting ends at this instant, never for `None`.
    pub(crate) fn arm(&mut self, end: Option<Instant>) {
        match (&mut self.state, end) {
            (State::Armed(sleep), Some(end)) => sleep.as_mut().reset(end),
            (_, Some(end)) => self.state = State::Armed(Box::pin(sleep_until(end))),
            (_, None) => self.state = State::Idle,
        }
    }

    /// Nothing more is waited for.
    #[inline]
    pub(crate) fn stop(&mut self) {
        if let State::Ticking(place) = self.state {
            self.shared.ticker.leave(place);
        }
        self.state = State::Idle;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("limits", self.limits()).finish_non_exhaustive()
    }
}
