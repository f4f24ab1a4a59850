//! The tasks of an HTTP/2 connection: they report changes of the peer's settings, and end with its last handle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use treq_core::ConnectionFacts;

use crate::shared::Shared;

/// How long a connection that nobody holds has for its last words. A peer that does not read would have them wait for ever.
const LIMIT: Duration = Duration::from_secs(10);

/// Spawns the tasks of one connection.
#[derive(Clone)]
pub(crate) struct Tasks(
    /// Its handles and the bodies that come over it hold these.
    pub(crate) Weak<ConnectionFacts>,
    pub(crate) Weak<Shared>,
);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        tokio::spawn(Goodbye { task, held: Weak::clone(&self.0), shared: Weak::clone(&self.1), limit: None });
    }
}

pin_project! {
    struct Goodbye<F> {
        #[pin]
        task: F,
        held: Weak<ConnectionFacts>,
        shared: Weak<Shared>,
        limit: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = ()>> Future for Goodbye<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let done = this.task.poll(cx);
        if let Some(shared) = this.shared.upgrade() {
            if shared.watch.take_settings() {
                shared.changed();
            }
        }
        // The drop of the last handle wakes the task.
        match done {
            Poll::Pending if this.held.strong_count() == 0 => {
                this.limit.get_or_insert_with(|| Box::pin(sleep(LIMIT))).as_mut().poll(cx)
            }
            done => done,
        }
    }
}
