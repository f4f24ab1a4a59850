use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use treq_core::{Connection, Error, Target};

use crate::Limits;
use crate::lease::Lease;
use crate::state::{Effects, Grant, State};

/// The channel to a waiter. It carries the lease itself, which passes on by its drop if the waiter has gone, or the error of
/// the attempt that it waited for.
pub(crate) type Reach<C> = oneshot::Sender<Result<Lease<C>, Arc<Error>>>;

/// The state behind its lock, and the task that closes what has been idle too long.
pub(crate) struct Shared<C: Connection> {
    state: Mutex<State<C, Reach<C>>>,
    pub(crate) limits: Limits,
    /// Read with each request, without the lock.
    closed: AtomicBool,
    reaper: Mutex<Option<AbortHandle>>,
    wake: Arc<Notify>,
}

impl<C: Connection> Shared<C> {
    pub(crate) fn new(limits: Limits) -> Shared<C> {
        let state = Mutex::new(State::new(limits.clone()));
        Shared {
            state,
            limits,
            closed: AtomicBool::new(false),
            reaper: Mutex::new(None),
            wake: Arc::new(Notify::new()),
        }
    }

    /// Returns true if connections are kept after an exchange.
    pub(crate) fn keeps(&self) -> bool {
        self.limits.keeps() && !self.closed.load(Ordering::Relaxed)
    }

    /// Stops keeping connections.
    pub(crate) fn shut(self: &Arc<Self>) {
        self.closed.store(true, Ordering::Relaxed);
        self.change(|state, effects| state.shut(effects));
    }

    /// The newest idle connection for `target`, where there is a good one and nobody waits.
    #[inline(always)]
    pub(crate) fn take_newest(self: &Arc<Self>, target: &Target) -> Option<Lease<C>> {
        let grant = lock(&self.state).take_newest(target, Instant::now())?;
        Some(Lease::new(self, grant))
    }

    /// Changes the state, then carries out what follows with the lock released: handing over may drop a lease, and
    /// dropping a lease changes the state.
    pub(crate) fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State<C, Reach<C>>, &mut Effects<C, Reach<C>>) -> T,
    ) -> T {
        let mut effects = Effects::default();
        let result = change(&mut lock(&self.state), &mut effects);
        // Closed before their places are given away, so that no cap is ever exceeded.
        drop(effects.dead);
        if !effects.grants.is_empty() || !effects.failed.is_empty() {
            self.hand_over(effects.grants, effects.failed);
        }
        if effects.wake {
            self.wake.notify_one();
        }
        result
    }

    #[cold]
    fn hand_over(self: &Arc<Self>, grants: Vec<(Reach<C>, Grant<C>)>, failed: Vec<(Reach<C>, Arc<Error>)>) {
        for (waiter, grant) in grants {
            // An error gives the lease back, and its drop passes it on.
            let _ = waiter.send(Ok(Lease::new(self, grant)));
        }
        for (waiter, error) in failed {
            let _ = waiter.send(Err(error));
        }
    }

    /// Starts the task that closes idle connections, unless it runs. To be called on the runtime that makes one.
    pub(crate) fn watch_idle(self: &Arc<Self>) {
        let mut reaper = lock(&self.reaper);
        if reaper.as_ref().is_none_or(AbortHandle::is_finished) {
            let task = tokio::spawn(reap(Arc::downgrade(self), Arc::clone(&self.wake)));
            *reaper = Some(task.abort_handle());
        }
    }
}

async fn reap<C: Connection>(pool: Weak<Shared<C>>, wake: Arc<Notify>) {
    loop {
        let due = match pool.upgrade() {
            Some(pool) => pool.change(|state, effects| state.sweep(Instant::now(), effects)),
            None => return,
        };
        match due {
            Some(due) => {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = wake.notified() => {}
                }
            }
            None => wake.notified().await,
        }
    }
}

impl<C: Connection> Drop for Shared<C> {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.reaper).take() {
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under the locks panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
