use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// The tasks of one server, ended together. Also where hyper runs the streams of HTTP/2.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    running: JoinSet<()>,
    over: bool,
}

impl Tasks {
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.over {
            while inner.running.try_join_next().is_some() {}
            inner.running.spawn(future);
        }
    }

    /// Ends everything, for good.
    pub(crate) fn end(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.over = true;
        inner.running.abort_all();
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}
