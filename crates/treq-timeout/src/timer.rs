use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Id;
use tokio::time::{Instant, Sleep};
use treq_core::Error;

use crate::clock;
use crate::limit::{Limits, Shared};
use crate::ticker::{Place, TICK};

/// From here on a limit is worth waiting for a tick before a timer is set up.
const LONG: Duration = TICK.saturating_mul(5);

/// For how long nothing has happened.
pub(crate) struct Timer {
    /// The service's, or the request's own.
    shared: Arc<Shared>,
    state: State,
}

/// `moved`: something has happened since the last look.
enum State {
    Idle,
    Ticking { moved: bool, place: Place },
    Armed { moved: bool, sleep: Pin<Box<Sleep>>, runtime: Id },
}

impl Timer {
    pub(crate) fn new(shared: Arc<Shared>) -> Timer {
        Timer { shared, state: State::Idle }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// This timer for what comes next: the head has come, so the waiting begins anew.
    pub(crate) fn take(&mut self) -> Timer {
        let state = std::mem::replace(&mut self.state, State::Idle);
        let mut timer = Timer { shared: Arc::clone(&self.shared), state };
        timer.progress();
        timer
    }

    /// Something has happened: the waiting begins anew at the next look.
    pub(crate) fn progress(&mut self) {
        match &mut self.state {
            State::Idle => {}
            State::Ticking { moved, .. } | State::Armed { moved, .. } => *moved = true,
        }
    }

    /// Ready once nothing has happened for `limit`; the first look begins the waiting. An error outside of a runtime.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<Result<(), Error>> {
        self.follow(limit)?;
        match &mut self.state {
            State::Idle if limit >= LONG => {
                self.state = State::Ticking { moved: false, place: self.shared.ticker.enter(cx.waker())? };
                return Poll::Pending;
            }
            State::Idle => self.arm(Instant::now().checked_add(limit))?,
            State::Ticking { moved, place } => {
                let rung = self.shared.ticker.ask(*place, cx.waker(), std::mem::take(moved));
                let Some(since) = rung else { return Poll::Pending };
                self.state = State::Idle;
                self.arm(since.checked_add(limit))?;
            }
            State::Armed { moved: true, .. } => self.arm(Instant::now().checked_add(limit))?,
            State::Armed { moved: false, .. } => {}
        }
        match &mut self.state {
            State::Armed { sleep, .. } => sleep.as_mut().poll(cx).map(Ok),
            // An end that no clock reaches.
            State::Idle | State::Ticking { .. } => Poll::Pending,
        }
    }

    /// Moves the wait to the clock of the runtime that polls now, if another one polled last: that one may never run again.
    fn follow(&mut self, limit: Duration) -> Result<(), Error> {
        if matches!(self.state, State::Idle) {
            return Ok(());
        }
        let now = clock::runtime()?.id();
        let (end, moved) = match &self.state {
            State::Ticking { moved, place } => match self.shared.ticker.since(*place) {
                Some((since, runtime)) if runtime != now => (since.checked_add(limit), *moved),
                _ => return Ok(()),
            },
            State::Armed { moved, sleep, runtime } if *runtime != now => (Some(sleep.deadline()), *moved),
            State::Armed { .. } | State::Idle => return Ok(()),
        };
        self.stop();
        self.arm(end)?;
        if moved {
            self.progress();
        }
        Ok(())
    }

    /// The waiting ends at this instant, never for `None`. An error outside of a runtime.
    pub(crate) fn arm(&mut self, end: Option<Instant>) -> Result<(), Error> {
        match (&mut self.state, end) {
            (State::Armed { moved, sleep, .. }, Some(end)) => {
                *moved = false;
                sleep.as_mut().reset(end);
            }
            (_, Some(end)) => {
                let runtime = clock::runtime()?.id();
                self.state = State::Armed { moved: false, sleep: clock::sleep(end)?, runtime };
            }
            (_, None) => self.state = State::Idle,
        }
        Ok(())
    }

    /// Nothing more is waited for.
    #[inline]
    pub(crate) fn stop(&mut self) {
        if let State::Ticking { place, .. } = self.state {
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
