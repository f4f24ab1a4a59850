//! What makes a limit of a minute nearly free: a request that is over within a tick never has a timer of its own.
//!
//! Setting up a timer of the runtime and taking it down again costs more than a pool's whole checkout. So whoever waits
//! leaves a waker here; one task per runtime rings all of them every [`TICK`], and only who is rung, and still waits, sets
//! up a timer, for the instant at which its limit ends. The task ends itself after a tick in which nobody waited.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::runtime::Id;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use treq_core::Error;

use crate::clock;

/// Limits shorter than a few of these have a timer from the start.
pub(crate) const TICK: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(crate) struct Ticker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: Vec<Option<Slot>>,
    free: Vec<Place>,
    /// The runtimes whose task runs. Nearly always one.
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    runtime: Id,
    /// `None` while it is being spawned.
    task: Option<AbortHandle>,
    /// Somebody waited since the last tick.
    busy: bool,
}

#[derive(Debug)]
struct Slot {
    since: Instant,
    runtime: Id,
    /// `None`: rung.
    waker: Option<Waker>,
}

/// Where somebody waits.
pub(crate) type Place = u32;

impl Ticker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a tick from now on. An error outside of a runtime.
    pub(crate) fn enter(self: &Arc<Ticker>, waker: &Waker) -> Result<Place, Error> {
        let handle = clock::runtime()?;
        let runtime = handle.id();
        let slot = Some(Slot { since: Instant::now(), runtime, waker: Some(waker.clone()) });
        let mut state = self.state();
        let place = match state.free.pop() {
            Some(place) => {
                state.slots[place as usize] = slot;
                place
            }
            None => {
                state.slots.push(slot);
                // More than four thousand million requests at once do not fit into memory.
                (state.slots.len() - 1) as Place
            }
        };
        if let Some(running) = state.running.iter_mut().find(|running| running.runtime == runtime) {
            running.busy = true;
            return Ok(place);
        }
        state.running.push(Running { runtime, task: None, busy: true });
        drop(state);
        // A runtime that shuts down drops the task at once, and that takes the lock.
        let ticking = Ticking { ticker: Arc::downgrade(self), runtime };
        let task = handle.spawn(ticking.run()).abort_handle();
        if let Some(running) = self.state().running.iter_mut().find(|running| running.runtime == runtime) {
            running.task = Some(task);
        }
        Ok(place)
    }

    /// The start of the wait in this place, and the runtime whose tick it waits for.
    pub(crate) fn since(&self, place: Place) -> Option<(Instant, Id)> {
        self.state().slots[place as usize].as_ref().map(|slot| (slot.since, slot.runtime))
    }

    /// Whether it has been rung: then the place is free again, and this is since when it was taken. Else the next tick
    /// wakes `waker`, and with `progress` the waiting begins anew.
    pub(crate) fn ask(&self, place: Place, waker: &Waker, progress: bool) -> Option<Instant> {
        let mut state = self.state();
        let slot = state.slots[place as usize].as_mut()?;
        if progress {
            slot.since = Instant::now();
        }
        match &mut slot.waker {
            Some(old) => {
                old.clone_from(waker);
                None
            }
            None => {
                let since = slot.since;
                state.leave(place);
                Some(since)
            }
        }
    }

    /// No longer waits.
    pub(crate) fn leave(&self, place: Place) {
        self.state().leave(place);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.running.iter().filter_map(|running| running.task.as_ref()).for_each(AbortHandle::abort);
    }
}

impl State {
    fn leave(&mut self, place: Place) {
        self.slots[place as usize] = None;
        self.free.push(place);
    }

    /// The wakers of all who wait on a runtime.
    fn ring(&mut self, runtime: Id) -> Vec<Waker> {
        let waiting = self.slots.iter_mut().flatten().filter(|slot| slot.runtime == runtime);
        waiting.filter_map(|slot| slot.waker.take()).collect()
    }
}

/// The task of one runtime. However it ends, also with its runtime, nobody is left without one.
struct Ticking {
    ticker: Weak<Ticker>,
    runtime: Id,
}

impl Ticking {
    async fn run(self) {
        loop {
            tokio::time::sleep(TICK).await;
            let Some(ticker) = self.ticker.upgrade() else { return };
            let mut state = ticker.state();
            let rung = state.ring(self.runtime);
            let Some(running) = state.running.iter_mut().find(|running| running.runtime == self.runtime) else {
                return;
            };
            let busy = std::mem::take(&mut running.busy) || !rung.is_empty();
            if !busy {
                return;
            }
            drop(state);
            rung.into_iter().for_each(Waker::wake);
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        let Some(ticker) = self.ticker.upgrade() else { return };
        let mut state = ticker.state();
        state.running.retain(|running| running.runtime != self.runtime);
        let rung = state.ring(self.runtime);
        drop(state);
        rung.into_iter().for_each(Waker::wake);
    }
}
