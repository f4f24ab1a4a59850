use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

/// The tasks of one server, ended together.
///
/// Clones speak of the same tasks; only the server's own handle calls [`end`](Tasks::end), since the tasks hold clones
/// themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    running: JoinSet<()>,
    /// Once set, nothing is started any more: a task that is being ended may still ask for another.
    over: bool,
}

impl Tasks {
    /// Starts `future` on the runtime of the caller.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut inner = lock(&self.0);
        if inner.over {
            return;
        }
        while inner.running.try_join_next().is_some() {}
        inner.running.spawn(future);
    }

    /// Ends what runs now; more may be started.
    pub(crate) fn abort_all(&self) {
        lock(&self.0).running.abort_all();
    }

    /// Whether the server has ended.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.0).over
    }

    /// Ends everything, for good.
    pub(crate) fn end(&self) {
        let mut inner = lock(&self.0);
        inner.over = true;
        inner.running.abort_all();
    }
}

/// HTTP/2 runs each stream in a task of its own: it must end with the server too.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}

/// The lock, also after a panic elsewhere: the states kept behind our locks are whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
